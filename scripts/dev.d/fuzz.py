#!/usr/bin/python3
"""Runs the fuzz targets and tells what came of it: a table, and with --record docs/results/fuzz-DATE.md.

`--from-logs` runs nothing and makes the table from the logs of earlier runs, which say how they began
("commit: ...") and how they ended in libFuzzer's own words."""

import argparse
import concurrent.futures
import datetime
import os
import pathlib
import platform
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
# Freed blocks are watched for a while; more than this, and giving memory back to the system, costs ten times and finds no more.
ASAN = "malloc_context_size=1:quarantine_size_mb=1:allocator_release_to_os_interval_ms=-1"


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/dev fuzz")
    parser.add_argument("target", nargs="*", help="fuzz_NAME; all when none is named")
    parser.add_argument("--runs", type=int, default=-1, help="executions of each target")
    parser.add_argument("--seconds", type=int, help="at most for each target (60 without --runs)")
    parser.add_argument("--jobs", type=int, default=1, help="targets at a time")
    parser.add_argument("--minimise", action="store_true", help="merge what was found into the corpus first")
    parser.add_argument("--record", action="store_true", help="write docs/results/fuzz-DATE.md")
    parser.add_argument("--from-logs", action="store_true", help="run nothing, read the logs")
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build/fuzz/tests/fuzz")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/fuzz/found",
                        help="logs, new inputs and findings")
    asked = parser.parse_args()
    known = sorted(path.stem for path in (ROOT / "tests/fuzz").glob("fuzz_*.c"))
    for target in asked.target:
        if target not in known:
            parser.error(f"there is no target {target}; there are: {' '.join(known)}")
    asked.target = asked.target or known
    if asked.seconds is None:
        asked.seconds = 60 if asked.runs < 0 else 0
    return asked


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def run(asked, target):
    new = asked.work / target
    new.mkdir(parents=True, exist_ok=True)
    program = str(asked.programs / target)
    environment = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ASAN)}
    if asked.minimise:
        subprocess.run([program, "-merge=1", str(CORPUS / target), str(new)], env=environment,
                       stderr=subprocess.DEVNULL, check=True)
    command = [program, f"-runs={asked.runs}", f"-max_total_time={asked.seconds}", "-timeout=10",
               "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={asked.work}/{target}-",
               str(new), str(CORPUS / target)]
    with open(asked.work / f"{target}.log", "w", encoding="utf-8", errors="replace") as log:
        log.write(f"commit: {commit()}\n")
        log.flush()
        subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, env=environment, check=False)
    return read_log(asked, target)


def read_log(asked, target):
    """None: there is no log. A run that has not ended counts what it told last."""
    path = asked.work / f"{target}.log"
    if not path.exists():
        return None
    text = path.read_text(encoding="utf-8", errors="replace")
    ended = re.search(r"^Done (\d+) runs in (\d+) second", text, re.M)
    counts = re.findall(r"^#(\d+)\s", text, re.M)
    coverage = re.findall(r"\bcov: (\d+)", text)
    units = re.search(r"number_of_executed_units: (\d+)", text)
    executions = int(ended[1]) if ended else int(units[1]) if units else int(counts[-1]) if counts else 0
    return {
        "target": target,
        "executions": executions,
        "seconds": int(ended[2]) if ended else None,
        "findings": len(re.findall(r"Test unit written to", text)),
        "coverage": int(coverage[-1]) if coverage else 0,
        "commit": (re.search(r"^commit: (.*)$", text, re.M) or ["", "unknown"])[1],
    }


def table(rows):
    yield "| target | executions | seconds | findings | edges | sources |"
    yield "| --- | ---: | ---: | ---: | ---: | --- |"
    for row in rows:
        seconds = "not ended" if row["seconds"] is None else row["seconds"]
        yield (f"| {row['target']} | {row['executions']:,} | {seconds} | {row['findings']} | "
               f"{row['coverage']} | {row['commit']} |")


def record(rows):
    day = datetime.date.today().isoformat()
    path = ROOT / "docs" / "results" / f"fuzz-{day}.md"
    lines = [f"# Fuzzing campaign of {day}", "",
             "libFuzzer with the address and undefined-behaviour sanitizers, preset fuzz; one process a target, at",
             f"nice 19 beside other work. Machine: {platform.system()} {platform.release()}, {os.cpu_count()} processors.", "",
             *table(rows), "",
             "Every input of `tests/fuzz/corpus` is replayed by the normal tests. Again: `scripts/dev fuzz --runs N`.", ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    print(f"written: {path.relative_to(ROOT)}")


def main():
    asked = arguments()
    asked.work = asked.work.resolve()
    asked.work.mkdir(parents=True, exist_ok=True)
    if asked.from_logs:
        rows = [read_log(asked, target) for target in asked.target]
    else:
        with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, asked.jobs)) as pool:
            rows = list(pool.map(lambda target: run(asked, target), asked.target))
    rows = [row for row in rows if row is not None]
    print("\n".join(table(rows)))
    if asked.record:
        record(rows)
    bad = [row["target"] for row in rows if row["findings"] > 0 or
           (row["seconds"] is None and not asked.from_logs)]
    if bad:
        print(f"findings: {' '.join(bad)}; the inputs and logs are in {asked.work}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
