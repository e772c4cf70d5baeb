#!/usr/bin/python3
"""test_readme.py - what the README shows works: its Python listener, exactly as it stands there."""
import argparse
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
parser = argparse.ArgumentParser()
parser.add_argument("--build", type=pathlib.Path)
given, sys.argv[1:] = parser.parse_known_args()
if given.build:
    os.environ["ZCHAT_BIN"] = str(given.build / "bin")
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from zchat_test import check, run_tests, test, wait_until  # noqa: E402


@test
def the_python_listener_of_the_readme_hears_a_room(scene):
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    check(len(blocks) == 1, "the README has one block of Python")
    path = scene.folder / "listener.py"
    path.write_text(blocks[0])
    broker = scene.broker()
    listener = scene.start(["/usr/bin/python3", "-B", path, broker.url], "listener",
                           stdin=subprocess.DEVNULL)
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")

    def is_heard():
        alice.ok("send", "#lobby", "hello from the README")
        return any("hello from the README" in line and "'alice'" in line for line in listener.out)

    wait_until(is_heard, "the listener prints what alice said")  # it subscribes when it is ready
    check(not any("@" in line.split("'stream':")[-1][:4] for line in listener.out),
          "it hears rooms only")


if __name__ == "__main__":
    run_tests()
