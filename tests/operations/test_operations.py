#!/usr/bin/python3
"""test_operations.py - every block of commands in docs/operations.md, from top to bottom, as it stands there.

It needs root: /etc, /var, /run, /home and /usr/local are layers that vanish with this process, and so are network and processes. systemctl,
journalctl and apt-get are stand-ins (beside this file) that start the units' own command lines. A block behind
`<!-- needs: PROGRAM [WORDS] -->` is left out as long as PROGRAM's help does not know the last word."""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
PAGE = ROOT / "docs" / "operations.md"
BLOCK = re.compile(r"^(?:<!-- needs: (?P<needs>[^\n]*) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```", re.M | re.S)
LAYERED = ("/etc", "/var", "/home", "/usr/local", "/root")


def blocks():
    page = PAGE.read_text()
    for match in BLOCK.finditer(page):
        yield page.count("\n", 0, match.start("text")) + 1, match["needs"], match["kind"], match["text"]


def mount(*words):
    subprocess.run(["mount", *words], check=True, capture_output=True)


def make_machine(scratch, build):
    """Layers over what the commands change, and the programs in /usr/local/bin."""
    layers = scratch / "layers"
    layers.mkdir()
    mount("-t", "tmpfs", "tmpfs", str(layers))
    for place in LAYERED:
        for part in ("up", "work"):
            (layers / place.strip("/").replace("/", "-") / part).mkdir(parents=True)
        own = layers / place.strip("/").replace("/", "-")
        mount("-t", "overlay", "overlay", "-o", f"lowerdir={place},upperdir={own}/up,workdir={own}/work", place)
    mount("-t", "tmpfs", "tmpfs", "/run")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    programs = pathlib.Path("/usr/local/bin")
    for name in ("zchat", "zchat-broker", "zchat-logger"):
        shutil.copy2(build / "bin" / name, programs / name)
        (programs / name).chmod(0o755)
    for name, stand_in in (("systemctl", "systemctl"), ("journalctl", "systemctl"), ("apt-get", "apt-get")):
        shutil.copy2(HERE / stand_in, programs / name)
    shutil.copytree(ROOT / "dist/systemd", "/usr/local/lib/zchat-units")
    shutil.copytree(ROOT / "dist/conf", "/usr/local/lib/zchat-conf")
    os.chmod("/root", 0o755)
    for folder in ("/home/olga", "/home/bob"):
        pathlib.Path(folder).mkdir(mode=0o700)
    work = pathlib.Path("/home/work")
    work.mkdir(mode=0o755)
    for name in ("zchat-broker", "zchat", "zchat-logger"):  # what a pattern in the page finds
        (work / f"{name}_0_all.deb").touch()
    return work


def knows(needs):
    """Does the program's help know the last word?"""
    words = needs.split()
    told = subprocess.run([words[0], *words[1:-1], "--help"], capture_output=True, text=True, check=False)
    return re.search(rf"(^|\s){re.escape(words[-1])}\b", told.stdout, re.M) is not None


def run_page(build):
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="zchat-operations-"))
    work = make_machine(scratch, build)
    env = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/home/olga", "LC_ALL": "C.UTF-8", "TERM": "dumb",
           "ASAN_OPTIONS": "detect_leaks=0"}
    os.environ["PATH"] = env["PATH"]
    all_blocks = [block for block in blocks() if block[2] == "sh"]
    print(f"1..{len(all_blocks)}")
    bad = 0
    for number, (line, needs, _, text) in enumerate(all_blocks, 1):
        if needs and not knows(needs):
            print(f"ok {number} - line {line} # SKIP this build has no {needs}")
            continue
        if "nft " in text and shutil.which("nft") is None or "curl " in text and shutil.which("curl") is None:
            print(f"ok {number} - line {line} # SKIP nft or curl is not installed")
            continue
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], env=env, cwd=work, capture_output=True, text=True, timeout=120,
                              check=False, stdin=subprocess.DEVNULL)
        is_good = done.returncode == 0
        bad += not is_good
        print(f"{'ok' if is_good else 'not ok'} {number} - line {line}", flush=True)
        if not is_good:
            told = "\n".join([*text.splitlines(), f"-> {done.returncode}", *(done.stdout + done.stderr).splitlines()[-30:]])
            print("\n".join(f"#   {row}" for row in told.splitlines()))
            break  # the others build on it
    for name in ("zchat-logger", "zchat-broker"):
        subprocess.run(["systemctl", "stop", name], env=env, check=False)
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--inside", action="store_true")
    args = parser.parse_args()
    kinds = {kind for _, _, kind, _ in blocks()}
    if kinds != {"sh"}:
        sys.exit(f"{PAGE}: blocks of commands are ```sh, so that they are run; found {kinds}")
    if args.inside:
        sys.exit(run_page(args.build.resolve()))
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        print("skipped: needs root")
        sys.exit(77)
    inside = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "/usr/bin/python3", "-B", __file__,
              "--inside", "--build", str(args.build)]
    code = subprocess.run(inside, check=False).returncode
    for left in pathlib.Path(tempfile.gettempdir()).glob("zchat-operations-*"):
        if not any(left.glob("layers/*")):
            shutil.rmtree(left, ignore_errors=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
