#!/usr/bin/python3
"""mutants.py - plant each known bug of tests/PROGRAM/mutants in a copy of the sources; that program must find it.

usage: mutants.py [--program sim|closed] [--seeds N] [--keep FOLDER] [NAME ...]

The copy holds what git knows of the folders that the program needs, as they stand in the working tree. It is
built once; then each patch is applied, built, run and taken back. While one mutant runs the next is built."""
import argparse
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
NEEDED = ["CMakeLists.txt", "cmake", "dist", "shared", "broker", "client", "examples", "tests/CMakeLists.txt"]
PROGRAMS = {"sim": (["tests/sim", "tests/checker", "tests/support/core"], 1000),  # its folders; its seeds for one mutant
            "closed": (["tests/closed", "tests/support"], 3000)}
SEVERAL = "several-"  # how the names of those begin that only several brokers can have
RUN_SECONDS = 120
SHRUNK = "receipt-off-by-one"  # with this one it is also tried whether a failing seed is shrunk


def run(command, folder, **more):
    return subprocess.run(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)


def must(command, folder):
    result = run(command, folder)
    if result.returncode != 0:
        sys.exit(f"mutants: {' '.join(map(str, command))}:\n{result.stdout[-4000:]}")


def copy_sources(folder, program):
    folders = NEEDED + PROGRAMS[program][0]
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z", *folders], cwd=ROOT, check=True,
                           stdout=subprocess.PIPE, text=True).stdout.split("\0")
    for name in filter(None, names):
        to = folder / name
        if not (ROOT / name).is_file() or (to.is_file() and to.read_bytes() == (ROOT / name).read_bytes()):
            continue
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, to)  # dated now, so that what was built from it is built again


def patch(folder, path, *more):
    return run(["patch", "-p1", "--fuzz=0", "--silent", "--no-backup-if-mismatch", *more, "-i", path], folder)


def build(folder, program):
    return run(["ninja", "-C", "build", program], folder)


def try_mutant(binary, seeds):
    """Return (was it found, how)."""
    more = ["--brokers", "3"] if f"-{SEVERAL}" in binary.name else []
    try:
        result = run([binary, "--seeds", str(seeds), *more], binary.parent, timeout=RUN_SECONDS)
    except subprocess.TimeoutExpired:
        return True, f"not over after {RUN_SECONDS} s"
    if result.returncode == 0:
        return False, f"survived {seeds} seeds"
    found = re.search(r"^(?:.*invariant failed.*\n)?seed (\d+): .*", result.stdout, re.MULTILINE)
    if not found:
        return True, result.stdout[-200:].replace("\n", "; ")
    how = found.group(0).replace("\n", "; ")
    return (True, how) if binary.name != f"sim-{SHRUNK}" else try_shrinking(binary, found.group(1), how)


def try_shrinking(binary, seed, how):
    """The smallest weather must break the same promise, and its command line must show it."""
    result = run([binary, "--shrink", seed], binary.parent, timeout=RUN_SECONDS)
    line = re.search(r"^sim (--first .*) --story$", result.stdout, re.MULTILINE)
    if not line:
        return False, f"{how}; but it was not shrunk"
    again = run([binary, *line.group(1).split()], binary.parent, timeout=RUN_SECONDS)
    if again.returncode == 0:
        return False, f"{how}; but 'sim {line.group(1)}' breaks nothing"
    return True, f"{how}; shrunk to: sim {line.group(1)}"


def main():
    parser = argparse.ArgumentParser(usage=__doc__.splitlines()[2])
    parser.add_argument("--program", choices=PROGRAMS, default="sim")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--keep", type=pathlib.Path, help="build here and keep it")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    program, seeds = args.program, args.seeds or PROGRAMS[args.program][1]
    patches = sorted((ROOT / f"tests/{program}/mutants").glob("*.patch"))
    if args.names:
        patches = [path for path in patches if path.stem in args.names]

    with tempfile.TemporaryDirectory(prefix="mutants-") as temporary:
        folder = args.keep or pathlib.Path(temporary)
        folder.mkdir(exist_ok=True)
        copy_sources(folder, program)
        must(["cmake", "-S", ".", "-B", "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug",
              "-DCMAKE_C_FLAGS_DEBUG=-O1"], folder)
        must(["ninja", "-C", "build", program], folder)
        broken, runs = [], {}
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            for path in patches:
                applied = patch(folder, path)
                built = build(folder, program) if applied.returncode == 0 else None
                if built is None or built.returncode != 0:
                    broken.append(f"{path.stem}: does not {'build' if built else 'apply'}\n"
                                  f"{(built or applied).stdout[-2000:]}")
                else:
                    binary = folder / f"{program}-{path.stem}"
                    shutil.copy2(folder / "build/tests" / program / program, binary)
                    runs[path.stem] = pool.submit(try_mutant, binary, seeds)
                if applied.returncode == 0:
                    must(["patch", "-p1", "-R", "--silent", "-i", path], folder)
                else:
                    copy_sources(folder, program)
            survivors = 0
            for name, outcome in runs.items():
                was_found, how = outcome.result()
                survivors += not was_found
                print(f"{'found' if was_found else 'MISSED':7} {name}: {how}")
    for text in broken:
        print(f"BROKEN  {text}")
    print(f"{len(runs) - survivors} of {len(patches)} planted bugs were found in at most {seeds} seeds each")
    return 1 if survivors or broken or not patches else 0


if __name__ == "__main__":
    sys.exit(main())
