"""ears.py - a third person who subscribes to everything, beside any test.

With $ZCHAT_HOSTILE (1 unless it is 0) each broker of the harness gets one, let in with a key of its own: it complains of
every text that the harness has sent to a person or into a private room and that stands in a broadcast, of everything on
their topics that is not sealed [R-38], and when it hears nothing though something was said in clear."""
import os
import re
import threading

import msgpack
import zmq

from zchat_test import DEADLINE

TOPICS = (b"", b"@", b"~", b"#", b"@ali")
SHORTEST = 6  # bytes; anything shorter stands in some box by chance
IN_CLEAR = {"sealed", "head"}


def endpoint(url):
    """The broadcasts of a zchat:// address and the broker's key; None: not one on this machine."""
    local = re.fullmatch(r"zchat\+ipc://([^?%]+)(?:\?key=([0-9a-f]{64}))?", url)
    if local is not None:
        path, key = local.groups()
        return f"ipc://{path}.pub", bytes.fromhex(key) if key else None
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
        self.is_in = threading.Event()  # the broker has let it in
        self.over = os.pipe()
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self):
        context = zmq.Context()
        ears = context.socket(zmq.SUB)
        ears.linger, ears.rcvhwm, ears.reconnect_ivl = 0, 100000, 20
        if self.key is not None:
            ears.curve_serverkey = self.key
            ears.curve_publickey, ears.curve_secretkey = self.key_pair or zmq.curve_keypair()
        for topic in TOPICS:
            ears.subscribe(topic)
        shaken = ears.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        ears.connect(self.address)
        poller = zmq.Poller()
        poller.register(shaken, zmq.POLLIN)
        poller.register(ears, zmq.POLLIN)
        poller.register(self.over[0], zmq.POLLIN)
        while self.over[0] not in (ready := dict(poller.poll())):
            if ears in ready:
                self.on_frame(ears.recv())
            if shaken in ready:
                shaken.recv_multipart()
                self.is_in.set()
        ears.disable_monitor()
        context.destroy(linger=0)

    def close(self):
        if self.thread.is_alive():
            os.write(self.over[1], b"x")
            self.thread.join()
            for end in self.over:
                os.close(end)


class Watch:
    """What a Scene's brokers broadcast, against what was said in private: to people, and in private rooms."""

    def __init__(self):
        self.key_pair = zmq.curve_keypair()  # of somebody who is let in, see Broker.start()
        self.ears = []
        self.texts, self.open = set(), set()  # said in private, and said to public rooms
        self.private = set()  # rooms, as long as nothing may have opened them
        self.complaints = []
        self.count = 0
        self.is_steady = True  # no broker was started again: the ears were there all the time
        self.must_hear = None  # what was published in clear meanwhile

    def listen(self, url):
        """Returns when the broker has let the ears in."""
        if endpoint(url) is None:
            return
        self.ears.append(Ears(url, self.take, self.key_pair))
        if not self.ears[-1].is_in.wait(DEADLINE):
            self.complaints.append(f"the ears are not let in at {url}")

    def note(self, words, stdin):
        """A command of zchat is about to run: remember what it says, and to whom. What may open a room counts already."""
        words = [str(word) for word in words]
        if words[:1] in (["leave"], ["join"]) or words[:2] == ["room", "public"]:
            self.private -= set(words)
        if "send" not in words[:1] or len(words) < 2:
            return
        is_private = words[1].startswith("@") or words[1] in self.private
        said = [word.encode() for word in words[2:3] if word != "-" and not word.startswith("--")]
        for text in said + (stdin or b"").splitlines():
            if len(text) >= SHORTEST:
                (self.texts if is_private else self.open).add(text)

    def done(self, words):
        """It was done: what closes a room holds from now on, what is public was there to be heard."""
        words = [str(word) for word in words]
        if words[:2] == ["room", "private"] or words[:2] == ["room", "create"] and "--private" in words:
            self.private |= set(words[2:3])
        if self.is_steady and self.ears and words[:1] == ["send"] and words[1:2] and words[1].startswith("#") and \
                words[1] not in self.private:
            self.must_hear = words[1:3]

    def typed(self, text):
        """Lines of line mode: private messages in it, and what may open a room."""
        for line in text.splitlines():
            words = line.split(None, 2)
            if words[:1] == [b"/msg"] and len(words) == 3 and len(words[2]) >= SHORTEST:
                self.texts.add(words[2])
            elif words[:1] in ([b"/mode"], [b"/leave"], [b"/join"]):
                self.private.clear()
            elif line and not line.startswith(b"/"):
                self.open.add(line)  # into whatever room it is: no secret that is told here

    def take(self, frame):
        self.count += 1
        for text in self.texts - self.open if self.texts else ():
            if text in frame:
                self.complaints.append(f"a private text in a broadcast: {frame[:200]}")
        topic = frame.split(b"\0", 1)[0]
        if topic.startswith(b"@") or topic.decode(errors="replace") in self.private:
            unpacker = msgpack.Unpacker(raw=False)
            unpacker.feed(frame.split(b"\0", 1)[1])
            self.complaints += [f"in clear on {topic}: {each}" for each in unpacker if each["v"] not in IN_CLEAR]

    def close(self):
        """What there is to complain of."""
        for each in self.ears:
            each.close()
        if self.must_hear and self.count == 0:
            self.complaints.append(f"the ears heard nothing at all, not even {self.must_hear}")
        return self.complaints[:5]
