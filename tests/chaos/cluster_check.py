"""cluster_check.py - what everybody at three brokers was told and shown, judged while it comes. [R-19] [R-20]

Each writer numbers its lines, so its lines have to stand in each of its streams as 0, 1, 2 ...; each reader has to be shown every number of
a stream, once; and whatever two of them say of one place has to be the same. That finds what is lost, doubled or in another order."""
import collections
import re

TEXT = re.compile(r"([a-z]+\d) says (\d+)\b")
PROBLEMS_MAX = 30


def text_of(nick, number, more=""):
    return f"{nick} says {number} {more}".rstrip()


class Ledger:
    """The one order of each stream, as the first who tells of a place says it."""

    def __init__(self):
        self.problems = []
        self.events = collections.defaultdict(dict)  # stream -> seq -> (type, from, text)
        self.claims = []  # (stream, seq, nick, text, by) that readers were not seen to have yet
        self.next = collections.defaultdict(int)  # (stream, nick) -> the number of the line that comes next
        self.judged = collections.defaultdict(int)  # stream -> all up to here was looked at
        self.writers = {}  # nick -> the streams in which its lines stand

    def tell(self, text):
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(text)

    def add_writer(self, nick, streams):
        self.writers[nick] = set(streams)

    def show(self, stream, seq, core, by):
        known = self.events[stream].setdefault(seq, core)
        if known != core:
            self.tell(f"{stream} {seq} is {core} to {by}, and was {known} to somebody else")

    def claim(self, stream, seq, nick, text, by):
        """It was acknowledged to have this place."""
        self.claims.append((stream, seq, nick, text, by))

    def head(self, stream):
        """How far acknowledgements and readers say that it goes."""
        return max(max(self.events[stream], default=0), max((seq for where, seq, *_ in self.claims if where == stream), default=0))

    def judge(self):
        """Everything that came since the last time; all readers have been shown all that was acknowledged."""
        claims, self.claims = self.claims, []
        for stream, seq, nick, text, by in claims:
            event = self.events[stream].get(seq)
            if event is None:
                self.tell(f"{stream} {seq} was acknowledged to {by} and is lost")
            elif event[1:] != (nick, text):
                self.tell(f"{stream} {seq} was acknowledged to {by} as {text!r} and is {event}")
        for stream, events in self.events.items():
            while (seq := self.judged[stream] + 1) in events:
                self._judge_one(stream, seq, *events[seq])
                self.judged[stream] = seq
            if len(events) != self.judged[stream]:
                self.tell(f"{stream} has a hole behind {self.judged[stream]}")

    def _judge_one(self, stream, seq, kind, nick, text):
        if kind != "message":
            return
        match = TEXT.match(text)
        if match is None:  # not of a writer
            return
        if nick not in self.writers or match.group(1) != nick:
            self.tell(f"{stream} {seq}: {nick} never said {text!r}")
        elif stream not in self.writers[nick]:
            self.tell(f"{stream} {seq}: what {nick} said was for others alone: {text!r}")
        elif int(match.group(2)) != self.next[stream, nick]:
            want, got = self.next[stream, nick], int(match.group(2))
            self.tell(f"{stream} {seq}: line {got} of {nick} stands where {want} comes: {'twice' if got < want else 'something is lost'}")
        self.next[stream, nick] = max(self.next[stream, nick], int(match.group(2)) + 1)

    def check_said(self, nick, count):
        """All of that many lines stand where they belong."""
        for stream in self.writers[nick]:
            if self.next[stream, nick] != count:
                self.tell(f"{nick} said {count} lines, of which {self.next[stream, nick]} stand in {stream}")


class Reader:
    """One who follows some streams from the first event on."""

    def __init__(self, name, streams, ledger):
        self.name, self.ledger = name, ledger
        self.next = {stream: 1 for stream in streams}

    def take(self, event):
        """A line of `zchat tail --json`, or of history."""
        stream, seq = event.get("stream"), event.get("seq", event.get("first"))
        if event["type"] == "gap":
            self.ledger.tell(f"{self.name}: a gap in {stream} at {seq}")
        elif stream not in self.next:
            self.ledger.tell(f"{self.name} was shown an event of {stream}")
        else:
            if seq != self.next[stream]:
                self.ledger.tell(f"{self.name}: {stream} {seq} came where {self.next[stream]} was next")
            self.next[stream] = seq + 1
            self.ledger.show(stream, seq, (event["type"], event.get("from", ""), event.get("text", "")), self.name)

    def has_all(self, heads):
        return all(self.next[stream] > heads.get(stream, 0) for stream in self.next)


class Answers:
    """What one writer was told of its lines, in their order."""

    def __init__(self, nick, level, ledger):
        self.nick, self.level, self.ledger = nick, level, ledger
        self.lines, self.count, self.last = [], 0, 0

    def say(self, text):
        self.lines.append(text)

    def take(self, answer):
        """A line of `zchat send --lines --json`."""
        if self.count >= len(self.lines):
            self.ledger.tell(f"{self.nick} was answered more than was said: {answer}")
            return
        text = self.lines[self.count]
        self.count += 1
        if answer["state"] != self.level:
            self.ledger.tell(f"{self.nick} was told {answer} of {text!r}, not {self.level}")
            return
        if answer["seq"] <= self.last:
            self.ledger.tell(f"{self.nick}: {answer['seq']} was acknowledged behind {self.last}")
        self.last = answer["seq"]
        self.ledger.claim(answer["stream"], answer["seq"], self.nick, text, self.nick)


def missing(acknowledged, stands):
    """Of [(nick, number)] those that are not on a disk."""
    return sorted(set(acknowledged) - set(stands))
