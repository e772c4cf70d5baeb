"""witness.py - two people who talk on beside an attack, and who know what may stand at the broker afterwards."""
import os
import pathlib
import sys
import time

import msgpack

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
# pylint: disable=wrong-import-position
import ears  # noqa: E402,F401  # for canary.py
from raw_client import RawClient, endpoints, unpack  # noqa: E402
from zchat_test import DEADLINE, Failed, check, equal, program  # noqa: E402
import zmtp  # noqa: E402

ROOM = "#lobby"


def known_options(scene, **wanted):
    """Those settings that this broker has, as words of its command line."""
    told = scene.run([program("zchat-broker"), "--help"]).out.decode()
    words = []
    for name, value in wanted.items():
        option = "--" + name.replace("_", "-")
        if f"{option} " in told:
            words += [option, str(value)]
    return words


# So many questions come from one test that limits for people would stop it.
UNLIMITED = {"account_rate": 0, "room_rate": 0, "stranger_rate": 0}


def pack(*maps):
    return b"".join(msgpack.packb(each) for each in maps)


class Attacker(zmtp.CurvePeer):
    """A connection to the commands with a valid key, every byte of it in our hands."""

    def __init__(self, broker, keys=None, about=None):
        commands, _, key = endpoints(broker.url)
        super().__init__(commands, key, keys, timeout=DEADLINE)
        self.shake(about)
        self.heard = []

    def tell(self, *maps):
        self.say(pack(*maps))

    def enter(self, nick, session=None, **more):
        """Say HELLO; the WELCOME."""
        self.session = session or int.from_bytes(os.urandom(7), "big") + 1
        self.tell({"v": "hello", "low": 1, "high": 1, "nick": nick, "session": self.session, **more})
        return self.wait("welcome")

    def wait(self, verb, timeout=DEADLINE, **fields):
        """The next map of this verb with these fields; others are kept in `heard`."""
        end = time.monotonic() + timeout
        while True:
            try:
                maps = unpack(self.hear(max(0, end - time.monotonic())))
            except zmtp.Late:
                raise Failed(f"no {verb} {fields} came; last came: {self.heard[-3:]}") from None
            for at, each in enumerate(maps):
                if each["v"] == verb and all(each.get(key) == value for key, value in fields.items()):
                    self.heard += maps[:at] + maps[at + 1:]
                    return each
            self.heard += maps

    def refused(self, error, ask):
        """Ask, and be answered with this error."""
        self.tell({**ask, "ref": 77})
        return self.wait("error", error=error, ref=77)


class Listener(zmtp.CurvePeer):
    """A connection to the broadcasts."""

    def __init__(self, broker, *topics, keys=None):
        _, broadcasts, key = endpoints(broker.url)
        super().__init__(broadcasts, key, keys, socket_type=b"SUB", timeout=DEADLINE)
        self.shake()
        for topic in topics:
            self.subscribe(topic)

    def hear_all(self, until, timeout=DEADLINE):
        """All frames up to the one that `until` accepts."""
        frames, end = [], time.monotonic() + timeout
        while not frames or not until(frames[-1]):
            frames.append(self.hear(max(0, end - time.monotonic())))
        return frames


class Witness:
    """Alice and Bob at a broker of their own."""

    def __init__(self, scene, *options):
        self.broker = scene.broker(*known_options(scene, **UNLIMITED), *options)
        self.alice, self.bob = RawClient(self.broker.url), RawClient(self.broker.url)
        for each in (self.alice, self.bob):
            scene.at_end(each.close)
        self.keys = {}
        self.number = 0
        self.said, self.told = [], []  # in the room, to bob
        self.bob.hello("bob", inbox=True)
        self.alice.hello("alice")
        for each in (self.alice, self.bob):
            each.send({"v": "join", "stream": ROOM, "create": True, "ref": 1})
            each.wait("joined", ref=1)
        self.bob.subscribe_all()

    def talk(self):
        """One line to the room and one to bob: acknowledged, broadcast, read, confirmed."""
        check(self.broker.process.is_running(), "the broker has ended")
        key = self.bob.hello("bob", inbox=True)["key"]
        number = self.alice.hello("alice")["next"]
        line, private = f"line {number}", f"private {number}"
        self.alice.send({"v": "post", "number": number, "stream": ROOM, "text": line},
                        {"v": "post", "number": number + 1, "stream": "@bob", "text": private})
        acks = {}
        while set(acks) != {number, number + 1}:
            maps = self.alice.receive()
            check(maps is not None, f"alice has no answer: {acks}")
            acks.update({each["number"]: each for each in maps if each["v"] == "ack"})
        self._hear({line, private}, key)
        self.bob.send({"v": "confirm", "stream": "@bob", "seq": acks[number + 1]["seq"]})
        self.said.append(line)
        self.told.append(private)

    def _hear(self, wanted, key):
        """Bob has these texts from the broadcasts."""
        end = time.monotonic() + DEADLINE
        while wanted:
            data = self.bob.broadcast(max(1, int((end - time.monotonic()) * 1000)))
            check(data is not None, f"bob does not hear {wanted}")
            topic, body = data.split(b"\0", 1)
            for each in unpack(body) if not topic.startswith(b"~") else ():
                if each["v"] == "sealed" and each["stream"] == "@bob":
                    plain = zmtp.open_sealed(key, each["stream"], each["epoch"], each["seq"], each["box"])
                    each = msgpack.unpackb(plain)
                wanted -= {each.get("text")}

    def events(self, who, stream):
        """All of a stream, as that person may read it."""
        events = []
        while True:
            who.send({"v": "fetch", "stream": stream, "first": len(events) + 1, "credit": 16, "ref": 9})
            is_done = False
            while not is_done:
                maps = who.receive()
                check(maps is not None, f"no answer to FETCH of {stream}")
                for each in maps:
                    check(each["v"] != "error", f"FETCH of {stream} is answered with {each}")
                    is_done = is_done or each["v"] == "events" and each["done"]
                page = [each for each in maps if each["v"] == "event"]
                events += page
            if not page:
                return events

    def people(self):
        self.alice.send({"v": "who", "ref": 8})
        nicks, maps = set(), []
        while not any(each["v"] == "end" for each in maps):
            maps = self.alice.receive() or []
            check(maps, "no answer to WHO")
            nicks |= {each["nick"] for each in maps if each["v"] == "person"}
        return nicks

    def check_nothing_else(self, *others, by_others=()):
        """They talk on, and nothing stands at the broker but what they said, and `by_others` in the room."""
        self.talk()
        people = {"alice": self.alice, "bob": self.bob}
        room = self.events(self.alice, ROOM)
        equal([each["text"] for each in room if each.get("text") and each["from"] == "alice"], self.said,
              "what alice said in the room")
        equal([each["text"] for each in room if each["type"] == "message" and each["from"] != "alice"],
              list(by_others), "what others said in the room")
        equal([(each["from"], each["text"]) for each in self.events(self.bob, "@bob") if each["type"] == "message"],
              [("alice", text) for text in self.told], "what bob was told")
        own = self.events(self.alice, "@alice")
        equal([each["text"] for each in own if each["type"] == "message"], self.told, "alice's copies")
        equal({each["from"] for each in own if each["type"] == "receipt"} - {"bob"}, set(), "whose receipts")
        equal(self.people(), set(people) | set(others), "who has an account")
