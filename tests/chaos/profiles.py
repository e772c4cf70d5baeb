"""profiles.py - the named ways in which a network can be bad.

A profile makes its faults for some seconds while people talk; what it left is healed afterwards. Its
`proof` names the counter of netsim, or of the profile itself, that must not be 0: else nothing was tried."""
import signal
import time


class Profile:
    def __init__(self, name, what, run, proof, p99_max=None, is_asked=True, pace=5.0):
        self.name, self.what, self.run, self.proof = name, what, run, proof
        self.p99_max = p99_max    # seconds; None: not asked
        self.pace = pace          # lines a second of each who talks in the room
        self.is_asked = is_asked  # False: only safety is asked while it lasts


class Bench:
    """What a profile acts on."""

    def __init__(self, wire, broker, clients, rng):
        self.wire, self.broker, self.clients, self.rng = wire, broker, clients, rng
        self.done = 0  # faults that the profile made by itself

    def span(self, low, high, until):
        """Random seconds, but not beyond `until`."""
        return max(0.0, min(self.rng.uniform(low, high), until - time.monotonic()))


def steady(**faults):
    def run(bench, until):
        bench.wire.faults(**faults)
        time.sleep(max(0.0, until - time.monotonic()))
    return run


def cut_a_while(bench, until, low, high, ways):
    """A cut of `low` to `high` s in one of these ways, at one of the machines."""
    part = bench.rng.choice("ab")
    way = bench.rng.choice(ways)
    for come_from, to in {"both": ((part, "*"), ("*", part)), "up": ((part, "*"),), "down": (("*", part),)}[way]:
        bench.wire.faults(come_from, to, cut=1)
    bench.done += 1
    time.sleep(bench.span(low, high, until))
    bench.wire.both_ways(part, cut=0)


def cuts(*ways):
    def run(bench, until):
        longest = max(2.0, (until - time.monotonic()) / 2)
        while time.monotonic() < until:
            cut_a_while(bench, until, 1, min(60, longest), ways)
            time.sleep(bench.span(1, 6, until))
    return run


def partitions(rounds):
    """That many cuts of 1 to 60 s, most of them short, in any way."""
    def run(bench, until):
        for _ in range(rounds):
            cut_a_while(bench, until, *bench.rng.choice(((1, 4), (1, 15), (8, 30), (30, 60))), ("both", "up", "down"))
            time.sleep(bench.span(0.5, 5, until))
    return Profile("partitions", f"{rounds} cuts", run, "done")


def resets(bench, until):
    """For a moment, every packet that reaches the broker's host is answered with RST."""
    port = bench.broker.port
    bench.wire.nft("host", "table inet storm {\nchain gate { type filter hook input priority 0; }\n}\n")
    while time.monotonic() < until:
        time.sleep(bench.span(0.5, 5, until))
        bench.wire.nft("host", f"add rule inet storm gate tcp dport {{ {port}, {port + 1} }} reject with tcp reset")
        bench.done += 1
        time.sleep(bench.span(0.2, 1.5, until))
        bench.wire.nft("host", "flush chain inet storm gate")


def stops(bench, until):
    """The broker or a client stands still for up to 15 s."""
    while time.monotonic() < until:
        process = bench.broker.process if bench.rng.random() < 0.4 else bench.rng.choice(bench.clients)
        process.signal(signal.SIGSTOP)
        bench.done += 1
        time.sleep(bench.span(0.2, bench.rng.choice((1, 4, 15)), until))
        process.signal(signal.SIGCONT)
        time.sleep(bench.span(0.2, 3, until))


PROFILES = [
    Profile("clean", "no fault at all", steady(loss=0), "sent", 5),
    Profile("loss5", "5 % loss both ways", steady(loss=5), "lost", 5, pace=2.0),
    Profile("loss10", "10 % loss both ways", steady(loss=10), "lost", 5, pace=2.0),
    Profile("loss20", "20 % loss both ways", steady(loss=20), "lost", 5, pace=2.0),
    Profile("loss30", "30 % loss both ways", steady(loss=30), "lost", 5, pace=2.0),
    Profile("delay", "1 s +- 300 ms each way", steady(delay=1000, jitter=300), "sent"),
    Profile("dup", "30 % of the packets twice", steady(dup=30, delay=5, jitter=5), "doubled"),
    Profile("reorder", "25 % overtake, 60 +- 40 ms", steady(reorder=25, delay=60, jitter=40), "sent"),
    Profile("slow", "64 kbit/s each way, queue of 60", steady(rate=64, queue=60), "sent", pace=1.5),
    Profile("cuts", "a machine cut off for 1 to 60 s", cuts("both"), "done"),
    Profile("oneway-up", "nothing from a machine arrives", cuts("up"), "done"),
    Profile("oneway-down", "nothing to a machine arrives", cuts("down"), "done"),
    Profile("rst", "storms of RST at the broker", resets, "done"),
    Profile("stop", "SIGSTOP of broker or clients", stops, "done"),
    Profile("mangle", "1 % of the packets changed, checksum good", steady(mangle=1), "damaged"),
    Profile("loss45", "45 % loss both ways", steady(loss=45), "lost", None, False, pace=2.0),
]
BY_NAME = {profile.name: profile for profile in PROFILES}
SHORT = ("loss10", "loss30", "oneway-down", "rst", "mangle")
