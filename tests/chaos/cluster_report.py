"""cluster_report.py - what rounds of faults did, in lines for people, and as a page of docs/results/."""
import collections
import datetime
import os
import platform
import subprocess
import sys

import wire  # noqa: F401  makes zchat_test known
from cluster_kinds import WEIGHTS
from zchat_test import ROOT, shorten

FOUND = "## What was found and fixed"
SOON_S = 3


def share(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def times(values):
    """Median, 90 %, longest."""
    return f"{share(values, 0.5):.2f}, {share(values, 0.9):.2f}, {max(values):.2f}" if values else "-"


def line_of(done):
    struck = f"struck {times(done.struck)}; " if done.struck else ""
    return (f"round {done.number}: {done.text}: {struck}others {times(done.others)}; {done.moved} clients moved; "
            f"all well {done.settled:.1f} s after it; {done.took:.1f} s")


def keep_logs(scene):
    """What every process said, into its own files in the scene's folder, which stays."""
    folder = scene.folder / "logs"
    folder.mkdir(exist_ok=True)
    for number, process in enumerate(scene.processes):
        name = "".join(char if char.isalnum() else "_" for char in process.name)[:60]
        for kind in ("out", "err"):
            (folder / f"{number:03}-{name}.{kind}").write_text("\n".join(getattr(process, kind)) + "\n", encoding="utf-8")


class Report:
    def __init__(self, blocks, broken, options, took_s):
        self.broken, self.options, self.took_s = broken, options, took_s
        self.benches = [block.bench for block in blocks if block.bench is not None]
        self.records = sum(block.records for block in blocks)
        self.rounds = [done for bench in self.benches for done in bench.rounds]

    def _of(self, kind):
        return [done for done in self.rounds if done.kind == kind]

    def _table(self):
        yield "How long a line that was said while the fault lasted waited for its answer at most, of each writer whose broker was struck and of"
        yield "each of the others: median, 90 %, longest, in seconds. All well: everything answered, and shown to all, behind the end of the fault."
        yield ""
        yield "| fault | rounds | struck | others | all well: median, longest |"
        yield "| --- | --- | --- | --- | --- |"
        for each in WEIGHTS:
            rounds = self._of(each.kind)
            if not rounds:
                continue
            struck = [took for done in rounds for took in done.struck]
            others = [took for done in rounds for took in done.others]
            settled = [done.settled for done in rounds]
            yield (f"| {each.what} | {len(rounds)} | {times(struck)} | {times(others)} | {share(settled, 0.5):.1f}, "
                   f"{max(settled):.1f} |")

    def _soon(self):
        for kind in ("kill", "pause", "cut-clients", "cut-database", "lost-answer"):
            struck = [took for done in self._of(kind) for took in done.struck]
            if struck:
                parts = ", ".join(f"{sum(took <= limit for took in struck) * 100 / len(struck):.0f} % within {limit} s"
                                  for limit in (SOON_S, 5, 8, 15))
                yield f"- {kind}: {len(struck)} clients, {parts}"

    def lines(self):
        restarts = sum(supervisor.restarts for bench in self.benches for supervisor in bench.supervisors)
        reasons = [line for bench in self.benches for supervisor in bench.supervisors for line in supervisor.reasons]
        yield (f"{len(self.rounds)} rounds: {sum(bench.load.acknowledged() for bench in self.benches)} posts acknowledged, "
               f"{sum(bench.load.retries for bench in self.benches)} of them said again at other brokers; "
               f"{sum(bench.powered_lines for bench in self.benches)} lines looked for on disks behind cuts of power; "
               f"{self.records} records read by zchat-check; brokers started again {restarts} times, or it was tried, {len(reasons)} of these "
               f"after they had ended by themselves. Violations: {len(self.broken)}.")
        yield from (f"- {each}" for each in self.broken)
        yield ""
        yield from self._table()
        soon = list(self._soon())
        if soon:
            yield from ("", "The same of writers whose broker was struck while others could be reached:", "", *soon)
        if reasons:
            yield ""
            yield "Why brokers ended by themselves:"
            yield ""
            told = collections.Counter((line.partition(" error ")[2] or line)[:160] for line in reasons)
            yield from (f"- {count} times `{line}`" for line, count in told.most_common())

    def write(self):
        """Figures are written anew; what stands below FOUND was written by people and is kept."""
        path = ROOT / "docs" / "results" / f"cluster-faults-{datetime.date.today()}.md"
        old = path.read_text() if path.exists() else ""
        kept = old[old.index(FOUND):] if FOUND in old else f"{FOUND}\n"
        commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], check=False, capture_output=True,
                                text=True).stdout.strip()
        with open("/etc/os-release", encoding="utf-8") as release:
            system = next(line.split('"')[1] for line in release if line.startswith("PRETTY_NAME"))
        head = [f"# Faults of a cluster, {datetime.date.today()}", "",
                f"{os.cpu_count()} cores, {system}, Linux {platform.release()}; commit {commit}; {self.took_s / 60:.0f} minutes; "
                f"seed {self.options.seed}; load {os.getloadavg()[2]:.1f}.", "",
                "    scripts/dev cluster-faults " + " ".join(sys.argv[1:]), ""]
        path.write_text("\n".join(head + list(self.lines())) + f"\n\n{kept}")
        print(f"wrote {path.relative_to(ROOT)}; {shorten(self.broken)}")
