#!/usr/bin/python3
"""scale.py - what one, two and three brokers over one PostgreSQL with a synchronous standby carry (scripts/dev scale).

All of it runs on this one machine, so posts a second say what the machine does when it carries brokers, both databases and the load at
once; what a broker and what the database cost for each post and each delivery is what can be added up for more machines
(docs/scaling.md). Numbers of brokers take turns; medians stand. One broker on SQLite is measured beside them."""
import argparse
import datetime
import json
import os
import pathlib
import re
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
# pylint: disable=wrong-import-position
from bench import machine
from servers import ROOT, Broken, measure
from standby import brokers_with_hints, primary_and_standby
from zchat_test import Scene, check

LIMITS = [f"--{name}=0" for name in ("account-rate", "room-rate", "account-rooms", "stranger-rate", "handshakes-per-address", "handshakes-per-key")]
COUNTS = (1, 2, 3)
CELLS = {"10 members, 64 in flight": ["--users", 12, "--flight", 64],
         "10 members, 1,024 in flight": ["--users", 12, "--flight", 1024],
         "100 members, 64 in flight": ["--users", 102, "--flight", 64],
         "100 members, 1,024 in flight": ["--users", 102, "--flight", 1024],
         "20 rooms of 10, 1,024 in flight": ["--users", 12, "--flight", 1024, "--rooms", 20],
         "1,000 posts/s, 10 members": ["--users", 12, "--rate", 1000]}
LIST = ("--talk", "--hear", "--key", "--pid")


def children(pid):
    """The server's own processes: they live as long as their connections."""
    found = [pid]
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


class Brokers:
    """A fresh chat: `count` brokers on a primary with its standby; none: one on SQLite."""

    def __init__(self, count):
        self.scene, self.servers = Scene(f"scale-{count}"), []
        self.count = count
        self.name = self.name_of(count)

    @staticmethod
    def name_of(count):
        return f"{count} broker{'s' if count > 1 else ''}" if count else "SQLite, 1 broker"

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.scene.close(False)
            raise
        return self

    def __exit__(self, kind, *ignored):
        self.scene.close(kind is None)

    def _start(self):
        scene = self.scene
        if self.count == 0:
            self.brokers = [scene.broker("--log-level", "warn", *LIMITS)]
            return
        primary, standby, secret = primary_and_standby(scene)
        self.servers = [primary, standby]
        self.brokers = brokers_with_hints(scene, f"@{secret}", self.count, "--require-replication", *LIMITS)

    # What servers.measure() wants to know of a server.
    def load_arguments(self):
        ports = [int(re.search(r":(\d+)\?", broker.url).group(1)) for broker in self.brokers]
        keys = [re.search(r"key=([0-9a-f]{64})", broker.url).group(1) for broker in self.brokers]
        lists = (ports, [port + 1 for port in ports], keys, [broker.process.pid for broker in self.brokers])
        words = ["--driver", "zchat", "--beside", ",".join(str(pid) for server in self.servers for pid in children(server.process.pid))]
        for option, values in zip(LIST, lists):
            words += [option, ",".join(str(value) for value in values)]
        return words


def figures(told):
    """Times in microseconds, CPU in microseconds a post or nanoseconds a delivery."""
    brokers_ms = sum(broker["cpu_ms"] for broker in told["brokers"])
    seconds = max(told["seconds"], 1e-3)
    return {"posts_per_s": told["acked"] / seconds,
            "deliveries_per_s": told["delivered"] / seconds,
            "brokers_us_a_post": brokers_ms * 1e3 / told["acked"],
            "database_us_a_post": told["beside_cpu_ms"] * 1e3 / told["acked"],
            "cpu_ns_a_delivery": (brokers_ms + told["beside_cpu_ms"]) * 1e6 / told["delivered"],
            "ack_p50_us": told["acks"].get("p50_us"), "ack_p99_us": told["acks"].get("p99_us"),
            "here_p50_us": told["deliveries"].get("p50_us"), "here_p99_us": told["deliveries"].get("p99_us"),
            "there_p50_us": told["crossings"].get("p50_us"), "there_p99_us": told["crossings"].get("p99_us"),
            "brokers_cpus": brokers_ms / 1e3 / seconds, "database_cpus": told["beside_cpu_ms"] / 1e3 / seconds,
            "load_cpus": told["load"]["cpu_ms"] / 1e3 / seconds}


def median(runs):
    known = {name: [run[name] for run in runs if run[name] is not None] for name in runs[0]}
    return {name: statistics.median(values) if values else None for name, values in known.items()}


HEADS = ("posts/s", "deliveries/s", "brokers' CPU a post, µs", "database's", "all CPU a delivery, ns", "ack p50, ms", "p99", "delivered p50, here",
         "at another broker", "p99", "CPUs: brokers", "database", "load")


def shown(row):
    def ms(name):
        return "" if row[name] is None else f"{row[name] / 1e3:.1f}"
    return (f"{row['posts_per_s']:,.0f}", f"{row['deliveries_per_s']:,.0f}", f"{row['brokers_us_a_post']:.1f}", f"{row['database_us_a_post']:.1f}",
            f"{row['cpu_ns_a_delivery']:,.0f}", ms("ack_p50_us"), ms("ack_p99_us"), ms("here_p50_us"), ms("there_p50_us"), ms("there_p99_us"),
            f"{row['brokers_cpus']:.2f}", f"{row['database_cpus']:.2f}", f"{row['load_cpus']:.2f}")


def table(rows):
    lines = []
    for cell in CELLS:
        lines += ["", f"### {cell}", "", f"| | {' | '.join(HEADS)} |", "|" + " --- |" * (len(HEADS) + 1)]
        lines += [f"| {name} | {' | '.join(shown(row))} |" for (name, of), row in rows.items() if of == cell]
    return "\n".join(lines) + "\n"


def model(rows):
    """docs/scaling.md: what 1 and 2 brokers cost says what 3 cost; CPU a post in µs, predicted and measured, of brokers and of the database."""
    lines = ["", "### The model, of 3 brokers", "", "| | following a post elsewhere, µs | brokers' CPU a post: predicted | measured | database's: predicted | measured |",
             "|" + " --- |" * 6]
    for cell in CELLS:
        one, two, three = (rows.get((Brokers.name_of(count), cell)) for count in COUNTS)
        if None in (one, two, three):
            continue
        words = [cell, f"{two['brokers_us_a_post'] - one['brokers_us_a_post']:.1f}"]
        for part in ("brokers_us_a_post", "database_us_a_post"):
            words += [f"{2 * two[part] - one[part]:.1f}", f"{three[part]:.1f}"]
        lines.append(f"| {' | '.join(words)} |")
    return "\n".join(lines) + "\n"


def document(about, rows, repeats):
    return (f"# One, two and three brokers, {about['time'][:10]}\n\n"
            f"{about['cpus']} CPUs ({about['cpu']}), Linux {about['kernel']}, commit {about['commit']}, load {about['load_before']:.1f} before. PostgreSQL "
            "with a synchronous standby, both beside the brokers and the load on these CPUs; CURVE, history, dedupe and receipts on, text of 128 bytes; "
            f"medians of {repeats}. Members are dealt to the brokers in turn, so of n brokers each delivers to an n-th of them. "
            "`scripts/dev scale`; what follows from it: docs/scaling.md.\n" + table(rows) + model(rows))


def main():
    parser = argparse.ArgumentParser(prog="scripts/dev scale")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--ms", type=int, default=1500, help="of each measurement")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="cells whose names hold this")
    parser.add_argument("--record", action="store_true", help="write docs/results/scale-DATE.md and .json")
    parser.add_argument("--scratch", type=pathlib.Path, default=ROOT / "build", help="where data lies: a real disk")
    args = parser.parse_args()
    cells = {name: words for name, words in CELLS.items() if not args.only or any(part in name for part in args.only)}
    check(cells, "no cell has such a name")
    about, told, failed = machine(), {}, False
    with tempfile.TemporaryDirectory(prefix="scale-", dir=args.scratch) as folder:
        os.chmod(folder, 0o755)  # the database's user goes through it
        tempfile.tempdir = folder
        for _ in range(args.repeats):
            for count in (*COUNTS, 0):
                with Brokers(count) as brokers:
                    for cell, words in cells.items():
                        try:
                            run = figures(measure(brokers, [*words, "--ms", args.ms, "--warm", args.ms // 4]))
                        except Broken as why:
                            print(f"FAILED: {why}", flush=True)
                            failed = True
                            continue
                        told.setdefault((brokers.name, cell), []).append(run)
                        print(f"{brokers.name:18} {cell:34} {'  '.join(shown(run))}", flush=True)
    rows = {key: median(runs) for key, runs in told.items()}
    print(table(rows) + model(rows))
    if args.record:
        stem = ROOT / f"docs/results/scale-{datetime.date.today()}"
        stem.with_suffix(".md").write_text(document(about, rows, args.repeats))
        stem.with_suffix(".json").write_text(json.dumps({"machine": about, "rows": [
            {"brokers": name, "cell": cell, **row} for (name, cell), row in rows.items()]}, indent=1) + "\n")
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
