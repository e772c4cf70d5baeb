"""zmtp.py - ZMTP 3.1 by hand over a plain TCP socket (ZeroMQ RFC 23, 25 and 26), for tests of our own broker.

Every byte can be chosen: greeting, mechanism, metadata, flags, lengths, nonces. What is not chosen is as a good
client does it. The crypto is libsodium's, by ctypes."""
import ctypes
import os
import secrets
import select
import socket
import struct
import time

_sodium = ctypes.CDLL("libsodium.so.23")
_sodium.sodium_init()

MORE, LONG, COMMAND = 1, 2, 4
SIGNATURE = b"\xff" + b"\0" * 8 + b"\x7f"
MAC_BYTES = 16
PATIENCE_S = 60 * float(os.environ.get("ZCHAT_SLOW", "1"))


class Cut(Exception):
    """The other side has ended the connection."""


class Late(Exception):
    """Nothing came in time."""


# Crypto


def key_pair():
    """A CURVE key pair, raw: (public, secret)."""
    public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(32)
    _sodium.crypto_box_keypair(public, secret)
    return public.raw, secret.raw


def box(plain, nonce, public, secret):
    """crypto_box; without `public`, `secret` is what both sides have computed already."""
    out = ctypes.create_string_buffer(len(plain) + MAC_BYTES)
    size = ctypes.c_ulonglong(len(plain))
    if public is None:
        _sodium.crypto_box_easy_afternm(out, plain, size, nonce, secret)
    else:
        _sodium.crypto_box_easy(out, plain, size, nonce, public, secret)
    return out.raw


def open_box(sealed, nonce, public, secret):
    """The text within; ValueError when it is not from whom it should be."""
    out = ctypes.create_string_buffer(max(1, len(sealed) - MAC_BYTES))
    size = ctypes.c_ulonglong(len(sealed))
    if public is None:
        failed = _sodium.crypto_box_open_easy_afternm(out, sealed, size, nonce, secret)
    else:
        failed = _sodium.crypto_box_open_easy(out, sealed, size, nonce, public, secret)
    if failed:
        raise ValueError("a box that does not open")
    return out.raw[:len(sealed) - MAC_BYTES]


def shared_key(public, secret):
    out = ctypes.create_string_buffer(32)
    _sodium.crypto_box_beforenm(out, public, secret)
    return out.raw


def open_sealed(key, stream, epoch, seq, sealed):
    """An event's map out of a SEALED box (docs/protocol.md 7.4); None: another key, place or bytes."""
    nonce, body = sealed[:24], sealed[24:]
    about = stream.encode() + b"\0" + struct.pack(">IQ", epoch, seq)
    out = ctypes.create_string_buffer(max(1, len(body)))
    size = ctypes.c_ulonglong()
    failed = _sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        out, ctypes.byref(size), None, body, ctypes.c_ulonglong(len(body)), about, ctypes.c_ulonglong(len(about)),
        nonce, key)
    return None if failed else out.raw[:size.value]


# Bytes


def greeting(mechanism=b"CURVE", version=(3, 1), as_server=0, signature=SIGNATURE, filler=b"\0" * 31):
    return signature + bytes(version) + mechanism.ljust(20, b"\0") + bytes([as_server]) + filler


def frame(body, flags=0, size=None):
    """A ZMTP frame; `size` lies about its length."""
    size = len(body) if size is None else size
    if size > 255 or flags & LONG:
        return struct.pack(">BQ", flags | LONG, size) + body
    return struct.pack(">BB", flags, size) + body


def command(name, body, size=None):
    return frame(bytes([len(name)]) + name + body, COMMAND, size)


def metadata(**properties):
    """Properties of READY and INITIATE; `_` in a name stands for `-`."""
    out = b""
    for name, value in properties.items():
        name = name.replace("_", "-").encode()
        out += bytes([len(name)]) + name + struct.pack(">I", len(value)) + value
    return out


# Connections


class Wire:
    """A TCP connection of which every byte is ours."""

    def __init__(self, endpoint, source=None, timeout=PATIENCE_S):
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        self.timeout = timeout
        self.socket = socket.create_connection((host, int(port)), timeout, (source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent = []      # what went out, for who wants to say it again
        self.received = b""  # came, but nobody has read it yet

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def send(self, data):
        self.sent.append(data)
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as problem:
            raise Cut(str(problem)) from None

    def send_byte_by_byte(self, data):
        for at in range(len(data)):
            self.send(data[at:at + 1])

    def _more(self, end):
        left = end - time.monotonic()
        if left <= 0 or not select.select([self.socket], [], [], left)[0]:
            raise Late(f"only {len(self.received)} bytes came")
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError as problem:
            raise Cut(str(problem)) from None
        if not data:
            raise Cut("the other side has closed")
        self.received += data

    def read(self, count, timeout=None):
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        while len(self.received) < count:
            self._more(end)
        data, self.received = self.received[:count], self.received[count:]
        return data

    def read_frame(self, timeout=None):
        """(flags, body) of the next frame."""
        flags = self.read(1, timeout)[0]
        size = struct.unpack(">Q", self.read(8))[0] if flags & LONG else self.read(1)[0]
        return flags, self.read(size)

    def is_cut(self, timeout):
        """True when the other side ends the connection in time, whatever it says before."""
        end = time.monotonic() + timeout
        try:
            while True:
                self.received = b""
                self._more(end)
        except Cut:
            return True
        except Late:
            return False


class NullPeer(Wire):
    """A peer without encryption, as far as a broker lets it come."""

    def __init__(self, endpoint, socket_type=b"DEALER", **more):
        super().__init__(endpoint, **more)
        self.socket_type = socket_type

    def shake(self, **properties):
        self.send(greeting(b"NULL"))
        self.read(64)
        self.send(command(b"READY", metadata(Socket_Type=self.socket_type, **properties)))
        return self.read_frame()


class CurvePeer(Wire):
    """A CURVE client. shake() does all of the handshake; its steps can be taken one by one."""

    def __init__(self, endpoint, server_key, keys=None, socket_type=b"DEALER", **more):
        super().__init__(endpoint, **more)
        self.server_key = server_key
        self.public, self.secret = keys or key_pair()
        self.short_public, self.short_secret = key_pair()
        self.socket_type = socket_type
        self.nonce = 0
        self.server_short = self.cookie = self.shared = None

    def next_nonce(self):
        self.nonce += 1
        return struct.pack(">Q", self.nonce)

    def hello(self):
        nonce = self.next_nonce()
        signature = box(bytes(64), b"CurveZMQHELLO---" + nonce, self.server_key, self.short_secret)
        return command(b"HELLO", b"\x01\0" + bytes(72) + self.short_public + nonce + signature)

    def take_welcome(self, timeout=None):
        flags, body = self.read_frame(timeout)
        if not flags & COMMAND or not body.startswith(b"\x07WELCOME"):
            raise ValueError(f"this is no WELCOME: {body[:20]}")
        plain = open_box(body[24:], b"WELCOME-" + body[8:24], self.server_key, self.short_secret)
        self.server_short, self.cookie = plain[:32], plain[32:]
        self.shared = shared_key(self.server_short, self.short_secret)

    def initiate(self, about=None, public=None, vouched=None):
        """`public`: the key that is claimed; `vouched`: the short key that the long one vouches for."""
        nonce, vouch_nonce = self.next_nonce(), secrets.token_bytes(16)
        vouch = box((vouched or self.short_public) + self.server_key, b"VOUCH---" + vouch_nonce, self.server_short,
                    self.secret)
        plain = (public or self.public) + vouch_nonce + vouch
        plain += metadata(Socket_Type=self.socket_type, Identity=b"") if about is None else about
        return command(b"INITIATE", self.cookie + nonce + box(plain, b"CurveZMQINITIATE" + nonce, None, self.shared))

    def take_ready(self, timeout=None):
        """The name of the command that answers INITIATE: READY lets in, ERROR does not."""
        _, body = self.read_frame(timeout)
        name = body[1:1 + body[0]]
        if name == b"READY":
            nonce = body[6:14]
            open_box(body[14:], b"CurveZMQREADY---" + nonce, None, self.shared)
        return name

    def shake(self, about=None):
        self.greet()
        self.send(self.hello())
        self.take_welcome()
        self.send(self.initiate(about))
        name = self.take_ready()
        if name != b"READY":
            raise Cut(f"the broker answers {name}")
        return self

    def greet(self, **more):
        self.send(greeting(**more))
        return self.read(64)

    def message(self, payload, more=False, nonce=None, flags=0):
        """The bytes of one MESSAGE."""
        nonce = self.next_nonce() if nonce is None else nonce
        plain = bytes([MORE if more else 0]) + payload
        body = b"\x07MESSAGE" + nonce + box(plain, b"CurveZMQMESSAGEC" + nonce, None, self.shared)
        return frame(body, flags | (MORE if more else 0))

    def say(self, payload, more=False):
        self.send(self.message(payload, more))

    def hear(self, timeout=None):
        """The payload of the next message."""
        while True:
            _, body = self.read_frame(timeout)
            if body.startswith(b"\x07MESSAGE"):
                return open_box(body[16:], b"CurveZMQMESSAGES" + body[8:16], None, self.shared)[1:]

    def subscribe(self, topic):
        self.say(b"\x01" + topic)


def noise(count):
    return os.urandom(count)
