#!/usr/bin/python3
"""attack.py - strangers at both ports: connections that say what is no handshake, and half-open ones that are held.

    attack.py --port N --key HEX [--half-open N] [--malformed N] [--rate N] [--ramp S] [--sources N]

Holds `half-open` connections in all stages of a handshake, anew when the broker ends one, and makes `malformed` others,
`rate` a second, from addresses 127.0.0.2 on. Ends when stdin ends. A JSON line a second on stdout."""
import argparse
import errno
import json
import os
import random
import select
import socket
import sys
import time

import zmtp

PATIENCE_S = 3.0  # for the broker to end a malformed connection; then we do


def malformed(key):
    """Something that is no handshake of ours."""
    hello = zmtp.command(b"HELLO", b"\x01\0" + bytes(72) + os.urandom(32) + os.urandom(8) + os.urandom(80))
    return random.choice((
        b"GET / HTTP/1.1\r\nHost: chat\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + os.urandom(64),
        os.urandom(random.randrange(1, 3000)), b"\xff" * 500, bytes(500), b"SSH-2.0-OpenSSH_9.2\r\n",
        zmtp.greeting(b"NULL") + zmtp.command(b"READY", zmtp.metadata(Socket_Type=b"DEALER")),
        zmtp.greeting(b"PLAIN") + zmtp.command(b"HELLO", b"\x05admin\x05admin"), zmtp.greeting(version=(1, 0)),
        zmtp.greeting() + hello, zmtp.greeting() + zmtp.frame(os.urandom(200), zmtp.COMMAND),
        zmtp.greeting() + zmtp.frame(b"", zmtp.COMMAND, size=1 << 62), zmtp.greeting() + zmtp.frame(os.urandom(60000)),
        zmtp.greeting() + zmtp.command(b"INITIATE", os.urandom(300)), b"\x01\0\x20\0" + os.urandom(32),
        zmtp.greeting(mechanism=os.urandom(20)), zmtp.greeting(as_server=1) + zmtp.command(b"WELCOME", os.urandom(160)),
        b""))


def half_open(key):
    """The first part of a good handshake."""
    short_public, short_secret = zmtp.key_pair()
    nonce = bytes(7) + b"\1"
    hello = zmtp.command(b"HELLO", b"\x01\0" + bytes(72) + short_public + nonce +
                         zmtp.box(bytes(64), b"CurveZMQHELLO---" + nonce, key, short_secret))
    return random.choice((b"", zmtp.greeting()[:random.randrange(1, 64)], zmtp.greeting(), zmtp.greeting() + hello[:100],
                          zmtp.greeting() + hello))


class Stranger:
    """One connection."""

    def __init__(self, fd_socket, data, is_held):
        self.socket, self.data, self.is_held = fd_socket, data, is_held
        self.is_sent = False
        self.since = time.monotonic()


class Attack:
    def __init__(self, args):
        self.args, self.key = args, bytes.fromhex(args.key)
        self.poller = select.epoll()
        self.strangers = {}
        self.held = self.made = self.ended = self.kept = self.failed = self.open_malformed = 0
        self.source = 0
        self.allowed, self.then = 0.0, time.monotonic()

    def connect(self, data, is_held):
        self.source += 1
        peer = socket.socket()
        peer.setblocking(False)
        try:
            peer.bind((f"127.0.0.{2 + self.source % self.args.sources}", 0))
            peer.connect(("127.0.0.1", self.args.port + random.randrange(2)))
        except BlockingIOError:
            pass
        except OSError:
            self.failed += 1
            peer.close()
            return
        self.strangers[peer.fileno()] = Stranger(peer, data, is_held)
        self.poller.register(peer.fileno(), select.EPOLLIN | select.EPOLLOUT)
        self.held += is_held
        self.open_malformed += not is_held

    def close(self, fd, by_broker):
        stranger = self.strangers.pop(fd)
        self.poller.unregister(fd)
        stranger.socket.close()
        self.held -= stranger.is_held
        self.open_malformed -= not stranger.is_held
        if not stranger.is_held:
            self.ended += by_broker
            self.kept += not by_broker

    def on_event(self, fd, events):
        stranger = self.strangers.get(fd)
        if stranger is None:
            return
        try:
            if not stranger.is_sent and events & select.EPOLLOUT:
                stranger.is_sent = True
                self.poller.modify(fd, select.EPOLLIN)
                if stranger.data:
                    stranger.socket.send(stranger.data)
            if events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                if not stranger.socket.recv(4096):
                    self.close(fd, True)
        except OSError as problem:
            if problem.errno != errno.EAGAIN:
                self.close(fd, True)

    def turn(self, owed):
        """Some events, and what is due."""
        for fd, events in self.poller.poll(0.01, 512):
            if fd == sys.stdin.fileno():
                return False
            self.on_event(fd, events)
        # Spread evenly: the broker ends each after its time, and they shall not come back all at once.
        self.allowed = min(20.0, self.allowed + (time.monotonic() - self.then) * self.args.half_open / self.args.ramp)
        self.then = time.monotonic()
        for _ in range(min(int(self.allowed), self.args.half_open - self.held)):
            self.connect(half_open(self.key), True)
            self.allowed -= 1
        while owed() and self.open_malformed < 1000:
            self.connect(malformed(self.key), False)
            self.made += 1
        return True

    def run(self):
        self.poller.register(sys.stdin.fileno(), select.EPOLLIN)
        begin = told = time.monotonic()
        while self.turn(lambda: self.made < min(self.args.malformed, (time.monotonic() - begin) * self.args.rate)):
            now = time.monotonic()
            if now < told + 1:
                continue
            told = now
            for fd, stranger in list(self.strangers.items()):
                if not stranger.is_held and now > stranger.since + PATIENCE_S:
                    self.close(fd, False)
            self.tell()
        self.tell()

    def tell(self):
        print(json.dumps({"held": self.held, "malformed": self.made, "ended": self.ended, "kept": self.kept,
                          "failed": self.failed}), flush=True)


def main():
    os.nice(19)  # an attacker brings processors of its own; the users' are not taken away
    parser = argparse.ArgumentParser(description="strangers at both ports of our own broker")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--half-open", type=int, default=0)
    parser.add_argument("--malformed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--ramp", type=float, default=8, help="seconds until all half-open ones are there; the broker gives each 10")
    parser.add_argument("--sources", type=int, default=8)
    Attack(parser.parse_args()).run()


if __name__ == "__main__":
    main()
