"""told_broker.py - a broker that says what a test tells it to say, written from docs/protocol.md alone.

For what a real broker does only at bad times: a full disk, a sender that is too fast, somebody put out in
the middle of a word. It keeps streams in memory, speaks without encryption, and answers everything that is not in
`answers` as an ordinary broker would."""
import threading
import time

import msgpack
import zmq

from zchat_test import wait_until

TS = 1795425710123


class ToldBroker:
    """`answers`: verb -> function(map, peer) that returns the maps to answer with, or None for the ordinary
    answer. `asked` has every map that came, in order."""

    def __init__(self, scene):
        self.answers, self.asked = {}, []
        self.welcome = {}  # more fields of WELCOME
        self.streams, self.members, self.topics = {}, {}, {}
        self._sessions = {}  # peer -> nick
        self._lock = threading.RLock()
        self._context = zmq.Context()
        self._router, self._pub = self._context.socket(zmq.ROUTER), self._context.socket(zmq.PUB)
        self._router.linger = self._pub.linger = 0
        port = scene.free_port("127.0.0.1")
        self._router.bind(f"tcp://127.0.0.1:{port}")
        self._pub.bind(f"tcp://127.0.0.1:{port + 1}")
        self.url = f"zchat://127.0.0.1:{port}"
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        scene.at_end(self.close)

    def close(self):
        self._is_over.set()
        self._thread.join()
        self._context.destroy(linger=0)

    # --- what a test says ---------------------------------------------------------

    def append(self, stream, type_, **fields):
        """One more event; it reaches who follows the stream."""
        with self._lock:
            events = self.streams.setdefault(stream, [])
            event = {"v": "event", "stream": stream, "seq": len(events) + 1, "ts": TS, "type": type_, **fields}
            events.append(event)
            if stream[0] == "#":
                self._pub.send(stream.encode() + b"\0" + msgpack.packb(event))
        return event

    def wait_asked(self, verb, **fields):
        """The first map of this verb with these fields."""
        def found():
            return [each for each in list(self.asked)
                    if each["v"] == verb and all(each.get(key) == value for key, value in fields.items())]
        return wait_until(found, f"the client asks {verb} {fields}")[0]

    def asked_of(self, verb):
        return [each for each in list(self.asked) if each["v"] == verb]

    # --- the ordinary broker ------------------------------------------------------

    def _serve(self):
        while not self._is_over.is_set():
            if not self._router.poll(20):
                continue
            peer, payload = self._router.recv_multipart()
            unpacker = msgpack.Unpacker(raw=False)
            unpacker.feed(payload)
            with self._lock:
                for each in unpacker:
                    self._answer(peer, each)

    def _answer(self, peer, each):
        self.asked.append(each)
        told = self.answers.get(each["v"])
        maps = told(each, peer) if told else None
        if maps is None:
            ordinary = getattr(self, "_on_" + each["v"], None)
            maps = ordinary(each, peer) if ordinary else [{"v": "done"}]
        for answer in maps:
            if "ref" in each and answer["v"] != "event":
                answer = {"ref": each["ref"], **answer}
            self._router.send_multipart([peer, msgpack.packb(answer)])

    def _head(self, stream):
        return len(self.streams.get(stream, []))

    def _on_hello(self, each, peer):
        nick = each["nick"]
        self._sessions[peer] = nick
        return [{"v": "welcome", "version": 1, "nick": nick, "session": each["session"], "next": 1,
                 "stream": f"@{nick}", "seq": self._head(f"@{nick}"), "confirmed": 0, "window": 256, "ping_ms": 200,
                 "expire_ms": 10000, "ts": TS, "role": "member", "agent": "told", **self.welcome}]

    def _on_ping(self, each, peer):
        own = f"@{self._sessions[peer]}"
        return [{"v": "pong", "ts": TS, "stream": own, "seq": self._head(own), "confirmed": 0}]

    def _on_probe(self, each, peer):
        for hello in self.asked_of("hello"):
            self._pub.send(b"~%016x\0" % hello["session"] + msgpack.packb({"v": "probe", "token": each["token"]}))
        return []

    def _on_head(self, each, peer):
        return [{"v": "head", "stream": each["stream"], "seq": self._head(each["stream"])}]

    def _on_fetch(self, each, peer):
        events = self.streams.get(each["stream"], [])
        asked = events[each.get("first", 1) - 1:each.get("last", len(events))][:256]
        first, last = (asked[0]["seq"], asked[-1]["seq"]) if asked else (0, 0)
        head = {"v": "events", "stream": each["stream"], "first": first, "last": last, "seq": len(events), "done": True,
                "ref": each.get("ref", 0)}
        self._router.send_multipart([peer, msgpack.packb(head) + b"".join(msgpack.packb(event) for event in asked)])
        return []

    def _on_join(self, each, peer):
        room, nick = each["stream"], self._sessions[peer]
        if nick not in self.members.setdefault(room, set()):
            self.members[room].add(nick)
            self.append(room, "join", **{"from": nick})
        return [{"v": "joined", "stream": room, "seq": self._head(room), "people": len(self.members[room]),
                 "topic": self.topics.get(room, "")}]

    def _on_rooms(self, each, peer):
        nick = self._sessions[peer]
        return [{"v": "room", "stream": room, "seq": self._head(room), "people": len(members), "member": nick in members,
                 "topic": self.topics.get(room, "")} for room, members in self.members.items()] + [{"v": "end"}]

    def _on_who(self, each, peer):
        return [{"v": "person", "nick": nick, "state": "online", "devices": 1, "stream": room}
                for room, members in self.members.items() for nick in sorted(members)] + [{"v": "end"}]

    def _on_post(self, each, peer):
        nick = self._sessions[peer]
        session = [hello["session"] for hello in self.asked_of("hello") if hello["nick"] == nick][-1]
        event = self.append(each["stream"], "message", **{"from": nick}, text=each["text"], session=session,
                            number=each["number"])
        return [{"v": "ack", "number": each["number"], "stream": each["stream"], "seq": event["seq"], "ts": TS}]

    def _on_bye(self, each, peer):
        return []

    _on_confirm = _on_bye
