"""common.py - what the checks share: where the sources are, and how a fault is told."""
import argparse
import os
import pathlib
import sys

# The test of the checks points them to a copy with faults planted in it.
ROOT = pathlib.Path(os.environ.get("ZCHAT_ROOT") or pathlib.Path(__file__).resolve().parents[2])
FOLDERS = ("shared", "broker", "client", "examples", "tests")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "dev",
                        help="the build folder to look into")
    return parser.parse_args()


def sources(*suffixes):
    """Paths of our sources relative to the root, in order."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                yield path.relative_to(ROOT)


class Faults:
    def __init__(self):
        self.count = 0

    def add(self, place, text):
        self.count += 1
        print(f"{place}: {text}")

    def finish(self, good):
        if self.count == 0:
            print(good)
        sys.exit(1 if self.count else 0)
