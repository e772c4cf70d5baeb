"""ears.py - a third person who subscribes to everything, beside any test.

With $ZCHAT_HOSTILE (1 unless it is 0) each broker of the harness gets one: it complains of every private text that the
harness has sent and that stands in a broadcast, and of everything on a person's topic that is not sealed [R-38]."""
import os
import re
import threading

import msgpack
import zmq

TOPICS = (b"", b"@", b"~", b"#", b"@ali")
SHORTEST = 6  # bytes; anything shorter stands in some box by chance
IN_CLEAR = {"sealed", "head"}


def endpoint(url):
    """The broadcasts of a zchat:// address and the broker's key; None: not one for TCP on this machine."""
    match = re.fullmatch(r"zchat://(127\.0\.0\.1):(\d+)(?:\?key=([0-9a-f]{64}))?", url)
    if match is None:
        return None
    host, port, key = match.groups()
    return f"tcp://{host}:{int(port) + 1}", bytes.fromhex(key) if key else None


class Ears:
    """Listens in a thread until close(); on_frame() gets every frame there. Finds a broker that is started again."""

    def __init__(self, url, on_frame, key_pair=None):
        self.address, self.key = endpoint(url)
        self.on_frame, self.key_pair = on_frame, key_pair
        self.over = os.pipe()
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self):
        context = zmq.Context()
        ears = context.socket(zmq.SUB)
        ears.linger, ears.rcvhwm, ears.reconnect_ivl_max = 0, 100000, 1000
        if self.key is not None:
            ears.curve_serverkey = self.key
            ears.curve_publickey, ears.curve_secretkey = self.key_pair or zmq.curve_keypair()
        for topic in TOPICS:
            ears.subscribe(topic)
        ears.connect(self.address)
        poller = zmq.Poller()
        poller.register(ears, zmq.POLLIN)
        poller.register(self.over[0], zmq.POLLIN)
        while self.over[0] not in (ready := dict(poller.poll())):
            if ears in ready:
                self.on_frame(ears.recv())
        context.destroy(linger=0)

    def close(self):
        if self.thread.is_alive():
            os.write(self.over[1], b"x")
            self.thread.join()
            for end in self.over:
                os.close(end)


class Watch:
    """What a Scene's brokers broadcast, against what was said in private."""

    def __init__(self):
        self.ears = []
        self.texts, self.open = set(), set()  # said in private, and said to rooms
        self.complaints = []
        self.count = 0

    def listen(self, url):
        if endpoint(url) is not None:
            self.ears.append(Ears(url, self.take))

    def note(self, words, stdin):
        """A command of zchat: remember what it says, and whether to a person."""
        words = [str(word) for word in words]
        if "send" not in words[:1] or len(words) < 2:
            return
        said = [word.encode() for word in words[2:3] if word != "-" and not word.startswith("--")]
        for text in said + (stdin or b"").splitlines():
            if len(text) >= SHORTEST:
                (self.texts if words[1].startswith("@") else self.open).add(text)

    def take(self, frame):
        self.count += 1
        for text in self.texts - self.open if self.texts else ():
            if text in frame:
                self.complaints.append(f"a private text in a broadcast: {frame[:200]}")
        if frame.startswith(b"@"):
            unpacker = msgpack.Unpacker(raw=False)
            unpacker.feed(frame.split(b"\0", 1)[1])
            self.complaints += [f"in clear on a person's topic: {each}" for each in unpacker if each["v"] not in IN_CLEAR]

    def close(self):
        """What there is to complain of."""
        for each in self.ears:
            each.close()
        return self.complaints[:5]
