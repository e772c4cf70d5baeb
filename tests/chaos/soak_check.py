"""soak_check.py - the promises of docs/guarantees.md over hours: judged while the events come, in bounded memory.

zchat-check keeps every record; a soak has tens of millions. Here each reader's events are compared with the archive as both arrive, and
what agrees is forgotten. That is enough since numbers are dense: a stream's have no hole, and each user of the crowd posts into one room,
so a session's numbers in that room go up by one, and a post that is lost, doubled or out of its order breaks one of both."""
import json
import os
import re
import threading

PROBLEMS_MAX = 50
CROWD = "user"  # nicks of the crowd: user0, user1, ... in #userroom0, ...


def text_of(nick, number):
    """What tests/hostile/crowd has this user say."""
    return f"line {number} of user {nick[len(CROWD):]}, as people say things"


class Problems:
    """What is broken, a sentence each; any thread may tell."""

    def __init__(self):
        self.told, self.count, self.lock = [], 0, threading.Lock()

    def tell(self, text):
        with self.lock:
            self.count += 1
            if len(self.told) < PROBLEMS_MAX:
                self.told.append(text)


class Join:
    """Two sides that have to say the same of every place; what both have said is counted and forgotten."""

    def __init__(self, name, problems):
        self.name, self.problems = name, problems
        self.waiting = ({}, {})
        self.agreed = self.most_waiting = 0
        self.lock = threading.Lock()

    def take(self, side, key, value):
        with self.lock:
            own, other = self.waiting[side], self.waiting[1 - side]
            if key in own:
                self.problems.tell(f"{self.name}: {key} came twice")
            elif key not in other:
                own[key] = value
                self.most_waiting = max(self.most_waiting, len(own))
            elif other.pop(key) == value:
                self.agreed += 1
            else:
                self.problems.tell(f"{self.name}: {key} is {value} to one side and something else to the other")

    def left(self):
        """How many places only one side has, of each."""
        with self.lock:
            return len(self.waiting[0]), len(self.waiting[1])

    def judge(self, names):
        """When all has come: what one side alone has is lost."""
        for waiting, name in zip(self.waiting, names):
            if waiting:
                self.problems.tell(f"{self.name}: {len(waiting)} only {name}, as {list(waiting.items())[:3]}")


class Order:
    """The events of one stream as one reader has them: no hole, nothing twice, each session's posts in their order."""

    def __init__(self, name, problems, may_miss=False):
        self.name, self.problems, self.may_miss = name, problems, may_miss
        self.next = None if may_miss else 1
        self.numbers = {}
        self.events = self.gaps = 0

    def take(self, event):
        """True for a message."""
        kind = event["type"]
        first, last = (event["first"], event["last"]) if kind == "gap" else (event["seq"], event["seq"])
        if self.next is not None and first != self.next:
            self.problems.tell(f"{self.name}: {first} came where {self.next} was next")
        if kind == "gap":
            self.gaps += 1
            self.numbers.clear()  # what the sessions said meanwhile is not known
            if not self.may_miss:
                self.problems.tell(f"{self.name}: a gap from {first} to {last}")
        self.next = last + 1
        self.events += 1
        if kind != "message":
            return False
        self._check_session(event)
        return True

    def _check_session(self, event):
        session, number, nick = event["session"], event["number"], event["from"]
        before = self.numbers.get(session)
        is_crowd = nick.startswith(CROWD)
        if is_crowd and event["text"] != text_of(nick, number):
            self.problems.tell(f"{self.name}: {event['seq']} has another text than was posted: {event['text'][:100]}")
        if before is None:
            if is_crowd and not self.may_miss and number != 1:
                self.problems.tell(f"{self.name}: {nick} begins with {number}")
        elif number <= before or is_crowd and number != before + 1:
            self.problems.tell(f"{self.name}: post {number} of {nick} stands behind {before}")
        self.numbers[session] = number


def core(event):
    return event["session"], event["number"], event.get("text"), event["from"]


class Growing:
    """The whole lines of a file that somebody appends to; a torn last one is left until it is whole."""

    def __init__(self, path):
        self.path, self.at = path, 0
        self.file = open(path, "rb")

    def lines(self):
        self.file.seek(self.at)
        data = self.file.read(1 << 20)
        end = data.rfind(b"\n") + 1
        self.at += end
        return data[:end].splitlines()

    def is_moved(self):
        """The path names another file now, or none."""
        try:
            return os.stat(self.path).st_ino != os.fstat(self.file.fileno()).st_ino
        except FileNotFoundError:
            return True

    def free_what_was_read(self):
        """Give the disk back what lies before the place (FALLOC_FL_PUNCH_HOLE, by fallocate(1))."""
        whole = self.at & ~4095
        if whole:
            os.spawnlp(os.P_WAIT, "fallocate", "fallocate", "-p", "-o", "0", "-l", str(whole), str(self.path))

    def close(self):
        self.file.close()


class RoomFiles:
    """One room of an archive, over its rotations: NAME.jsonl, and NAME.000000000042.jsonl that ends with that number."""

    def __init__(self, folder, room, take):
        self.folder, self.base, self.take = folder, "%23" + room[1:], take
        self.growing, self.is_current, self.last = None, False, 0

    def _newer(self):
        """Files put aside that hold what was not read, the oldest first."""
        form = re.compile(re.escape(self.base) + r"\.(\d+)\.jsonl")
        aside = sorted((int(match.group(1)), match.string) for match in map(form.fullmatch, os.listdir(self.folder)) if match)
        return [name for last, name in aside if last > self.last]

    def _open_next(self):
        """The oldest file that holds what was not read."""
        while self.growing is None:
            newer = self._newer()
            self.is_current = not newer
            try:
                self.growing = Growing(self.folder / (newer[0] if newer else self.base + ".jsonl"))
            except FileNotFoundError:
                return  # not yet, or renamed just now
            if self.is_current and self._newer():  # it was put aside between looking and opening
                self.growing.close()
                self.growing = None

    def poll(self):
        """Take what there is; how many events."""
        count = 0
        while True:
            self._open_next()
            if self.growing is None:
                return count
            is_over = not self.is_current or self.growing.is_moved()  # asked before the last read: nothing comes behind it
            lines = self.growing.lines()
            for line in lines:
                event = json.loads(line)
                self.take(event)
                self.last = event["last"] if event["type"] == "gap" else event["seq"]
            count += len(lines)
            if lines:
                continue
            if not is_over:
                return count
            self.growing.close()
            self.growing = None


class Archive:
    """What a zchat-logger writes, judged as it grows."""

    def __init__(self, name, folder, rooms, problems, on_message):
        self.orders = {room: Order(f"{name} {room}", problems) for room in rooms}
        self.files = [RoomFiles(folder, room, lambda event, room=room: self.orders[room].take(event) and on_message(room, event))
                      for room in rooms]
        self.folder = folder

    def poll(self):
        return sum(files.poll() for files in self.files) if self.folder.exists() else 0

    @property
    def events(self):
        return sum(order.events for order in self.orders.values())
