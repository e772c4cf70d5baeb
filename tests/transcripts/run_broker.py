#!/usr/bin/python3
"""run_broker.py - plays transcripts against a real broker over ZeroMQ. Usage: run_broker.py FILE...

README.md is the format. Nothing sleeps: what is expected is waited for with a deadline, and that nothing
came is known from the answer to a PING behind it."""
import ctypes
import ctypes.util
import pathlib
import re
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

from raw_client import RawClient, unpack  # noqa: E402
from zchat_test import DEADLINE, Failed, run_cases, shorten  # noqa: E402

TEXTS = {"nick", "stream", "text", "kind", "agent", "name", "from", "to", "type", "state", "error",
         "role", "topic", "room"}
FENCE = 4294967295
WORD = re.compile(r'\s*([^\s="]+)(?:=(?:"((?:[^"\\]|\\.)*)"(?:\*(\d+))?|(\S*)))?(?=\s|$)')
SODIUM = ctypes.CDLL(ctypes.util.find_library("sodium") or "libsodium.so.23")


class Word:
    """`key`, `key=value`, `key="a value"`, `key="x"*100`."""

    def __init__(self, match):
        self.key, quoted, times, self.bare = match.groups()
        self.text = None if quoted is None else re.sub(r"\\(.)", r"\1", quoted) * int(times or 1)

    def value(self, captures):
        if self.text is not None:
            return self.text
        key = self.key.lstrip("-")
        if self.bare in ("true", "false") and key not in TEXTS:
            return self.bare == "true"
        if self.bare.startswith("$"):
            return captures[self.bare]
        return self.bare if key in TEXTS else int(self.bare)


def words_of(text):
    words, at = [], 0
    while at < len(text.rstrip()):
        match = WORD.match(text, at)
        if match is None:
            raise Failed(f"cannot read {text[at:]!r}")
        words.append(Word(match))
        at = match.end()
    return words


def unseal(key, name, sealed):
    """The event's map out of the box (protocol 7.4)."""
    box = sealed["box"]
    extra = name.encode() + b"\0" + sealed["epoch"].to_bytes(4, "big") + sealed["seq"].to_bytes(8, "big")
    out = ctypes.create_string_buffer(len(box))
    length = ctypes.c_ulonglong()
    if SODIUM.crypto_aead_xchacha20poly1305_ietf_decrypt(
            out, ctypes.byref(length), None, box[24:], ctypes.c_ulonglong(len(box) - 24), extra,
            ctypes.c_ulonglong(len(extra)), box[:24], key) != 0:
        raise Failed(f"the box of {name} {sealed['seq']} does not open with the key of WELCOME")
    return unpack(out.raw[:length.value])[0]


class Player:
    def __init__(self, scene, path):
        self.scene, self.path = scene, path
        self.broker = scene.broker()
        self.clients, self.keys, self.answers = {}, {}, {}
        self.captures, self.stream_keys = {}, {}
        self.listener, self.heard = None, []
        scene.at_end(self.close)

    def close(self):
        for client in self.clients.values():
            client.close()
        self.clients, self.answers, self.listener, self.heard = {}, {}, None, []

    def client(self, name):
        if name not in self.clients:
            self.clients[name] = RawClient(self.broker.url, key_pair=self.keys.get(name))
            self.keys[name] = (self.clients[name].public_key, self.clients[name].secret_key)
            self.answers[name] = []
        return self.clients[name]

    def next_answer(self, name):
        client, waiting = self.client(name), self.answers[name]
        end = time.monotonic() + DEADLINE
        while not waiting and time.monotonic() < end:
            waiting += client.receive(max(1, int((end - time.monotonic()) * 1000))) or []
        if not waiting:
            raise Failed(f"nothing came for {name}")
        return waiting.pop(0)

    # what a line says

    def say(self, name, words):
        if words[0].key == "raw":
            self.client(name).send_bytes(bytes.fromhex(words[1].key))
            return
        message = {"v": words[0].key}
        message.update((word.key, word.value(self.captures)) for word in words[1:])
        if message["v"] == "hello":
            self.client(name).session = message.get("session", 0)
        self.client(name).send(message)

    def differs(self, message, words, captures):
        """The first expectation that does not hold, or None; new names go into `captures`."""
        if message["v"] != words[0].key:
            return words[0].key
        for word in words[1:]:
            key = word.key.lstrip("-")
            if word.key.startswith("-") or key not in message:
                if not (word.key.startswith("-") and key not in message):
                    return word.key
            elif word.text is None and word.bare.startswith("$") and word.bare not in captures:
                captures[word.bare] = message[key]
            elif (word.text is not None or word.bare != "*") and message[key] != word.value(captures):
                return word.key
        return None

    def expect_answer(self, name, words):
        if words[0].key == "nothing":
            self.expect_nothing(name)
            return
        message = self.next_answer(name)
        wrong = self.differs(message, words, self.captures)
        if wrong is not None:
            raise Failed(f"{wrong} differs; came {shorten(message)}")
        if message["v"] in ("welcome", "joined", "head") and "key" in message:
            self.stream_keys[message["stream"], message["epoch"]] = message["key"]
        if message["v"] == "welcome" and self.listener is None:
            self.listen(self.client(name))

    def expect_nothing(self, name):
        self.client(name).send({"v": "ping", "ref": FENCE})
        message = self.next_answer(name)
        if message.get("ref") != FENCE:
            raise Failed(f"something came for {name}: {shorten(message)}")

    def listen(self, client):
        client.subscribe_all()
        self.listener = client

    def hear(self, timeout_ms):
        frame = self.listener.broadcast(timeout_ms)
        if frame is None:
            return
        topic, _, payload = frame.partition(b"\0")
        topic = topic.decode()
        for message in unpack(payload):
            if message["v"] == "sealed":
                key = self.stream_keys.get((topic, message["epoch"]))
                if key is None:
                    continue  # nobody of this dialogue was given that key yet
                message = unseal(key, topic, message)
            self.heard.append((topic, message))

    def expect_publication(self, topic, words):
        """The next on this topic that is as expected: a slow machine may hear some again before."""
        end = time.monotonic() + DEADLINE
        while True:
            for index, (heard_on, message) in enumerate(self.heard):
                captures = dict(self.captures)
                if heard_on == topic and self.differs(message, words, captures) is None:
                    self.captures = captures
                    del self.heard[index]
                    return
            left = end - time.monotonic()
            if left <= 0:
                raise Failed(f"not heard on {topic}; heard {shorten(self.heard)}")
            self.hear(max(1, int(left * 1000)))

    def restart(self):
        self.close()
        self.broker.kill9()
        self.broker.start()

    def play_line(self, line):
        words = words_of(line)
        first = words[0].key
        if len(words) > 2 and words[1].key == ">":
            self.say(first, words[2:])
        elif len(words) > 2 and words[1].key == "<":
            self.expect_answer(first, words[2:])
        elif first == "pub" and len(words) > 3 and words[3].key != "nothing":
            self.expect_publication(words[1].key, words[3:])
        elif first == "device":
            self.client(words[2].key)
            self.keys[words[1].key] = self.keys[words[2].key]
        elif first == "restart":
            self.restart()
        elif first not in ("store", "wait"):
            raise Failed("this line is for the core alone: mark it")

    def play(self):
        for number, line in enumerate(self.path.read_text().splitlines(), 1):
            mark, _, rest = line.partition(": ")
            if mark in ("core", "broker"):
                line = rest if mark == "broker" else ""
            if not line or line.startswith("#"):
                continue
            try:
                self.play_line(line)
            except Failed as problem:
                raise Failed(f"{self.path.name}:{number}: {line}: {problem}") from None
        for name in list(self.clients):
            self.expect_nothing(name)


def case(path):
    def play(scene):
        Player(scene, path).play()
    play.__name__ = f"transcript_{path.stem}"
    return play


def main():
    paths = [pathlib.Path(each) for each in sys.argv[1:]] or sorted(HERE.glob("*.transcript"))
    run_cases([case(path) for path in paths if not path.read_text().startswith("only core")])


if __name__ == "__main__":
    main()
