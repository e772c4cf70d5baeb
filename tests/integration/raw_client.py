"""raw_client.py - the protocol by hand: frames as a stranger's client, or an attacker, sends them.

Written from docs/protocol.md alone, with pyzmq and msgpack."""
import re
import secrets
import time

import msgpack
import zmq

from zchat_test import DEADLINE, SLOW, Failed, shorten

DEADLINE_MS = int(DEADLINE * 1000)
AGAIN_MS = int(2000 * SLOW)


def endpoints(url):
    """Commands, broadcasts and the key of a zchat:// address."""
    match = re.fullmatch(r"zchat://([^:]+):(\d+)(?:\?key=([0-9a-f]{64}))?", url)
    host, port, key = match.groups()
    return f"tcp://{host}:{port}", f"tcp://{host}:{int(port) + 1}", bytes.fromhex(key) if key else None


def unpack(payload):
    """All maps of a payload; strings that are no UTF-8 fail."""
    unpacker = msgpack.Unpacker(raw=False)
    unpacker.feed(payload)
    return list(unpacker)


class RawClient:
    """One DEALER and one SUB with a key pair of its own."""

    def __init__(self, url, routing_id=None, key_pair=None, server_key=None, with_key=True):
        commands, broadcasts, key = endpoints(url)
        self.context = zmq.Context()
        self.public_key, self.secret_key = key_pair or zmq.curve_keypair()
        self.dealer = self.context.socket(zmq.DEALER)
        self.sub = self.context.socket(zmq.SUB)
        for socket in (self.dealer, self.sub):
            socket.linger = 0
            if key is not None and with_key:
                socket.curve_serverkey = server_key or key
                socket.curve_publickey, socket.curve_secretkey = self.public_key, self.secret_key
        if routing_id is not None:
            self.dealer.routing_id = routing_id
        self.dealer.connect(commands)
        self.sub.connect(broadcasts)
        self.session = secrets.randbits(63) | 1

    def close(self):
        self.context.destroy(linger=0)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def send(self, *maps):
        self.dealer.send(b"".join(msgpack.packb(each) for each in maps))

    def send_bytes(self, *frames):
        self.dealer.send_multipart(frames)

    def receive(self, timeout_ms=DEADLINE_MS):
        """The maps of the next frame; None when none comes in time."""
        if not self.dealer.poll(timeout_ms):
            return None
        return unpack(self.dealer.recv())

    def wait(self, verb, timeout_ms=DEADLINE_MS, **fields):
        """The next map of this verb with these fields; others are dropped."""
        end = time.monotonic() + timeout_ms / 1000
        seen = []
        while time.monotonic() < end:
            for each in self.receive(max(1, int((end - time.monotonic()) * 1000))) or []:
                if each["v"] == verb and all(each.get(key) == value for key, value in fields.items()):
                    return each
                seen.append(each)
        raise Failed(f"no {verb} {fields} came; came: {shorten(seen)}")

    def hello(self, nick, **more):
        """Enter; the WELCOME. Asked again, since a connection that is just being cut loses it."""
        for _ in range(DEADLINE_MS // AGAIN_MS):
            self.send({"v": "hello", "low": 1, "high": 1, "nick": nick, "session": self.session, **more})
            try:
                return self.wait("welcome", AGAIN_MS)
            except Failed as problem:
                why = problem
        raise why

    def ping(self, ref):
        """True when the broker answers."""
        self.send({"v": "ping", "ref": ref})
        return self.wait("pong", ref=ref)


    def subscribe_all(self):
        """Everything; returns when the subscription has reached the broker. Needs hello() before."""
        self.sub.subscribe(b"")
        for token in range(1, 100):
            self.send({"v": "probe", "token": token})
            end = time.monotonic() + 0.3
            while self.sub.poll(max(1, int((end - time.monotonic()) * 1000))):
                if self.sub.recv().startswith(b"~%016x\0" % self.session):
                    return
                if time.monotonic() > end:
                    break
        raise Failed("the subscription does not reach the broker")

    def broadcast(self, timeout_ms=DEADLINE_MS):
        """The next frame of PUB, whole; None when none comes in time."""
        return self.sub.recv() if self.sub.poll(timeout_ms) else None
