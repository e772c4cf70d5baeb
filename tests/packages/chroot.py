#!/usr/bin/python3
"""Install, run, upgrade and purge the packages in a fresh Debian 12, without systemd (scripts/dev packages --chroot).

The system is made by debootstrap once (build/chroot/base) and copied for each run. Processes run in a network namespace of
their own, so that the broker's usual port is free; apt runs in the machine's. Needs root. The run is recorded in
docs/results/packages-DATE.md with --record."""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

import care

ROOT = pathlib.Path(__file__).resolve().parents[2]
MIRROR = "http://deb.debian.org/debian"
# What a purge may leave: what apt and dpkg write down for themselves.
OTHERS = re.compile(r"^/(proc|sys|dev|tmp|run|var/cache|var/log|var/lib/apt|var/lib/dpkg)(/|$)|^/etc/(passwd|group|shadow|gshadow)-$"
                    r"|^/etc/ld\.so\.cache$|^/etc/resolv\.conf$|^/etc/\.pwd\.lock$")
NOBODY = 65534
lines = []


def say(text=""):
    print(text, flush=True)
    lines.append(text)


def done(what, begin):
    say(f"- {what} ({time.monotonic() - begin:.1f} s)")


def run(*command, **more):
    more.setdefault("check", True)
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, **{**more, "check": False})
    if more["check"] and result.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} -> {result.returncode}\n{result.stdout[-2000:]}\n{result.stderr[-3000:]}")
    return result


class System:
    """The system in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.network = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"],
                                        stdout=subprocess.PIPE, text=True)
        self.network.stdout.readline()
        self.processes = [self.network]

    def args(self, command, user=None, has_network=False):
        """In a mount namespace of its own, so nothing stays mounted."""
        mounts = f"mount -t proc proc {self.folder}/proc && mount --rbind /dev {self.folder}/dev"
        network = [] if has_network else ["nsenter", f"--net=/proc/{self.network.pid}/ns/net"]
        setpriv = f"setpriv --reuid {user} --regid {user} --clear-groups " if user is not None else ""
        script = f'{mounts} && exec chroot {self.folder} {setpriv}"$@"'
        namespace = ["--mount", "--pid", "--fork", "--kill-child"]
        return [*network, "unshare", *namespace, "sh", "-c", script, "sh", *map(str, command)]

    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}

    def run(self, *command, check=True, user=None, env=None, is_online=False, stdin=""):
        return run(*self.args(command, user, is_online), check=check, input=stdin, env={**self.environment, **(env or {})})

    def start(self, *command, user=None, env=None, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE):
        process = subprocess.Popen(self.args(command, user), stdout=stdout, stderr=stderr, text=True,
                                   env={**self.environment, **(env or {})}, stdin=stdin)
        self.processes.append(process)
        return process

    def files(self):
        """{path: kind, mode and owner} of everything but what package managers keep for themselves."""
        found = {}
        for folder, folders, names in os.walk(self.folder):
            for name in folders + names:
                path = pathlib.Path(folder, name)
                inside = "/" + path.relative_to(self.folder).as_posix()
                if not OTHERS.match(inside):
                    info = path.lstat()
                    found[inside] = (oct(info.st_mode), info.st_uid, info.st_gid)
        return found

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()


def make_base(base):
    if base.exists():
        return
    part = base.with_name("base.part")
    shutil.rmtree(part, ignore_errors=True)
    run("debootstrap", "--variant=minbase", "bookworm", part, MIRROR)
    part.rename(base)


def exec_start(system, package, state=None):
    """The unit's own command line, and its user, as systemd would run it."""
    unit = (system.folder / f"usr/lib/systemd/system/{package}.service").read_text()
    words = re.search(r"^ExecStart=(.*)$", unit, re.M).group(1)
    words = words.replace("${STATE_DIRECTORY}", state or f"/var/lib/{package}").split()
    return [word for word in words if not word.startswith("$")], re.search(r"^User=(.*)$", unit, re.M).group(1)


def user_id(system, name):
    found = [line.split(":") for line in (system.folder / "etc/passwd").read_text().splitlines() if line.startswith(f"{name}:")]
    return int(found[0][2]) if found else None


class Notifications:
    """Where a service says READY=1."""

    def __init__(self, system):
        self.path = system.folder / "run/notify"
        self.path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.path.chmod(0o666)
        self.socket.settimeout(20)

    def wait(self, state):
        while state not in self.socket.recv(4096).decode().splitlines():
            pass


@contextlib.contextmanager
def broker(system, state="/var/lib/zchat-broker"):
    """The broker by its ExecStart, ready; stopped by SIGTERM at the end."""
    command, user = exec_start(system, "zchat-broker", state)
    number = user_id(system, user)
    notifications = Notifications(system)
    begin = time.monotonic()
    process = system.start(*command, user=number, env={"STATE_DIRECTORY": state, "NOTIFY_SOCKET": "/run/notify"})
    line = process.stdout.readline().strip()
    if not line.startswith("ready "):
        process.wait()
        raise SystemExit(f"the broker does not get ready: {line}\n{process.stderr.read()}")
    notifications.wait("READY=1")
    done(f"`{' '.join(command)}` as user {user} serves, and says READY=1", begin)
    yield line.split(" ", 1)[1]
    # SIGTERM to the broker itself: below unshare, which passes none on.
    child = int(pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
    os.kill(child, 15)
    process.wait(20)
    errors = process.stderr.read()
    if process.returncode != 0 or "broker.stopped" not in errors:
        raise SystemExit(f"the broker ended with {process.returncode}: {errors[-2000:]}")


def zchat(system, home, url, *words, check=True, stdin=""):
    return system.run("zchat", "--home", f"/tmp/{home}", "--nick", home, "--broker", url, *words, user=NOBODY, check=check, stdin=stdin)


def talk(system, url, text):
    """Two clients: a room, and a private message that is delivered."""
    begin = time.monotonic()
    for nick in ("alice", "bob"):
        zchat(system, nick, url, "join", "#lobby")
    tail = system.start("zchat", "--home", "/tmp/bob", "--nick", "bob", "--broker", url, "tail", "#lobby", "@bob", "--json",
                        "--since", "all", user=NOBODY)
    zchat(system, "alice", url, "send", "#lobby", text)
    delivered = zchat(system, "alice", url, "send", "@bob", f"private {text}", "--wait", "delivered", "--json")
    if json.loads(delivered.stdout)["state"] != "delivered":
        raise SystemExit(delivered.stdout)
    heard, wanted = set(), {text, f"private {text}"}
    timer = threading.Timer(30, tail.kill)
    timer.start()
    while not wanted <= heard and (line := tail.stdout.readline()):
        heard.add(json.loads(line).get("text"))
    timer.cancel()
    tail.kill()
    expect(wanted <= heard, f"bob hears both, not only {heard}")
    done("alice and bob talk: a room, and a private message that is delivered", begin)


def archive(system, url, text):
    """The logger by its ExecStart, until the archive has what was said."""
    begin = time.monotonic()
    command, user = exec_start(system, "zchat-logger")
    logger = system.start(*command, user=user_id(system, user), env={
        "STATE_DIRECTORY": "/var/lib/zchat-logger", "ZCHAT_HOME": "/var/lib/zchat-logger/home", "ZCHAT_BROKER": url})
    path = system.folder / "var/lib/zchat-logger/archive/%23lobby.jsonl"
    while not (path.exists() and text in path.read_text()):
        expect(logger.poll() is None and time.monotonic() < begin + 30, "the logger archives #lobby")
        time.sleep(0.05)
    logger.kill()
    done(f"`{' '.join(command)}` as user {user} archives #lobby", begin)


def install(system, folder):
    shutil.rmtree(system.folder / "tmp/debs", ignore_errors=True)
    shutil.copytree(folder, system.folder / "tmp/debs")
    names = sorted(f"/tmp/debs/{path.name}" for path in folder.glob("*.deb"))
    result = system.run("apt-get", "install", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold", *names, is_online=True)
    if re.search(r"^(dpkg|W|E): .*(error|warning)", result.stdout + result.stderr, re.M | re.I):
        raise SystemExit(result.stdout + result.stderr)


def history(system, url):
    got = zchat(system, "alice", url, "history", "#lobby", "--json", "-n", "1000")
    return [json.loads(line)["text"] for line in got.stdout.splitlines() if json.loads(line)["type"] == "message"]


def expect(is_true, text):
    if not is_true:
        raise SystemExit(f"not so: {text}")


def try_all(system, first, following, checker):
    needed = set()
    for path in first.glob("*.deb"):
        depends = run("dpkg-deb", "-f", path, "Depends").stdout
        needed |= {part.split("(")[0].split("|")[0].strip() for part in depends.split(",") if part.strip()}
    begin = time.monotonic()
    system.run("apt-get", "update", "-qq", is_online=True)
    bare = system.folder / "usr/bin/zchat"
    expect(not bare.exists(), "a fresh system")
    # First what they need, so that what is compared later is ours alone.
    system.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *sorted(name for name in needed if not name.startswith("libzchat")),
               "gcc", "libc6-dev", "pkg-config", is_online=True)
    done("a fresh Debian 12 without systemd; what the packages need is installed by apt", begin)
    before = system.files()

    begin = time.monotonic()
    install(system, first)
    done("`apt-get install ./*.deb`: all five", begin)
    expect(user_id(system, "zchat-broker") is not None, "the broker's user is made")
    data = system.folder / "var/lib/zchat-broker"
    expect(oct(data.stat().st_mode)[-3:] == "700" and data.stat().st_uid == user_id(system, "zchat-broker"), "its folder is its alone")

    with broker(system) as url:
        talk(system, url, "before the upgrade")
        archive(system, url, "before the upgrade")
        key = url.rsplit("key=", 1)[1]
    settings = system.folder / "etc/zchat/broker/broker.conf"
    settings.write_text("# edited by hand\naccount-devices = 8\n" + settings.read_text())

    begin = time.monotonic()
    install(system, following)
    version = system.run("dpkg-query", "-W", "-f", "${Version}", "zchat-broker").stdout
    done(f"upgraded to {version}; an edited /etc/zchat/broker/broker.conf is kept", begin)
    expect("edited by hand" in settings.read_text(), "settings that were edited are kept")
    with broker(system) as url:
        expect(url.rsplit("key=", 1)[1] == key, "the broker has the key it had")
        expect(history(system, url) == ["before the upgrade"], "what was said is there")
        talk(system, url, "after the upgrade")
        expect(history(system, url) == ["before the upgrade", "after the upgrade"], "all is there, in order")
    say("- key, people and messages are those from before the upgrade")

    care.take_care(sys.modules[__name__], system, checker)

    begin = time.monotonic()
    system.run("sh", "-c", "cc -Wall -Werror -o /tmp/echo_bot /usr/share/doc/libzchat-dev/examples/echo_bot.c"
               " $(pkg-config --cflags --libs zchat) && ldd /tmp/echo_bot | grep -q 'libzchat.so.0 => /'")
    done("an example builds with `pkg-config --cflags --libs zchat`, and finds the library", begin)

    begin = time.monotonic()
    system.run("apt-get", "remove", "-y", "-qq", "zchat-broker", "zchat-logger", is_online=True)
    expect((data / "zchat.db").exists() and user_id(system, "zchat-broker") is not None, "removal keeps data and user")
    names = ["zchat-broker", "zchat-logger", "zchat", "libzchat0", "libzchat-dev"]
    system.run("apt-get", "purge", "-y", "-qq", *names, is_online=True)
    done("removed: data and user stay; purged", begin)
    expect(user_id(system, "zchat-broker") is None and user_id(system, "zchat-logger") is None, "purge removes the users")
    after = system.files()
    changed = sorted(path for path in set(before) | set(after) if before.get(path) != after.get(path))
    expect(not changed, f"a purge leaves everything as it was: {changed}")
    say(f"- the {len(after)} files of the system are those from before the installation, with their modes and owners")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages", type=pathlib.Path, required=True)
    parser.add_argument("--next", type=pathlib.Path, required=True)
    parser.add_argument("--checker", type=pathlib.Path, required=True, help="zchat-check, from a build with tests")
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("this needs root: it makes a system in a folder")
    base, folder = ROOT / "build/chroot/base", ROOT / "build/chroot/run"
    begin = time.monotonic()
    make_base(base)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    run("cp", "-a", "--reflink=auto", base, folder)
    shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
    today = datetime.date.today().isoformat()
    say(f"# Packages in a fresh Debian 12, {today}")
    say()
    say("`scripts/dev packages --chroot`: debootstrap's minbase of bookworm, no systemd in it. Packages:")
    say()
    for path in sorted(args.packages.glob("*.deb")):
        say(f"- {path.name}, {path.stat().st_size} bytes")
    say()
    say("What was done, in order:")
    say()
    system = System(folder)
    try:
        try_all(system, args.packages.resolve(), args.next.resolve(), args.checker.resolve())
    finally:
        system.end()
        shutil.rmtree(folder, ignore_errors=True)
    say()
    say(f"All of it in {time.monotonic() - begin:.0f} s.")
    if args.record:
        (ROOT / f"docs/results/packages-{today}.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
