#!/usr/bin/python3
"""Instructions a message in codec, core and store have not grown by more than 5 % (tests/bench/baseline.json).

Times are noisy where other work goes on; instructions, counted by valgrind's callgrind in code that is always built
with -O2, are not. They do change with the compiler and the libraries they run through, so the baseline says of which
it is, and with others nothing is compared. test_counts.py --refresh writes the baseline anew."""
import json
import os
import pathlib
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BASELINE = HERE / "baseline.json"
MOST = 1.05
SKIP = 77
# What is counted: the function, and a first and a second number of times.
COUNTED = {
    "decode": ("wire_read", 640, 1920),
    "encode": ("wire_write", 640, 1920),
    "core": ("core_step", 500, 1500),
    "store": ("store_apply", 640, 1920),
    "rooms": ("store_apply", 640, 1920),
    "read": ("store_read", 512, 2560),
}


def toolchain(program):
    told = subprocess.run(["readelf", "-p", ".comment", program], capture_output=True, text=True, check=True).stdout
    compilers = sorted(set(re.findall(r"(GCC|clang)[^\n]*?(\d+\.\d+)", told)))
    return {"compiler": " ".join(" ".join(pair) for pair in compilers), "libc": platform.libc_ver()[1],
            "sqlite": sqlite3.sqlite_version, "machine": platform.machine()}


def count(program, name, function, times, scratch):
    folder = tempfile.mkdtemp(dir=scratch)
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--toggle-collect={function}", f"--callgrind-out-file={folder}/out", program, name,
         str(times), folder], capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or found is None:
        sys.exit(f"not ok - {name}: {done.stderr[-800:]}")
    return int(found.group(1))


def measure(program):
    counts = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, (function, first, second) in COUNTED.items():
            few, many = (count(program, name, function, times, scratch) for times in (first, second))
            counts[name] = round((many - few) / (second - first))
            if counts[name] <= 0:
                sys.exit(f"not ok - {name}: {function}() was not counted")
    return counts


def main():
    program = os.environ.get("ZCHAT_COUNTS", str(HERE.parents[1] / "build/release/tests/bench/counts"))
    if shutil.which("valgrind") is None:
        print("skipped: valgrind is not installed (scripts/dev bench --setup)")
        sys.exit(SKIP)
    tools = toolchain(program)
    if "--refresh" in sys.argv:
        BASELINE.write_text(json.dumps({"toolchain": tools, "instructions_a_message": measure(program)}, indent=1) + "\n")
        print(BASELINE.read_text(), end="")
        return
    baseline = json.loads(BASELINE.read_text())
    if baseline["toolchain"] != tools:
        print(f"skipped: the baseline is of {baseline['toolchain']}, this is {tools}")
        sys.exit(SKIP)
    failed = False
    for name, now in measure(program).items():
        before = baseline["instructions_a_message"][name]
        is_good = now <= before * MOST
        failed = failed or not is_good
        print(f"{'ok' if is_good else 'not ok'} - {name}: {now} instructions a message, {before} in the baseline ({now / before:.3f})")
    if failed:
        print("# what costs more on purpose: scripts/dev bench --counts writes the baseline anew; say why in the commit")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
