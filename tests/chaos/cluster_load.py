"""cluster_load.py - people at three brokers: who talks, who reads, what each is told, and where each one's link is.

At every broker somebody talks in #lobby, somebody in #kitchen, somebody writes to a person of the next broker in private and waits for
the receipt, and somebody reads both rooms. One repeats posts at other brokers than the first."""
import itertools
import json
import os
import pathlib
import re
import threading
import time

import wire  # noqa: F401  makes zchat_test known
from cluster_check import Answers, Reader, text_of
from zchat_test import Failed, Person, check, equal, program, wait_until

ROOMS = ("#lobby", "#kitchen")
RETRY_SESSION = "00000000000000d0"
PATIENCE = 180
_runs = itertools.count()


class Told(Person):
    """Every run of zchat writes down what it sent, was told and showed."""

    def args(self, words, url=None):
        folder = self.scene.folder / "history"
        folder.mkdir(exist_ok=True)
        return super().args([*words, "--history", folder / f"{self.nick}-{next(_runs)}"], url)


class Followed:
    """The lines of a process, each taken once."""

    def __init__(self, process, take):
        self.process, self.take, self.at = process, take, 0

    def poll(self):
        lines = self.process.out[self.at:]
        for line in lines:
            self.take(json.loads(line))
        self.at += len(lines)


class Writer:
    """`zchat send --lines`, fed line by line."""

    def __init__(self, person, target, level, ledger, more=""):
        self.person, self.more = person, more
        self.answers = Answers(person.nick, level, ledger)
        self.times = []  # of the lines
        self.process = person.start("send", target, "--lines", "--json", "-v", "--wait", level, "--timeout", "900s")
        self.follow = Followed(self.process, self.answers.take)

    def say(self):
        text = text_of(self.person.nick, len(self.answers.lines), self.more)
        self.answers.say(text)
        self.times.append(time.monotonic())
        self.process.write(text + "\n")

    @property
    def said(self):
        return len(self.answers.lines)

    def longest_wait(self, since, until):
        """How long a line that was said then waited for its answer at most; all have been answered. None: none was said."""
        return max((at - said for said, at in zip(self.times, self.process.out_times) if since <= said <= until), default=None)


class ClusterLoad:
    """Everybody, on one host, on the clients' network."""

    def __init__(self, scene, network, brokers, ledger, seconds_a_line=0.5, secret="canary-0"):
        self.scene, self.network, self.brokers, self.ledger = scene, network, brokers, ledger
        self.seconds_a_line, self.secret = seconds_a_line, secret
        self.retries, self._asked = 0, None
        self.lock = threading.Lock()
        self._is_over, self._problem = threading.Event(), None
        self._begin_people()
        self._begin_readers()
        self._begin_writers()
        self._thread = threading.Thread(target=self._feed, daemon=True)

    def person(self, nick, at):
        return Told(self.scene, nick, self.brokers[at].url, prefix=self.network.prefix("people"))

    def _begin_people(self):
        count = len(self.brokers)
        self.talkers = [(self.person(f"{nick}{at + 1}", at), room) for at in range(count) for nick, room in zip(("ann", "bob"), ROOMS)]
        self.private = [self.person(f"cyd{at + 1}", at) for at in range(count)]
        self.eyes = [self.person(f"eve{at + 1}", at) for at in range(count)]
        self.dot = self.person("dot1", 0)
        self.judge = self.person("fay1", 0)
        for person, room in self.talkers:
            self.ledger.add_writer(person.nick, {room})
        self.ledger.add_writer(self.dot.nick, {ROOMS[0]})
        for at, person in enumerate(self.private):
            self.ledger.add_writer(person.nick, {f"@{person.nick}", f"@{self._next(at).nick}"})
        self._join([(person, ROOMS[0]) for person in (*self.eyes, self.judge, *self.private)])
        self._join([(person, ROOMS[1]) for person in self.eyes])

    @staticmethod
    def _join(who):
        """Those who write to a room join it by that."""
        for process in [person.start("join", room, "--timeout", "60s") for person, room in who]:
            equal(process.wait_exit(PATIENCE), 0, f"exit code of {process.name}; {process.told()}")

    def _next(self, at):
        return self.private[(at + 1) % len(self.private)]

    def _begin_readers(self):
        self.readers = []
        for person, streams in [(eyes, ROOMS) for eyes in self.eyes] + [(person, (f"@{person.nick}",)) for person in self.private]:
            reader = Reader(f"the tail of {person.nick}", streams, self.ledger)
            process = person.tail(*streams, "--since", "all", "-v")
            self.readers.append((reader, Followed(process, reader.take)))

    def _begin_writers(self):
        self.writers = [Writer(person, room, "stored", self.ledger) for person, room in self.talkers]
        self.writers += [Writer(person, f"@{self._next(at).nick}", "delivered", self.ledger, self.secret)
                         for at, person in enumerate(self.private)]

    # While it runs

    def start(self):
        """All links are up, and everybody knows of all brokers, before the faults begin."""
        for writer in self.writers:
            writer.say()
        for writer in self.writers:
            writer.process.wait_count(1, PATIENCE)
        self._thread.start()

    def _feed(self):
        at = time.monotonic()
        try:
            while not self._is_over.is_set():
                with self.lock:
                    for writer in self.writers:
                        writer.say()
                at = max(at + self.seconds_a_line, time.monotonic() - 1)
                self._is_over.wait(max(0.0, at - time.monotonic()))
        except (Failed, OSError, ValueError) as problem:
            self._problem = problem

    def with_clients(self):
        """The brokers, by number, at which somebody is."""
        return sorted(set.union(*self.places().values()))

    def places(self):
        """{pid of a client: the brokers that it has links to, by number}, as the kernel says."""
        address = {self.network.address(f"b{at + 1}", "people"): at for at in range(len(self.brokers))}
        pids = [each.process.pid for each in self.writers] + [follow.process.pid for _, follow in self.readers]
        return {pid: found for pid in pids if (found := links_of(pid, address))}

    def ask_once(self, broker):
        """A post whose fate nobody knows when that broker does not answer in time."""
        self._asked = text_of(self.dot.nick, self.retries), []
        self._ask(broker)

    def _ask(self, broker):
        text, told = self._asked
        result = self.dot.run("send", ROOMS[0], text, "--json", "--session", RETRY_SESSION, "--number", str(self.retries + 1), "--timeout",
                              "2s", url=broker.url)
        check(result.code in (0, 3, 5), f"a post that is said again: {result}")
        told.extend(result.json() if result.code == 0 else [])
        return result.code == 0

    def ask_again(self, *brokers):
        """The same post, under its number, at these brokers until each has answered: it is one post, at one place."""
        for broker in brokers:
            wait_until(lambda broker=broker: self._ask(broker), "a post is stored when it is said again at another broker", PATIENCE)
        text, told = self._asked
        equal(len({(each["stream"], each["seq"]) for each in told}), 1, f"places of one post, {told}")
        self.retries += 1
        self.ledger.claim(told[0]["stream"], told[0]["seq"], self.dot.nick, text, self.dot.nick)

    def acknowledged(self):
        return sum(writer.process.out_count() for writer in self.writers) + self.retries

    def settle(self):
        """Seconds until all that was said up to now is answered, and shown to all who read; then it is judged."""
        begun = time.monotonic()
        with self.lock:
            said = [(writer, writer.said) for writer in self.writers]
        check(self._problem is None, f"the load could not be kept up: {self._problem}")
        for writer, count in said:
            writer.process.wait_count(count, PATIENCE)
        self.poll()
        heads = {stream: self.ledger.head(stream) for stream in (*ROOMS, *(f"@{person.nick}" for person in self.private))}
        for reader, follow in self.readers:
            def has_all(reader=reader, follow=follow):
                follow.poll()
                return reader.has_all(heads)
            wait_until(has_all, f"{reader.name} has all up to {heads}; it has {reader.next}; {follow.process.told()}", PATIENCE)
        took = time.monotonic() - begun
        self.poll()
        self.check_promises()
        return took

    def poll(self):
        for writer in self.writers:
            writer.follow.poll()
        for _, follow in self.readers:
            follow.poll()

    def check_promises(self):
        """Acknowledged is shown; those of which only the acknowledgement came meanwhile are looked at the next time."""
        seen = {stream: min(reader.next[stream] for reader, _ in self.readers if stream in reader.next) for stream in self._streams()}
        later = [claim for claim in self.ledger.claims if claim[1] >= seen[claim[0]]]
        self.ledger.claims = [claim for claim in self.ledger.claims if claim[1] < seen[claim[0]]]
        self.ledger.judge()
        self.ledger.claims += later
        check(not self.ledger.problems, "; ".join(self.ledger.problems))

    def _streams(self):
        return [*ROOMS, *(f"@{person.nick}" for person in self.private)]

    # And then

    def finish(self):
        """No more is said: everything is answered, shown, and the same at every broker."""
        self._is_over.set()
        self._thread.join()
        for writer in self.writers:
            writer.process.close_stdin()
        for writer in self.writers:
            equal(writer.process.wait_exit(PATIENCE), 0, f"exit code of {writer.process.name}; {writer.process.told()}")
        self.settle()
        for writer in self.writers:
            self.ledger.check_said(writer.person.nick, writer.said)
        self.ledger.check_said(self.dot.nick, self.retries)
        self._check_every_broker()
        self._check_secret()
        check(not self.ledger.problems, "; ".join(self.ledger.problems))
        return self._check_histories()

    def _check_every_broker(self):
        """What each broker answers when it is asked for all."""
        for broker in self.brokers:
            for person, stream in [(self.judge, ROOMS[0]), (self.eyes[0], ROOMS[1])] + [(each, f"@{each.nick}") for each in self.private]:
                reader = Reader(f"{broker.name}, asked for {stream}", (stream,), self.ledger)
                events = person.ok("history", stream, "--json", "-n", "1000000", "--timeout", "120s", url=broker.url, timeout=150).json()
                for event in events:
                    reader.take(event)
                equal(reader.next[stream] - 1, len(self.ledger.events[stream]), f"events of {stream} at {broker.name}")

    def _check_secret(self):
        """Private text is shown at its two ends alone."""
        own = {follow.process for reader, follow in self.readers if reader.next.keys() - set(ROOMS)}
        for process in self.scene.processes:
            shown = [line for line in process.out + process.err if self.secret in line]
            check(not shown or process in own, f"{process.name} was shown private text: {shown[:1]}")
        check(all(any(self.secret in line for line in process.out) for process in own), "private text is not what is looked for")

    def _check_histories(self):
        """The checker that judges the simulation, over what all programs wrote down: the records it read."""
        files = sorted((self.scene.folder / "history").iterdir())
        result = self.scene.run([program("zchat-check"), "--complete", *files], timeout=120)
        check(result.code == 0, f"zchat-check: {result}")
        counts = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", result.out.decode())}
        check(counts["stored"] >= sum(writer.said for writer in self.writers), f"the histories are not whole: {result}")
        return counts["records"]


def links_of(pid, address):
    """The brokers, by number, to which that process has TCP connections."""
    inodes = set()
    try:
        for entry in os.scandir(f"/proc/{pid}/fd"):
            try:
                match = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(entry.path))
            except FileNotFoundError:
                continue
            if match:
                inodes.add(match.group(1))
        rows = [row for kind in ("tcp", "tcp6")
                for row in pathlib.Path(f"/proc/{pid}/net/{kind}").read_text(encoding="ascii").splitlines()[1:]]
    except FileNotFoundError:
        return set()
    found = set()
    for row in rows:
        fields = row.split()
        if fields[3] == "01" and fields[9] in inodes:  # ESTABLISHED
            number = bytes.fromhex(fields[2].split(":")[0][-8:])[::-1]  # of IPv6 what maps IPv4
            found.add(address.get(".".join(map(str, number))))
    return found - {None}
