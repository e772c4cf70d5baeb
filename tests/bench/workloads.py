"""workloads.py - what is measured against what; each yields rows of figures.

A cell is measured on all its servers in turn, several times over, and the median of each figure stands: so
what else the machine does hits all of them alike."""
import statistics
import time

from servers import (Fanout, Mosquitto, Nats, Ngircd, RedisAlways, RedisNo, RelayCurve, RelayCurveZap, RelayGather, RelayPlain, RelaySync,
                     RelaySyncCurve, ZchatCurve, ZchatCurveOneIo, ZchatOneIo, ZchatOneReader, ZchatPlain, Broken, Missing,
                     measure)

OURS = (ZchatPlain, ZchatCurve)
FLOORS = (RelayPlain, RelayCurve, RelaySync, RelaySyncCurve, RelayGather, Fanout)
PEERS = (Nats, RedisAlways, RedisNo, Mosquitto, Ngircd)
BEHIND_EVENTS = 100000
WORKLOADS = ("fanout", "single", "private", "idle", "steady", "behind", "rooms", "threads")
NOT_QUICK = ("threads",)  # five minutes are full


def figures(told):
    """Of one run of the load. Times in ns, microseconds and seconds as the names say."""
    cpu_ns = told["broker"]["cpu_ms"] * 1e6
    seconds = max(told["seconds"], 1e-3)
    memory = told["memory_kb"]
    return {
        "cpu_per_delivery_ns": cpu_ns / told["delivered"] if told["delivered"] else None,
        "cpu_per_post_ns": cpu_ns / told["acked"] if told["acked"] else None,
        "posts_per_s": told["acked"] / seconds,
        "deliveries_per_s": told["delivered"] / seconds,
        "ack_p50_us": told["acks"].get("p50_us"),
        "ack_p99_us": told["acks"].get("p99_us"),
        "delivery_p50_us": told["deliveries"].get("p50_us"),
        "delivery_p99_us": told["deliveries"].get("p99_us"),
        "broker_cpus": told["broker"]["cpu_ms"] / 1000 / seconds,
        "load_cpus": told["load"]["cpu_ms"] / 1000 / seconds,
        "memory_kb": memory[1],
        "memory_grown_kb": memory[2] - memory[0],
        "behind_per_s": told["behind"]["events"] / told["behind"]["seconds"] if told["behind"]["seconds"] else None,
    }


def median(runs):
    """Of each figure; with `spread`, the ratio of the largest to the least CPU a delivery."""
    row = {}
    for name in runs[0]:
        values = [run[name] for run in runs if run[name] is not None]
        row[name] = statistics.median(values) if values else None
    costs = [run["cpu_per_delivery_ns"] for run in runs if run["cpu_per_delivery_ns"]]
    row["spread"] = max(costs) / min(costs) if costs else None
    return row


class Bench:
    """`say` is told what happens; servers that are not installed are named once and left out."""

    def __init__(self, scratch, lock, say, is_quick, only):
        self.scratch, self.lock, self.say, self.is_quick, self.only = scratch, lock, say, is_quick, only
        self.missing, self.configurations, self.rows = {}, {}, []
        self.waited_s, self.failed = 0.0, False

    def once(self, kind, run):
        """run(server) on a fresh one; None: not here, or it failed."""
        if kind.name in self.missing:
            return None
        server = kind(self.scratch)
        try:
            with server:
                self.configurations[kind.name] = server.configuration()
                return run(server)
        except Missing as why:
            self.missing[kind.name] = str(why)
            self.say(f"skipped: {why}")
        except Broken as why:
            self.failed = True
            self.say(f"FAILED: {why}")
        finally:
            server.stop()
        return None

    def cell(self, workload, labels, kinds, run, repeats=None):
        repeats = repeats or (2 if self.is_quick else 3)
        kinds = [kind for kind in kinds if self.is_wanted(kind)]
        told = {kind: [] for kind in kinds}
        begun = time.monotonic()
        with self.lock:
            self.waited_s += time.monotonic() - begun
            for _ in range(repeats):
                for kind in kinds:
                    figures_of_run = self.once(kind, run)
                    if figures_of_run is not None:
                        told[kind].append(figures_of_run)
        for kind in kinds:
            if told[kind]:
                row = {"workload": workload, "server": kind.name, **labels, **median(told[kind]), "runs": len(told[kind])}
                self.rows.append(row)
                self.say(tell(row))

    def is_wanted(self, kind):
        return not self.only or any(part in kind.name for part in self.only)

    def ms(self):
        return 500 if self.is_quick else 1000

    # The workloads

    def fanout(self):
        """Members of one room, posts in flight."""
        quick = ((100, 64), (10, 64), (10, 1024), (100, 1024))
        cells = quick if self.is_quick else tuple((m, f) for m in (10, 100, 1000) for f in (1, 64, 1024))
        for members, flight in cells:
            kinds = OURS + FLOORS
            if (members, flight) in ((100, 64), (10, 1024)) or (members, flight) == (10, 64) and not self.is_quick:
                kinds += PEERS
            self.cell("fanout", {"members": members, "flight": flight}, kinds,
                      lambda server, m=members, f=flight: figures(
                          measure(server, ["--users", m, "--flight", f, "--ms", self.ms(), "--warm", self.ms() // 4])))

    def single(self):
        """The same with all posts from one member: acknowledgements of one turn can leave together."""
        self.cell("single", {"members": 100, "flight": 64}, OURS + (RelayPlain, RelayCurve, RelayGather, Fanout),
                  lambda server: figures(measure(server, ["--users", 100, "--posters", 1, "--flight", 64, "--ms", self.ms()])))

    def private(self):
        for pairs in (5, 50) if not self.is_quick else (50,):
            self.cell("private", {"pairs": pairs, "flight": 64}, OURS + (RelayPlain, RelayCurve),
                      lambda server, n=2 * pairs: figures(
                          measure(server, ["--users", n, "--posters", n, "--flight", max(64, n), "--private", 1, "--ms", self.ms()])))

    def idle(self):
        for users in (1000,) if self.is_quick else (1000, 5000):
            self.cell("idle", {"users": users}, OURS + (RelayPlain, RelayCurve, RelayCurveZap),
                      lambda server, n=users: {**(told := figures(measure(server, ["--users", n, "--idle", 1000 if self.is_quick else 5000]))),
                                               "memory_per_user_kb": told["memory_grown_kb"] / n},
                      repeats=1 if self.is_quick else 2)

    def steady(self):
        self.cell("steady", {"members": 10, "rate": 1000}, OURS + (RelayPlain, RelaySync, RelaySyncCurve) + (() if self.is_quick else PEERS),
                  lambda server: figures(measure(server, ["--users", 10, "--rate", 1000, "--ms", max(1500, 2 * self.ms())])))

    def behind(self):
        """A reader of what is old, beside a steady rate: without it and with it on the same broker."""
        def run(server):
            steady = ["--users", 10, "--rate", 1000, "--ms", max(1500, 2 * self.ms())]
            measure(server, ["--users", 10, "--flight", 1024, "--count", BEHIND_EVENTS, "--warm", 0])
            quiet = figures(measure(server, steady))
            busy = figures(measure(server, [*steady, "--behind", 1]))
            return {**busy, "quiet_ack_p99_us": quiet["ack_p99_us"], "quiet_delivery_p99_us": quiet["delivery_p99_us"]}
        self.cell("behind", {"events": BEHIND_EVENTS, "rate": 1000}, OURS, run)

    def rooms(self):
        for rooms in (1, 1000):
            self.cell("rooms", {"members": 100, "flight": 64, "rooms": rooms}, (ZchatPlain, RelayPlain),
                      lambda server, n=rooms: figures(
                          measure(server, ["--users", 100, "--rooms", n, "--flight", 64, "--ms", self.ms()])))

    def threads(self):
        """What a second thread brings: one that moves bytes, one that reads what is old for four at once."""
        self.cell("threads", {"members": 100, "flight": 1024}, (ZchatPlain, ZchatOneIo, ZchatCurve, ZchatCurveOneIo),
                  lambda server: figures(measure(server, ["--users", 100, "--flight", 1024, "--ms", self.ms()])))

        def four_behind(server):
            measure(server, ["--users", 10, "--flight", 1024, "--count", BEHIND_EVENTS, "--warm", 0])
            return figures(measure(server, ["--users", 10, "--rate", 10, "--ms", self.ms(), "--behind", 4]))
        self.cell("readers", {"readers": 4, "rate": 10, "events": BEHIND_EVENTS}, (ZchatPlain, ZchatOneReader), four_behind)

    def all(self):
        return {name: getattr(self, name) for name in WORKLOADS}


def tell(row):
    """One line of progress."""
    labels = " ".join(f"{key} {row[key]}" for key in ("members", "pairs", "users", "readers", "flight", "rate", "rooms", "events") if key in row)
    cost = row["cpu_per_delivery_ns"]
    return (f"{row['workload']:8} {labels:36} {row['server']:18} {cost or 0:8.0f} ns/delivery {row['posts_per_s']:9.0f} posts/s"
            f"  p50 {row['ack_p50_us'] or 0:6.0f} p99 {row['ack_p99_us'] or 0:6.0f} us  load {row['load_cpus']:.2f} cpu")
