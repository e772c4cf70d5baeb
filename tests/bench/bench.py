#!/usr/bin/python3
"""bench.py - measure our broker against floors and peers, in one run (scripts/dev bench).

The main figure is the CPU the broker takes for one delivery: it travels between machines as a ratio to the bare
relay of the same run. Nothing is judged here; --record writes what came out to docs/results/."""
import argparse
import contextlib
import datetime
import fcntl
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

import report
from servers import ROOT
from workloads import NOT_QUICK, Bench


class Lock:
    """One measurement at a time on this machine, and nothing heavy of whoever keeps the same lock."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")

    def __enter__(self):
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *ignored):
        fcntl.flock(self.file, fcntl.LOCK_UN)


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if "model name" in line), "?")
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": platform.release(),
            "load_before": os.getloadavg()[0], "time": datetime.datetime.now().isoformat(timespec="seconds"),
            "commit": subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True,
                                     check=False).stdout.strip()}


def document(bench, about, pictures):
    busy = "busy with other work" if about["load_before"] > 0.5 else "otherwise idle"
    lines = [f"# Measured on {about['time'][:10]}", "",
             f"{about['cpus']} CPUs ({about['cpu']}), Linux {about['kernel']}, commit {about['commit']}. The machine was {busy} (load "
             f"{about['load_before']:.1f} before), so CPU time is the main figure and wall-clock figures are what they are; servers take turns, "
             "medians stand. `ratio` compares CPU a delivery with the bare relay of the same kind (with CURVE or without), `ratio to sync` posts "
             "a second with the relay that appends and syncs once a turn. `spread` is the largest over the least of the runs.", "",
             "## Targets", "", report.targets(bench.rows), "", "## Figures", report.table(bench.rows), "", "## Configurations", ""]
    lines += [f"- {name}: `{text}`" for name, text in bench.configurations.items()]
    lines += [f"- not measured: {why}" for why in bench.missing.values()]
    lines += ["", *[f"![{name}]({name})" for name in pictures]]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(prog="scripts/dev bench")
    parser.add_argument("workloads", nargs="*", help="fanout single private idle steady behind rooms threads; default: all")
    parser.add_argument("--quick", action="store_true", help="fewer cells, shorter: under five minutes")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="servers whose names hold this")
    parser.add_argument("--record", action="store_true", help="write docs/results/bench-DATE.md, .json and pictures")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--scratch", type=pathlib.Path, default=ROOT / "build", help="where data lies: a real disk")
    parser.add_argument("--lock", default="/tmp/zchat-heavy.lock")
    args = parser.parse_args()
    about, begun = machine(), time.monotonic()
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=args.scratch))
        bench = Bench(scratch, Lock(args.lock), lambda text: print(text, flush=True), args.quick, args.only)
        known = bench.all()
        usual = [name for name in known if not (args.quick and name in NOT_QUICK)]
        for name in args.workloads or usual:
            if name not in known:
                parser.error(f"there is no workload '{name}': {' '.join(known)}")
            known[name]()
    print(report.table(bench.rows))
    print("\n" + report.targets(bench.rows))
    for name, text in bench.configurations.items():
        print(f"{name}: {text}")
    print(f"took {time.monotonic() - begun:.0f} s, {bench.waited_s:.0f} s of it waiting for other work to leave the machine")
    result = json.dumps({"machine": about, "configurations": bench.configurations, "missing": bench.missing, "rows": bench.rows}, indent=1)
    if args.json:
        args.json.write_text(result + "\n")
    if args.record:
        stem, folder = f"bench-{about['time'][:10]}", ROOT / "docs/results"
        pictures = report.plot(bench.rows, folder, stem)
        (folder / f"{stem}.json").write_text(result + "\n")
        (folder / f"{stem}.md").write_text(document(bench, about, pictures))
    sys.exit(0 if bench.rows and not bench.failed else 1)


if __name__ == "__main__":
    main()
