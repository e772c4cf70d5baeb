"""load.py - people who talk at a steady pace, what they were told, and whether it was true.

alice (on a) and bob (on b) talk in #lobby; carol (a) and dave (b) read it, a logger (b) archives it; erin
(a) and frank (b) write to each other in private. A visitor comes, says a line, and goes, again and again."""
import itertools
import json
import os
import random
import re
import threading
import time

from wire import Wire  # also makes zchat_test known
from zchat_test import (Broker, Failed, Person, check, check_no_hole, equal, messages, program, read_log, shorten,
                        wait_until)

ROOM = "#lobby"
END = "the end of the load"
CANARY = "canary-"
RSS_MAX_KB, FILES_MAX = 300_000, 200
_runs = itertools.count()
PATIENCE = 120  # seconds until all is well again; what is measured is in the results


class Told(Person):
    """Every run of zchat writes down what it sent, was told and showed."""

    def args(self, words, url=None):
        folder = self.scene.folder / "history"
        folder.mkdir(exist_ok=True)
        return super().args([*words, "--history", folder / f"{self.nick}-{next(_runs)}"], url)


class Talker:
    """`zchat send --lines --json`, fed line by line."""

    def __init__(self, person, target, options=(), serial=0):
        self.person, self.target, self.options, self.serial = person, target, options, serial
        self.lines, self.written = [], []
        self.is_killed = False
        self.process = person.start("send", target, "--lines", "--json", "--timeout", "600s", *options)

    def say(self, text):
        self.lines.append(text)
        self.written.append(time.monotonic())
        self.process.write(text + "\n")

    def acks(self):
        lines = self.process.out
        if self.is_killed and lines and not lines[-1].endswith("}"):
            lines.pop()  # cut by the kill
        return [json.loads(line) for line in lines]

    def delays(self):
        """Seconds from line to acknowledgement."""
        return [got - said for said, got in zip(self.written, self.process.out_times)]

    def check(self, kept):
        """Everything was acknowledged, once, in order, and is where it was said to be."""
        acks = self.acks()
        about = self.process.name
        if not self.is_killed:
            equal(len(acks), len(self.lines), f"acknowledgements of {about}")
        before = 0
        for text, ack in zip(self.lines, acks):
            check(ack["state"] in ("stored", "delivered"), f"{about} was told {ack}")
            check(ack["seq"] > before, f"{about}: {ack['seq']} was acknowledged behind {before}")
            before = ack["seq"]
            event = kept.get((ack["stream"], ack["seq"]))
            check(event is not None, f"{about}: {ack['stream']} {ack['seq']} was acknowledged and is lost")
            equal((event.get("text"), event["from"]), (text, self.person.nick), f"event {ack['seq']} of {about}")

    def check_order(self, stream, events):
        """Its lines stand there once, in its order; all of them, when it came to its end."""
        mine = [event["text"] for event in events if event["text"].startswith(f"{self.person.nick}.{self.serial} ")]
        if self.is_killed:
            equal(mine, [line for line in self.lines if line in set(mine)], f"{self.process.name} in {stream}")
        else:
            equal(mine, self.lines, f"{self.process.name} in {stream}")


class Load:
    def __init__(self, scene, wire, broker, seed=1, pace=5.0, has_visitor=True):
        self.scene, self.wire, self.broker, self.pace = scene, wire, broker, pace
        self.rng = random.Random(seed)
        self.secret = f"{CANARY}{self.rng.getrandbits(64):016x}"
        self.people = {nick: self.person(nick, host) for nick, host in (
            ("alice", "a"), ("bob", "b"), ("carol", "a"), ("dave", "b"), ("erin", "a"), ("frank", "b"),
            ("guest", "b"), ("judge", "host"))}
        for person in self.people.values():
            person.ok("join", ROOM)
        people = self.people
        self.tails = [people[nick].tail(ROOM, "--since", "all") for nick in ("carol", "dave")]
        self.inboxes = {nick: people[nick].tail(f"@{nick}", "--since", "all") for nick in ("erin", "frank")}
        self.logger = self._start_logger()
        self.rooms = [Talker(people[nick], ROOM) for nick in ("alice", "bob")]
        delivered = ("--wait", "delivered")
        self.privates = [Talker(people["erin"], "@frank", delivered), Talker(people["frank"], "@erin", delivered)]
        self.killed, self.retired = [], []  # talkers; (reader, stream)
        self.lock = threading.Lock()  # who talks, and who reads
        self.visits = []  # (text, exit code, what it printed, when, seconds)
        self._is_over = threading.Event()
        self._work = [self._feed] + ([self._visit] if has_visitor else [])
        self._threads = []
        self._problem = None

    def person(self, nick, host):
        return Told(self.scene, nick, self.broker.url, prefix=self.wire.prefix(host) if self.wire else ())

    def _start_logger(self):
        return self.scene.logger(self.broker, "--history", self.scene.folder / "history" / f"logger-{next(_runs)}",
                                 prefix=self.wire.prefix("b") if self.wire else ())

    @property
    def clients(self):
        return ([talker.process for talker in self.rooms + self.privates] + self.tails +
                list(self.inboxes.values()) + [self.logger])

    # While it runs

    def start(self):
        for talker in self.rooms:  # all links are up before the faults begin
            self._say(talker)
            talker.process.wait_count(1)
        for talker in self.privates:
            self._say(talker, self.secret)
            talker.process.wait_count(1)
        for work in self._work:
            self._threads.append(threading.Thread(target=self._guard, args=(work,), daemon=True))
            self._threads[-1].start()

    def _guard(self, work):
        try:
            work()
        except (Failed, OSError, ValueError) as problem:
            if not self._is_over.is_set():
                self._problem = problem

    def _say(self, talker, with_text=""):
        filler = "x" * self.rng.choice((0, 10, 40, 200))
        talker.say(f"{talker.person.nick}.{talker.serial} {len(talker.lines)} {with_text} {filler}".rstrip())

    def _feed(self):
        at, turn = time.monotonic(), 0
        while not self._is_over.is_set():
            with self.lock:
                for talker in self.rooms:
                    self._say(talker)
                for talker in self.privates if turn % 4 == 0 else ():
                    self._say(talker, self.secret)
            turn += 1
            at += 1 / self.pace
            self._is_over.wait(max(0.0, at - time.monotonic()))

    def _visit(self):
        self._is_over.wait(1)  # until there are faults
        while not self._is_over.is_set():
            text, begin = f"guest {len(self.visits)}", time.monotonic()
            result = self.people["guest"].run("send", ROOM, text, "--timeout", "60s", timeout=200)
            self.visits.append((text, result.code, result.out.decode(), begin, time.monotonic() - begin))
            self._is_over.wait(1)

    def acknowledged(self):
        return sum(talker.process.out_count() for talker in self.rooms + self.privates)

    def kill(self, rng):
        """kill -9 somebody, who comes again at once; returns who it was."""
        with self.lock:
            which = rng.choice(("broker", "broker", "talker", "private", "tail", "inbox", "logger"))
            if which == "broker":
                self.broker.kill9()
                self.broker.start()
            elif which in ("talker", "private"):
                talkers = self.rooms if which == "talker" else self.privates
                at = rng.randrange(len(talkers))
                old = talkers[at]
                old.is_killed = True
                old.process.kill9()
                self.killed.append(old)
                talkers[at] = Talker(old.person, old.target, old.options, old.serial + 1)
            elif which == "tail":
                at = rng.randrange(len(self.tails))
                nick = ("carol", "dave")[at]
                self._retire(self.tails[at], ROOM)
                self.tails[at] = self.people[nick].tail(ROOM, "--since", "all")
            elif which == "inbox":
                nick = rng.choice(("erin", "frank"))
                self._retire(self.inboxes[nick], "@" + nick)
                self.inboxes[nick] = self.people[nick].tail("@" + nick, "--since", "all")
            else:
                self.logger.kill9()
                self.logger = self._start_logger()
        return which

    def _retire(self, reader, stream):
        reader.kill9()
        self.retired.append((reader, stream))

    # And then

    def finish(self):
        """The faults are over: seconds until everything said is acknowledged and shown everywhere."""
        healed = time.monotonic()
        self._is_over.set()
        for thread in self._threads:
            thread.join(250)
        check(self._problem is None, f"the load could not be kept up: {self._problem}")
        for talker in self.rooms + self.privates:
            talker.process.close_stdin()
        for talker in self.rooms + self.privates:
            code = talker.process.wait_exit(PATIENCE)
            equal(code, 0, f"exit code of {talker.process.name}; {talker.process.told()}")
        self.people["judge"].ok("send", ROOM, END)
        for reader in self.tails:
            reader.wait_line(END, PATIENCE)
        wait_until(lambda: any(event.get("text") == END for event in read_log(self.logger.out_folder, ROOM)),
                   "the log holds the end", PATIENCE)
        for talker, nick in zip(self.privates, ("frank", "erin")):
            if talker.lines:  # it may have come just now, for one that was killed
                self.inboxes[nick].wait_line(talker.lines[-1], PATIENCE)
        return time.monotonic() - healed

    def judge(self):
        """Every promise, over what everybody was told and shown, and what the broker kept."""
        people = self.people
        kept = {ROOM: people["judge"].history(ROOM)}
        for nick in ("erin", "frank"):
            kept["@" + nick] = people[nick].history("@" + nick)
        by_place = {(stream, event["seq"]): event for stream, events in kept.items() for event in events}
        for stream, events in kept.items():
            check_no_hole(events, f"{stream} at the broker")
            equal(events[0]["seq"], 1, f"the first event of {stream}")
        for talker in self.rooms + self.privates + self.killed:
            talker.check(by_place)
        self._check_nothing_else(kept)
        for reader, stream in self.retired:
            lines = [line for line in reader.out if line.endswith("}")]  # the last may be cut by the kill
            if lines:
                check_view(reader.name, [json.loads(line) for line in lines], kept[stream])
        log = read_log(self.logger.out_folder, ROOM)
        for name, events, want in [("the log", log, kept[ROOM])] + \
                [(tail.name, tail.json(), kept[ROOM]) for tail in self.tails] + \
                [(inbox.name, inbox.json(), kept["@" + nick]) for nick, inbox in self.inboxes.items()]:
            check_view(name, events, want)
        self._check_histories()
        self._check_canary()
        self._check_visits(kept[ROOM])
        self._check_resources()

    def _check_nothing_else(self, kept):
        """What stands there was said; once; everybody's lines in their order."""
        said = {text for talker in self.rooms + self.privates + self.killed for text in talker.lines}
        said |= {visit[0] for visit in self.visits} | {END}
        for stream, events in kept.items():
            stands = [event["text"] for event in messages(events)]
            equal(len(stands), len(set(stands)), f"messages in {stream}, and different ones")
            check(set(stands) <= said, f"nobody said {shorten(set(stands) - said)} in {stream}")
            for talker in self.rooms + self.privates + self.killed:
                is_private = talker.target != ROOM
                if is_private == (stream != ROOM):
                    talker.check_order(stream, messages(events))

    def _check_histories(self):
        """The same checker that judges the simulation."""
        files = sorted((self.scene.folder / "history").iterdir())
        result = self.scene.run([program("zchat-check"), "--complete", *files], timeout=60)
        check(result.code == 0, f"zchat-check: {result}")
        counts = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", result.out.decode())}
        said = sum(len(talker.lines) for talker in self.rooms + self.privates)
        check(counts["posts"] >= said and counts["stored"] > 0 and counts["shown"] >= said,
              f"the histories are not whole: {result}")

    def _check_canary(self):
        """Private text is found at its two ends, and nowhere else."""
        for nick, inbox in self.inboxes.items():
            check(any(self.secret in line for line in inbox.out), f"{nick} does not have the private text")
        inboxes = list(self.inboxes.values()) + [reader for reader, stream in self.retired if stream != ROOM]
        strangers = [process for process in self.scene.processes if process not in inboxes]
        for process in strangers:
            check(not any(self.secret in line for line in process.out + process.err),
                  f"{process.name} has seen private text")
        for path in self.logger.out_folder.rglob("*"):
            check(path.is_dir() or self.secret.encode() not in path.read_bytes(), f"private text in {path}")

    def _check_visits(self, events):
        texts = {event["seq"]: event["text"] for event in events if event["type"] == "message"}
        for text, code, out, *_ in self.visits:
            if code == 0:
                match = re.fullmatch(rf"{ROOM} (\d+)\n", out)
                check(match and texts.get(int(match.group(1))) == text, f"'{text}' was acknowledged: {out}")
            else:
                check(code in (3, 5) and out == "", f"a visit ended with {code}: {out}")

    def _check_resources(self):
        for process in [self.broker.process] + self.tails + [self.logger]:
            with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
                most = int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1))
            with open(f"/proc/{process.pid}/maps", encoding="utf-8") as maps:
                is_sanitized = "libasan" in maps.read()  # its shadow is no memory of ours
            files = len(os.listdir(f"/proc/{process.pid}/fd"))
            check(is_sanitized or most < RSS_MAX_KB, f"{process.name} took {most} kB")
            check(files < FILES_MAX, f"{process.name} has {files} open files")


def check_view(name, events, want):
    """A reader has a run without a hole of what the broker kept, to the end it had to see."""
    check(events, f"{name} has nothing")
    check_no_hole(events, name)
    first = events[0]["seq"]
    equal(first, 1, f"the first event at {name}")
    for event, kept in zip(events, want):
        equal(event, kept, f"an event at {name}")


def share(values, part):
    """The value below which that part of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else float("nan")


def make_load(scene, seed=1, **more):
    """A wire, a broker, and people on it."""
    wire = Wire(scene, seed)
    broker = Broker(scene, ["--registration", "open"], address=wire.address("host"), prefix=wire.prefix("host"))
    broker.start()
    return wire, broker, Load(scene, wire, broker, seed, **more)
