#!/usr/bin/python3
"""cluster_faults.py - three brokers over a primary and its synchronous standby, all in network namespaces, people at all of them, and
a fault in every round.

  scripts/dev cluster-faults
      --rounds N        (200)
      --first N         the number of the first round (0): with --rounds 1 and its seed a round is made again
      --seed N          (1)
      --faults KIND,... of these kinds alone (all)   --list tells them
      --block N         rounds with one cluster, before all is judged as a whole and the next one begins (20)
      --jobs N          clusters at a time (2)
      --record          write docs/results/cluster-faults-DATE.md

Exit: 0 every promise was kept, 1 one was not (the logs stay where it says), 77 this machine cannot do it."""
import argparse
import atexit
import os
import signal
import sys
import time

import cluster_report
import wire  # noqa: F401  makes zchat_test known
from cluster_kinds import WEIGHTS
from cluster_rounds import Bench
from scenes import in_parallel
from zchat_test import Skipped, _end_all, bin_folder


class Block:
    """Some rounds with one cluster."""

    def __init__(self, options, first, count):
        self.options, self.first, self.count = options, first, count
        self.bench, self.records, self.now = None, 0, first
        self.scene = None

    def run(self, scene):
        self.scene = scene
        try:
            self.bench = Bench(scene)
            for self.now in range(self.first, self.first + self.count):
                done = self.bench.run(self.now, self.options.seed, self.options.faults)
                print(f"{time.strftime('%H:%M:%S')} {cluster_report.line_of(done)}", flush=True)
            self.records = self.bench.end()
        except Exception:
            if self.bench is not None:
                self.bench.give_up()
            cluster_report.keep_logs(scene)
            raise
        self.scene = None
        return self

    def stop(self):
        """In the middle of it: nothing stays."""
        if self.bench is not None:
            self.bench.give_up()
        if self.scene is not None:
            self.scene.close(True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS)
    kinds = [each.kind for each in WEIGHTS]
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", default=",".join(kinds))
    parser.add_argument("--block", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    options.faults = options.faults.split(",")
    for kind in options.faults:
        if kind not in kinds:
            parser.error(f"there is no fault '{kind}': --list tells them")
    return options


def stop_at_signals(blocks):
    def stop(number, frame):
        """Whatever the scenes' threads think of it."""
        for block in blocks:
            block.stop()
        _end_all()
        os._exit(128 + number)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)


def main():
    options = arguments()
    if options.list:
        for each in WEIGHTS:
            print(f"{each.kind:14} {each.what}")
        return 0
    os.environ["ZCHAT_KEEP"] = "1"
    atexit.register(_end_all)
    print(f"programs: {bin_folder()}", flush=True)
    begun = time.monotonic()
    upto = options.first + options.rounds
    blocks = [Block(options, first, min(options.block, upto - first)) for first in range(options.first, upto, options.block)]
    stop_at_signals(blocks)
    results = in_parallel(options.jobs, [(f"rounds{block.first}", block.run) for block in blocks])
    broken = []
    for block, result in zip(blocks, results):
        if isinstance(result, Skipped):
            print(f"cannot be done here: {result}", file=sys.stderr)
            return 77
        if isinstance(result, Exception):
            broken.append(f"seed {options.seed}, round {block.now}: {type(result).__name__}: {result}")
    report = cluster_report.Report(blocks, broken, options, time.monotonic() - begun)
    print("\n".join(report.lines()))
    if options.record:
        report.write()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
