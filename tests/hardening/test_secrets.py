#!/usr/bin/python3
"""Keys stay where they belong: in their files and in memory; not in core files, arguments, environment or logs."""
import base64
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from zchat_test import Skipped, check, equal, program, run_tests, test, wait_until  # noqa: E402

NOBODY = 65534


def with_core(args):
    """Whoever starts it allows core files of any size."""
    if shutil.which("prlimit") is None:
        raise Skipped("prlimit is missing")
    return ["prlimit", "--core=unlimited:unlimited", "--", *args]


def cores(folder):
    return [path.name for path in folder.iterdir() if "core" in path.name]


@test
def killed_by_abort_neither_broker_nor_client_leaves_a_core_file(scene):
    folder = scene.folder / "here"
    folder.mkdir()
    try:
        trial = scene.start(with_core(["sleep", "60"]), "control", cwd=folder, stdin=subprocess.DEVNULL)
        wait_until(lambda: b"sleep" in pathlib.Path(f"/proc/{trial.pid}/cmdline").read_bytes()[:6], "sleep runs")
    except FileNotFoundError:
        raise Skipped("the limit of core files cannot be raised here") from None
    trial.signal(signal.SIGABRT)
    trial.wait_exit()
    is_seen = bool(cores(folder))  # else this machine puts them elsewhere: then the limits below must do
    for name in cores(folder):
        (folder / name).unlink()

    broker = scene.broker(prefix=with_core([]))
    started = scene.start(with_core(scene.person("alice", broker).args(["tail"])), "alice", cwd=folder,
                          stdin=subprocess.DEVNULL)
    wait_until(lambda: program("zchat").encode() == pathlib.Path(f"/proc/{started.pid}/cmdline").read_bytes().
               split(b"\0")[0], "the client runs")
    lonely = scene.start(with_core([program("zchat-broker"), "--data", folder / "data", "--port", "0"]), "lonely",
                         cwd=folder, stdin=subprocess.DEVNULL)
    lonely.wait_line(re.compile("^ready "))
    key = scene.folder / "home-alice" / "keys" / "alice.key"
    wait_until(key.exists, "the client has its key")
    for process in (broker.process, started, lonely):
        limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text()
        check(re.search(r"^Max core file size +0 +0 ", limits, re.M), f"{process.name}: {limits}")
        process.signal(signal.SIGABRT)
        equal(process.wait_exit(), -signal.SIGABRT, f"how {process.name} ended")
    equal(cores(folder), [], f"core files (the control left one: {is_seen})")


@test
def other_processes_of_the_same_user_cannot_look_into_ours(scene):
    if os.geteuid() != 0:
        raise Skipped("only root can run a broker as somebody else")
    data = scene.folder / "data"
    data.mkdir(mode=0o700)
    scene.folder.chmod(0o755)
    os.chown(data, NOBODY, NOBODY)
    process = scene.start([program("zchat-broker"), "--data", data, "--port", "0"], "nobody's", user=NOBODY,
                          stdin=subprocess.DEVNULL, env={"XDG_RUNTIME_DIR": str(scene.folder / "nowhere")})
    process.wait_line(re.compile("^ready "))
    equal(os.stat(f"/proc/{process.pid}/environ").st_uid, 0, "whose /proc/PID/environ is (root: it is not dumpable)")
    trial = scene.start(["sleep", "60"], "control", user=NOBODY, stdin=subprocess.DEVNULL)
    wait_until(lambda: b"sleep" in pathlib.Path(f"/proc/{trial.pid}/cmdline").read_bytes(), "sleep runs")
    equal(os.stat(f"/proc/{trial.pid}/environ").st_uid, NOBODY, "whose it is without the guard")


def forms(secret):
    """How somebody might write 32 bytes down."""
    for raw in (secret, base64.b64encode(secret).rstrip(b"="), base64.urlsafe_b64encode(secret).rstrip(b"="),
                base64.b32encode(secret).rstrip(b"="), secret.hex().encode(), secret.hex().upper().encode()):
        yield raw


@test
def secret_keys_stand_in_their_files_and_nowhere_else(scene):
    broker = scene.broker("--log-level", "debug", "--history", scene.folder / "history")
    alice, bob = (scene.person(nick, broker) for nick in ("alice", "bob"))
    alice.ok("join", "#lobby")
    tail = alice.tail()
    bob.ok("send", "@alice", "hello", "--wait", "delivered", "--timeout", "20s")
    bob.ok("join", "#lobby")
    said = {"history": b"".join(path.read_bytes() for path in [scene.folder / "history"])}
    for process in (broker.process, tail):
        for name in ("environ", "cmdline"):
            said[f"{name} of {process.name}"] = pathlib.Path(f"/proc/{process.pid}/{name}").read_bytes()
    for person in (alice, bob):
        result = person.ok("key")
        said[f"zchat key of {person.nick}"] = result.out + result.err
    for process in (tail, broker.process):
        process.stop()
        said[f"output of {process.name}"] = "\n".join(process.out + process.err).encode()
    keys = {broker.data / "broker.key": None}
    keys.update((person.home / "keys" / f"{person.nick}.key", None) for person in (alice, bob))
    for path in keys:
        keys[path] = bytes.fromhex(re.findall(r"[0-9a-f]{64}", path.read_text())[-1])
    for path in scene.folder.rglob("*"):
        if path.is_file() and path not in keys and path.name not in ("zchat.ballast",):
            said[str(path)] = path.read_bytes()
    check(len(said) > 12, f"little was looked into: {sorted(said)}")
    for path, secret in keys.items():
        for where, text in said.items():
            for form in forms(secret):
                check(form not in text, f"the secret key of {path} stands in {where}")


def locked_kb(process):
    return int(re.search(r"^VmLck:\s+(\d+) kB", pathlib.Path(f"/proc/{process.pid}/status").read_text(), re.M).group(1))


@test
def keys_in_memory_are_kept_out_of_the_swap(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    tail = alice.tail("#lobby", "--since", "all")
    tail.wait_line(re.compile("join"))
    logger = scene.logger(broker)
    wait_until(lambda: (logger.out_folder / "%23lobby.jsonl").exists(), "the logger archives")
    for process in (broker.process, tail, logger):
        check(locked_kb(process) > 0, f"{process.name} has no memory locked")


def seen_of(process, name):
    return pathlib.Path(f"/proc/{process.pid}/{name}").read_bytes()


@test
def an_invitation_in_the_arguments_is_blotted_out_and_advised_against(scene):
    broker = scene.broker("--registration", "invite")
    url = (broker.data / "owner.url").read_text().strip()
    token = re.search(r"invite=([0-9a-f]+)", url).group(1).encode()
    owner = scene.person("olga", broker)
    tail = owner.start("tail", "--json", "@olga", "--since", "all", stdin=subprocess.DEVNULL, url=url)
    tail.wait_line(re.compile("give --broker @FILE"), where="err")
    cmdline = seen_of(tail, "cmdline")
    check(b"invite=....." in cmdline and token not in cmdline, f"cmdline is {cmdline}")
    wait_until(lambda: owner.run("status").code == 0, "the owner is let in")
    check(token not in seen_of(tail, "cmdline"), "the token is back")


@test
def an_invitation_in_the_environment_is_blotted_out_and_advised_against(scene):
    broker = scene.broker("--registration", "invite")
    url = (broker.data / "owner.url").read_text().strip()
    token = re.search(r"invite=([0-9a-f]+)", url).group(1).encode()
    for name, args in (("zchat", ["--nick", "olga", "tail", "@olga"]),
                       ("zchat-logger", ["--nick", "olga", "--out", scene.folder / "out"])):
        process = scene.start([program(name), "--home", scene.folder / "home-olga", *args], name,
                              stdin=subprocess.DEVNULL, env={"ZCHAT_BROKER": url})
        process.wait_line(re.compile("give --broker @FILE"), where="err")
        environ = seen_of(process, "environ")
        check(b"ZCHAT_BROKER=" in environ and token not in environ, f"environ of {name} is {environ}")
        if name == "zchat":
            owner = scene.person("olga", broker)
            wait_until(lambda who=owner: who.run("status").code == 0, "the owner is let in")


if __name__ == "__main__":
    run_tests()
