"""cluster_rounds.py - three brokers on three networks over two databases, people at all of them, and a fault in every round."""
import random
import threading
import time

import wire  # noqa: F401  makes zchat_test known
from cluster_check import Ledger
from cluster_kinds import draw
from cluster_load import PATIENCE, ClusterLoad
from three_networks import BROKERS, ThreeNetworks
from two_databases import TwoDatabases
from zchat_test import Broker, Failed, equal, program, wait_until

CLIENTS_PORT, HINTS_PORT = 5670, 5680
CALM_S = 1.0  # between two faults; what is said in it is told apart from both
ON_ITS_WAY_S = 0.5  # what was said before the fault and may have had no answer yet


def told(text):
    print(f"# {time.strftime('%H:%M:%S')} {text}", flush=True)


class Supervisor:
    """Starts a broker again whenever it has ended, as systemd does, but for while it is held back."""

    def __init__(self, broker):
        self.broker, self.restarts, self.reasons = broker, 0, []
        self._is_over, self._is_held = threading.Event(), False
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        """All along: whoever started a process must not end before it (PR_SET_PDEATHSIG)."""
        while not self._is_over.wait(0.1):
            if self._is_held or self.broker.process.is_running():
                continue
            self._note_why()
            self.restarts += 1
            try:
                self.broker.start()
            except Failed:  # its database is away: next time
                continue

    def _note_why(self):
        """Of a broker that was not killed, but ended by itself."""
        process = self.broker.process
        if process.popen.returncode > 0:
            self.reasons.append(next((line for line in reversed(process.err) if " error " in line), "no reason"))

    def hold(self):
        self._is_held = True

    def release(self):
        self._is_held = False

    def serves(self):
        process = self.broker.process
        return not self._is_held and process.is_running() and any(line.startswith("ready ") for line in process.out)

    def stop(self):
        """The broker's exit code."""
        self.hold()
        code = self.broker.stop()
        self.give_up()
        return code

    def give_up(self):
        """Start nothing any more."""
        self._is_over.set()
        self._thread.join()


class Round:
    """What one fault did."""

    def __init__(self, number, fault):
        self.number, self.kind, self.text = number, fault.kind, str(fault)
        # Seconds that a line waited for its answer at most, of each writer whose broker was struck, and of each of the rest.
        self.struck, self.others = [], []
        self.moved = 0                     # clients with links to another broker afterwards
        self.settled = self.took = 0.0


class Bench:
    """The cluster, and everybody at it."""

    def __init__(self, scene, seconds_a_line=0.5):
        self.scene = scene
        self.network = ThreeNetworks(scene)
        told("three networks")
        self.databases = TwoDatabases(scene, self.network)
        told("two databases")
        self.brokers = self._make_brokers()
        for broker in self.brokers:
            broker.start()
        told("three brokers")
        self.ledger = Ledger()
        self.supervisors, self.rounds, self.powered_lines = [], [], 0
        first = self.brokers[0]
        self.load = ClusterLoad(scene, self.network, self.brokers, self.ledger, seconds_a_line)
        wait_until(lambda: len(self.load.judge.ok("status", "--json", url=first.url).json()[0]["brokers"]) == len(self.brokers),
                   "clients are told of all brokers")
        told("people")
        self.load.start()
        told("talk")
        for broker in self.brokers:
            self.supervisors.append(Supervisor(broker))

    def _make_brokers(self):
        scene, network = self.scene, self.network
        secret = scene.folder / "url"
        secret.write_text(self.databases.url() + "\n")
        secret.chmod(0o600)
        key = scene.folder / "cluster.key"
        equal(scene.run([program("zchat-broker"), "--make-cluster-key", key]).code, 0, "exit code of the key's making")
        brokers = []
        for name in BROKERS:
            options = ["--store", f"@{secret}", "--cluster", "on", "--cluster-key", key, "--registration", "open", "--cluster-bind",
                       f"{network.address(name, 'peers')}:{HINTS_PORT}"]
            broker = Broker(scene, options, address=network.address(name, "people"), prefix=network.prefix(name), name=name)
            broker.port = CLIENTS_PORT
            brokers.append(broker)
        return brokers

    # What faults ask for

    def until(self, condition, about, seconds):
        wait_until(condition, about, seconds)

    def answered(self):
        """[(nick, number)] of what has been acknowledged up to now."""
        self.load.poll()
        return [(writer.person.nick, number) for writer in self.load.writers for number in range(writer.answers.count)]

    def powered(self, lines):
        self.powered_lines += lines

    # Rounds

    def run(self, number, seed, kinds):
        rng = random.Random(f"{seed}:{number}")
        fault = draw(self, rng, kinds)
        done = Round(number, fault)
        places = self.load.places()
        begun = time.monotonic()
        fault.strike()
        brokers = rng.sample(self.brokers, len(self.brokers))
        self.load.ask_once(brokers[0])
        time.sleep(max(0.0, begun + fault.seconds - time.monotonic()))
        fault.heal()
        healed = time.monotonic()
        wait_until(lambda: all(each.serves() for each in self.supervisors), "all brokers serve", PATIENCE)
        self.load.ask_again(*brokers[1:])
        self.load.settle()
        done.settled = time.monotonic() - healed
        self._measure(done, fault, (begun - ON_ITS_WAY_S, healed), places)
        done.took = time.monotonic() - begun
        self.rounds.append(done)
        time.sleep(CALM_S)
        return done

    def _measure(self, done, fault, span, places):
        now = self.load.places()
        for writer in self.load.writers:
            took = writer.longest_wait(*span)
            if took is None:
                continue
            were = places.get(writer.process.pid, set())
            (done.struck if were & fault.struck else done.others).append(took)
        done.moved = sum(bool(were) and not were & now.get(pid, were) for pid, were in places.items())

    def give_up(self):
        """Something is broken: whoever ends the processes shall not see new ones."""
        for supervisor in self.supervisors:
            supervisor.give_up()

    def end(self):
        """Everything is judged once more, as a whole; how many records zchat-check read."""
        self.network.heal_all()
        records = self.load.finish()
        for supervisor in self.supervisors:
            equal(supervisor.stop(), 0, f"exit code of {supervisor.broker.name}; {supervisor.broker.process.told()}")
        return records

