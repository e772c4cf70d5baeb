"""canary.py - texts that must not show, everything that could show them, and the search.

A canary is a random text. Who listens to everything (Ears), what is on the wire (Capture: an AF_PACKET socket for root,
else a TCP proxy that the clients go through) and every file are searched for it in many encodings."""
import base64
import ctypes
import os
import secrets
import socket
import struct
import threading

import msgpack

from witness import ears
from raw_client import RawClient, unpack
from zchat_test import Failed, check
import zmtp


class Canary:
    """One text, which nobody has by chance."""

    def __init__(self, about=""):
        self.token = secrets.token_hex(12)
        self.text = f"canary {about} {self.token} ünder eight eyes"

    def forms(self):
        """{how it is written: bytes}. Halves are looked for as well: a log may cut a text."""
        plain = self.token.encode()
        forms = {"plain": plain, "first half": plain[:12], "second half": plain[12:], "upper case": plain.upper(),
                 "backwards": plain[::-1], "hexadecimal": plain.hex().encode(), "UTF-16": self.token.encode("utf-16-le"),
                 "UTF-32": self.token.encode("utf-32-le"), "HEXADECIMAL": plain.hex().upper().encode(),
                 "percent": "".join(f"%{byte:02X}" for byte in plain).encode(),
                 "JSON": "".join(f"\\u{byte:04x}" for byte in plain).encode(),
                 "flipped": bytes(byte ^ 0xff for byte in plain)}
        for shift in range(3):  # base64 of a longer text: where the token begins decides how it looks
            coded = base64.b64encode(b"x" * shift + plain)
            forms[f"base64, {shift}"] = coded[4:-4]
            forms[f"base64 of URLs, {shift}"] = coded[4:-4].translate(bytes.maketrans(b"+/", b"-_"))
        return forms

    def found_in(self, data):
        """How it is written there; None: it is not there."""
        for name, form in self.forms().items():
            if form in data:
                return name
        return None


def files_with(folder, canaries):
    """{path below folder: [how]} of every file that holds one, in its name or in it."""
    hits = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        data = path.name.encode() + b"\n" + path.read_bytes()
        found = [how for how in (canary.found_in(data) for canary in canaries) if how]
        if found:
            hits[path.relative_to(folder).as_posix()] = found
    return hits


class Ears(ears.Ears):
    """A third person who subscribes to everything and keeps the raw bytes."""

    def __init__(self, url, key_pair=None):
        self.frames = []
        super().__init__(url, self.frames.append, key_pair)

    def heard(self, data):
        return any(data in frame for frame in list(self.frames))

    def boxes(self):
        """All SEALED that were heard."""
        for frame in list(self.frames):
            topic, body = frame.split(b"\0", 1)
            if topic.startswith(b"~"):
                continue
            for each in unpack(body):
                if each["v"] == "sealed":
                    yield each


class Capture:
    """Every packet to and from these ports on the loopback interface; PermissionError without the right to it."""

    def __init__(self, *ports):
        self.ports = ports
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        self._let_pass(ports[0])
        self.socket.bind(("lo", 0x0003))  # ETH_P_ALL
        self.socket.settimeout(0.05)
        self.data = {port: bytearray() for port in ports}
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _let_pass(self, port):
        """Only packets of `port`, which is even, and the one behind: a busy loopback would fill the buffer."""
        check(port % 2 == 0 and self.ports == (port, port + 1), f"ports {self.ports}")
        program = [(0x28, 0, 0, 12), (0x15, 0, 10, 0x0800), (0x30, 0, 0, 23), (0x15, 0, 8, 6),  # IPv4, TCP
                   (0xb1, 0, 0, 14), (0x48, 0, 0, 14), (0x54, 0, 0, 0xfffe), (0x15, 3, 0, port),  # from the port
                   (0x48, 0, 0, 16), (0x54, 0, 0, 0xfffe), (0x15, 0, 1, port),  # to it
                   (0x06, 0, 0, 0x40000), (0x06, 0, 0, 0)]
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in program))
        self.socket.setsockopt(socket.SOL_SOCKET, 26,  # SO_ATTACH_FILTER
                               struct.pack("HP", len(program), ctypes.addressof(code)))

    def _listen(self):
        while not self.is_over.is_set():
            try:
                packet, address = self.socket.recvfrom(1 << 17)
            except socket.timeout:
                continue
            if address[2] != socket.PACKET_OUTGOING:  # each packet on lo comes twice
                self._take(packet[14:])

    def _take(self, packet):
        if len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_TCP:
            return
        tcp = packet[(packet[0] & 15) * 4:]
        source, target = struct.unpack(">HH", tcp[:4])
        for port in self.ports:
            if port in (source, target):
                self.data[port] += tcp[(tcp[12] >> 4) * 4:]

    def close(self):
        if not self.is_over.is_set():
            self.is_over.set()
            self.thread.join()
            dropped = struct.unpack("II", self.socket.getsockopt(263, 6, 8))[1]  # SOL_PACKET, PACKET_STATISTICS
            self.socket.close()
            check(dropped == 0, f"{dropped} packets were not captured")


class Proxy:
    """As Capture for who is not root: two listening ports in a row, and all that goes through them to the broker's."""

    def __init__(self, scene, *ports):
        self.port = scene.free_port("127.0.0.1")
        self.data = {port: bytearray() for port in ports}
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self._serve, args=(self.port + at, port), daemon=True)
                        for at, port in enumerate(ports)]
        for thread in self.threads:
            thread.start()

    def _serve(self, port, target):
        with socket.create_server(("127.0.0.1", port)) as server:
            server.settimeout(0.05)
            while not self.is_over.is_set():
                try:
                    near = server.accept()[0]
                    far = socket.create_connection(("127.0.0.1", target))
                except (socket.timeout, OSError):
                    continue
                for here, there in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(here, there, target), daemon=True).start()

    def _carry(self, here, there, target):
        try:
            while data := here.recv(1 << 16):
                self.data[target] += data
                there.sendall(data)
        except OSError:
            pass
        for each in (here, there):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join()


def capture(scene, broker):
    """(what records the wire, the address for the clients)."""
    try:
        if os.environ.get("ZCHAT_NO_CAPTURE"):
            raise PermissionError("asked not to")
        wire, url = Capture(broker.port, broker.port + 1), broker.url
    except PermissionError:
        wire = Proxy(scene, broker.port, broker.port + 1)
        url = broker.url.replace(f":{broker.port}", f":{wire.port}")
    scene.at_end(wire.close)
    return wire, url


def open_with(keys, sealed):
    """The event's map when one of these keys opens the box in any epoch, else None."""
    for key in keys:
        for epoch in {sealed["epoch"], *range(1, 6)}:
            plain = zmtp.open_sealed(key, sealed["stream"], epoch, sealed["seq"], sealed["box"])
            if plain is not None:
                return msgpack.unpackb(plain)
    return None


class Known(RawClient):
    """A person by hand who keeps every key of a stream that the broker ever gave."""

    def __init__(self, url, nick, key_pair=None, **more):
        super().__init__(url, key_pair=key_pair)
        self.nick, self.keys = nick, {}
        self.number = 0
        self.hello(nick, **more)

    def receive(self, *args, **more):
        maps = super().receive(*args, **more)
        for each in maps or []:
            if "key" in each and "stream" in each:
                self.keys[each["stream"], each["epoch"]] = each["key"]
        return maps

    def ask(self, **question):
        """The answer to one question, whatever it is."""
        ref = int.from_bytes(os.urandom(4), "big") >> 1
        self.send({**question, "ref": ref})
        while True:
            maps = self.receive()
            if maps is None:
                raise Failed(f"{self.nick} has no answer to {question}")
            for each in maps:
                if each.get("ref") == ref:
                    return each

    def post(self, stream, text):
        number = self.hello(self.nick)["next"]
        self.send({"v": "post", "number": number, "stream": stream, "text": text})
        return self.wait("ack", number=number)

    def read(self, stream):
        """What FETCH brings: events, or the error."""
        self.send({"v": "fetch", "stream": stream, "credit": 16, "ref": 1})
        events = []
        while True:
            maps = self.receive()
            check(maps is not None, f"no answer to FETCH of {stream}")
            events += [each for each in maps if each["v"] == "event"]
            for each in maps:
                if each["v"] == "error":
                    return each["error"]
                if each["v"] == "events" and each["done"]:
                    return events
