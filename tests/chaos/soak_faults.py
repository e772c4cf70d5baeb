"""soak_faults.py - what goes on beside the load of a soak: faults and chores at random moments, from a seed."""
import collections
import json
import random
import signal
import threading
import time

from doors import Strangers
from soak_check import Order
from zchat_test import Failed, check, equal, wait_until

SCRATCH = "#scratch"
BURST_LINES = 6000


class Faults:
    """Each kind is a method: it makes its fault, sees that what has to come of it comes, and is over. Workers of their own make
    them, two at a time; they live as long as the scene, since a process ends with the thread that began it."""

    # How often, one against the other.
    KINDS = {"cut": 6, "stop_reader": 4, "strangers": 3, "burst": 2, "backup": 1, "reload": 2, "reopen": 2, "kill_logger": 2,
             "far_behind": 2, "purge": 1, "search": 2}

    def __init__(self, soak, seed, pause_s):
        self.soak, self.seed, self.pause_s = soak, seed, pause_s
        self.counts, self.notes = collections.Counter(), collections.Counter()
        self.is_over, self.is_closed = threading.Event(), threading.Event()
        self.locks = {kind: threading.Lock() for kind in self.KINDS}
        self.idle = [threading.Event(), threading.Event()]
        rng = random.Random(seed)
        self.first = rng.sample(list(self.KINDS), len(self.KINDS))  # each at least once, also in a short run
        self.reloads = self.backups = self.bursts = 0

    def start(self):
        for index in range(len(self.idle)):
            threading.Thread(target=self._work, args=(index,), daemon=True).start()

    def stop(self, timeout=300):
        """What runs is waited for."""
        self.is_over.set()
        for event in self.idle:
            check(event.wait(timeout), "a fault does not come to its end")

    def _work(self, index):
        rng = random.Random(self.seed * 1000 + index)
        while not self.is_over.is_set():
            kind = self.first.pop() if self.first else rng.choices(*zip(*self.KINDS.items()))[0]
            if self.locks[kind].acquire(blocking=False):
                try:
                    self._make(kind, rng)
                finally:
                    self.locks[kind].release()
                self.is_over.wait(rng.expovariate(1 / self.pause_s))
        self.idle[index].set()
        self.is_closed.wait()

    def _make(self, kind, rng):
        begin = time.monotonic()
        try:
            getattr(self, kind)(rng)
            self.counts[kind] += 1
            self.soak.note(fault=kind, took=round(time.monotonic() - begin, 2))
        except (Failed, OSError, ValueError, LookupError, TypeError) as problem:
            self.soak.problems.tell(f"{kind}: {type(problem).__name__}: {problem}")

    # Clients

    def cut(self, rng):
        """Some of the crowd drop their connections without a word, and come again."""
        count = rng.randint(1, self.soak.users // 4)
        self.soak.crowd.order(f"cut {count}")
        self.notes["connections dropped without a word"] += 2 * count

    def stop_reader(self, rng):
        """A follower stands still for a while, and has everything afterwards."""
        reader = rng.choice(self.soak.slow)
        reader.signal(signal.SIGSTOP)
        try:
            self.is_over.wait(rng.uniform(1, self.soak.longest_s))
        finally:
            reader.signal(signal.SIGCONT)

    def far_behind(self, rng):
        """Somebody reads a room from the oldest event that there is to the newest one."""
        room = rng.choice(self.soak.rooms)
        order = Order(f"far behind in {room}", self.soak.problems, may_miss=True)
        reader = self.soak.start_reader("late", room, lambda event: order.take(event), "--since", "all", "--until-end")
        equal(reader.wait_exit(600), 0, f"exit code of a reader from far behind; {reader.told()}")
        check(order.events > 0, "a reader from far behind read nothing")
        self.notes["events read from far behind"] += order.events
        self.soak.scene.forget(reader)

    def burst(self, _):
        """More at once than one person may."""
        self.bursts += 1
        run, burster = self.bursts, self.soak.people["burster"]
        lines = "".join(f"burst {run} {number}\n" for number in range(BURST_LINES))
        result = burster.run("send", self.soak.rooms[4], "--lines", "--timeout", "300s", stdin=lines.encode(), timeout=400)
        equal((result.code, len(result.lines())), (0, BURST_LINES), f"exit code and answers of a burst: {result}")
        self.notes["posts in bursts"] += BURST_LINES

    def search(self, rng):
        result = self.soak.people["owner"].run("search", f"line of user {rng.randrange(self.soak.users)}", "--json",
                                               "-n", "20", "--timeout", "60s", timeout=120)
        equal(result.code, 0, f"exit code of a search: {result}")

    # Strangers

    def strangers(self, rng):
        """Half-open connections, and such that say what is no handshake."""
        strangers = Strangers(self.soak.scene, self.soak.broker, 100, 400, 40, ramp=4)
        self.is_over.wait(rng.uniform(4, 12))
        wait_until(lambda: strangers.process.out_count() > 0, "the strangers tell how many they are", 60)
        strangers.end()
        self.notes["malformed connections"] += strangers.last()["malformed"]
        self.soak.scene.forget(strangers.process)

    # The operator

    def backup(self, _):
        self.backups += 1
        folder = self.soak.broker.data / "backups"
        for old in folder.glob("soak-*"):
            old.unlink()
        owner = self.soak.people["owner"]
        done = owner.ok("admin", "backup", f"soak-{self.backups}", "--json", "--timeout", "300s", timeout=400).json()[0]
        equal(done["size"], (folder / f"soak-{self.backups}").stat().st_size, "the size of a backup")

    def reload(self, _):
        self.reloads += 1
        process = self.soak.broker.process
        before = process.seen["config.reloaded"]
        self.soak.configure(mailbox_max=100000 + self.reloads % 2)
        process.signal(signal.SIGHUP)
        wait_until(lambda: process.seen["config.reloaded"] > before, "the configuration is read again", 60)

    def reopen(self, rng):
        """As logrotate asks it: open the files anew, or read the settings again."""
        self.soak.archiver.signal(rng.choice((signal.SIGUSR1, signal.SIGHUP)))
        self.soak.broker.process.signal(signal.SIGUSR1)

    def kill_logger(self, rng):
        """The second logger is killed, and makes up for it when it is back; the first one shows its memory."""
        self.soak.second.kill9()
        self.soak.scene.forget(self.soak.second)
        self.is_over.wait(rng.uniform(0, self.soak.longest_s))
        self.soak.second = self.soak.start_logger("second", self.soak.rooms[:5])

    def purge(self, _):
        """A room is filled and emptied again."""
        owner, lines = self.soak.people["owner"], b"to be purged\n" * 300
        owner.ok("send", SCRATCH, "--lines", "--timeout", "120s", stdin=lines, timeout=200)
        done = owner.ok("admin", "purge", SCRATCH, "--json", "--timeout", "120s", timeout=200).json()[0]
        check(done["events"] >= 300, f"a purge: {done}")


class Talk:
    """One who writes to another in private and waits for receipts, and what the other is shown: each line once, in order."""

    def __init__(self, soak, sender, receiver, pace):
        self.soak, self.sender, self.receiver, self.pace = soak, sender, receiver, pace
        self.said = self.delivered = self.shown = 0
        self.inbox = soak.start_reader(receiver, f"@{receiver}", self._on_event, "--since", "all")
        self.process = soak.people[sender].start("send", f"@{receiver}", "--lines", "--json", "--wait", "delivered",
                                                 "--timeout", "600s")
        self.process.on_line = self._on_answer

    def _on_event(self, event):
        if event["type"] != "message" or event["from"] != self.sender:
            return
        if event["text"] != f"private {self.shown}":
            self.soak.problems.tell(f"{self.receiver} is shown '{event['text'][:60]}' of {self.sender}, not {self.shown}")
        self.shown += 1

    def _on_answer(self, line):
        answer = json.loads(line)
        if answer["state"] != "delivered":
            self.soak.problems.tell(f"{self.sender} is told {answer}")
        self.delivered += 1

    def say(self):
        self.process.write(f"private {self.said}\n")
        self.said += 1

    def finish(self):
        self.process.close_stdin()
        equal(self.process.wait_exit(300), 0, f"exit code of {self.process.told()}")
        wait_until(lambda: self.shown >= self.said, f"{self.receiver} is shown all", 120)
        equal((self.delivered, self.shown), (self.said, self.said), f"delivered and shown of {self.sender}'s")
