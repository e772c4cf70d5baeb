"""cluster_kinds.py - the faults of a cluster, each of which is made, stays for a while, and is taken away again.

A fault names the brokers that it strikes: their clients have to go to another one. The seed draws the kind, which way, how long,
and which of the brokers that have clients just then."""
import signal

import wire  # noqa: F401  makes zchat_test known
from cluster_check import missing
from zchat_test import check

LEASE_S = 5


class Fault:
    """One of one kind. `struck`: brokers whose clients lose them; `seconds`: how long it stays."""
    kind = what = None
    is_of_database = False

    def __init__(self, bench, rng):
        self.bench = bench
        # Clients do not go back by themselves: a broker without any has nothing to lose.
        self.at = rng.choice(bench.load.with_clients())
        self.broker = bench.brokers[self.at]
        self.seconds = 0.0
        self.draw(rng)

    @property
    def struck(self):
        return {self.at}

    def draw(self, rng):
        """What else there is to draw."""

    def strike(self):
        raise NotImplementedError

    def heal(self):
        """Take it away again."""

    def __str__(self):
        return f"{self.kind} of {self.broker.name}, {self.seconds:.1f} s"

    def _host(self):
        return self.broker.name


class Kill(Fault):
    kind, what = "kill", "a broker is killed (-9), its supervisor starts it again"

    def draw(self, rng):
        self.seconds = rng.choice((0.0, rng.uniform(0.5, 3), rng.uniform(5, 9)))

    def strike(self):
        supervisor = self.bench.supervisors[self.at]
        supervisor.hold()
        self.broker.process.kill9()

    def heal(self):
        self.bench.supervisors[self.at].release()


class Pause(Fault):
    kind, what = "pause", "a broker stands still for longer than its lease (SIGSTOP, SIGCONT)"

    def draw(self, rng):
        self.seconds = LEASE_S + rng.uniform(0.5, 6)

    def strike(self):
        self.stopped = self.broker.process
        self.stopped.signal(signal.SIGSTOP)

    def heal(self):
        self.stopped.signal(signal.SIGCONT)


class Cut(Fault):
    network, least, most = None, 0.0, 0.0

    def draw(self, rng):
        self.seconds = rng.uniform(self.least, self.most)

    def strike(self):
        self.bench.network.cut(self._host(), self.network)

    def heal(self):
        self.bench.network.heal(self._host(), self.network)


class CutFromPeers(Cut):
    kind, what = "cut-peers", "a broker is cut off from the other brokers: no hints"
    network, least, most = "peers", 2, 7

    @property
    def struck(self):
        return set()


class CutFromDatabase(Cut):
    kind, what = "cut-database", "a broker is cut off from the database"
    network, least, most = "database", 2, 16  # its connection is given up after 3 s


class CutFromClients(Cut):
    kind, what = "cut-clients", "a broker is cut off from its clients"
    network, least, most = "people", 4, 10


class LostCommit(Fault):
    """A commit of the broker's, whose outcome it never learns."""
    kind, what = "lost-answer", "the answer to a commit is lost: the connection ends behind it"
    is_of_database = True

    def draw(self, rng):
        self.lost = rng.choice(("answer", "answer", "commit"))
        self.pause_ms = rng.choice((0, 0, rng.randrange(500, 4000)))

    def strike(self):
        proxy = self.bench.databases.primary.proxy
        before = proxy.lost()
        proxy.lose(self.lost, self.bench.network.address(self._host(), "database"), self.pause_ms)
        self.bench.until(lambda: proxy.lost() > before, "a commit is lost", 60)

    def heal(self):
        if self.bench.databases.primary.proxy.process.is_running():
            self.bench.databases.primary.proxy.forget()

    def __str__(self):
        return f"{self.kind} of {self.broker.name}: the {self.lost} is lost, reset {self.pause_ms} ms later"


class OfDatabase(Fault):
    is_of_database = True

    @property
    def struck(self):
        return set(range(len(self.bench.brokers)))

    def __str__(self):
        return f"{self.kind}, {self.seconds:.1f} s"


class Promote(OfDatabase):
    kind, what = "promote", "the primary is killed, its standby takes over; then there is a new standby"

    def strike(self):
        self.bench.databases.kill_primary()
        self.bench.databases.take_over()

    def heal(self):
        self.bench.databases.rebuild()


class PowerCut(OfDatabase):
    """What was acknowledged before it has to be on the disk as it was left."""
    kind, what = "power", "the primary's machine loses power: it comes back, or its standby takes over"

    def draw(self, rng):
        self.is_replaced = rng.random() < 0.5
        self.seconds = 0.0 if self.is_replaced else rng.uniform(0, 4)

    def strike(self):
        databases = self.bench.databases
        lost = databases.primary
        lost.cut_power()
        self.said = self.bench.answered()
        if self.is_replaced:
            databases.take_over()

    def heal(self):
        databases = self.bench.databases
        if self.is_replaced:
            stands = databases.read_lost_primary()
            databases.rebuild()
        else:
            databases.reboot()
            databases.wait_synchronous()
            stands = databases.primary.said()
        lost = missing(self.said, stands)
        check(not lost, f"{len(lost)} of {len(self.said)} acknowledged lines were not on the primary's disk, as {lost[:5]}")
        self.bench.powered(len(self.said))

    def __str__(self):
        return f"{self.kind}: {'the standby takes over' if self.is_replaced else f'back after {self.seconds:.1f} s'}"


class Both:
    """Two of them at a time, of which one at most is of the database."""
    kind, what = "both", "two of these at a time"

    def __init__(self, bench, rng):
        first = rng.choice(KINDS)
        second = rng.choice([each for each in KINDS if each is not first and not (each.is_of_database and first.is_of_database)])
        self.parts = sorted((first(bench, rng), second(bench, rng)), key=lambda part: part.is_of_database)
        self.seconds = max(part.seconds for part in self.parts)
        self.struck = set.union(*(part.struck for part in self.parts))

    def strike(self):
        """The database's comes first: another one may keep a broker from committing anything that could be lost."""
        for part in reversed(self.parts):
            part.strike()

    def heal(self):
        for part in self.parts:
            part.heal()

    def __str__(self):
        return "both " + " and ".join(map(str, self.parts))


KINDS = (Kill, Pause, CutFromPeers, CutFromDatabase, CutFromClients, LostCommit, Promote, PowerCut)
WEIGHTS = {Kill: 5, Pause: 3, CutFromPeers: 3, CutFromDatabase: 3, CutFromClients: 4, LostCommit: 6, Promote: 4, PowerCut: 4, Both: 5}
BY_KIND = {each.kind: each for each in WEIGHTS}


def draw(bench, rng, kinds):
    """One of these kinds; the rarer ones are drawn less often."""
    chosen = [each for each in WEIGHTS if each.kind in kinds]
    return rng.choices(chosen, [WEIGHTS[each] for each in chosen])[0](bench, rng)
