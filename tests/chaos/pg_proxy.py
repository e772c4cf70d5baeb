#!/usr/bin/python3
"""pg_proxy.py - stands before a database server, and makes a commit whose outcome the one who asked for it never learns.

  pg_proxy.py LISTEN-ADDRESS:PORT SERVER-ADDRESS:PORT

Commands on stdin, a line each; each is answered with a line when it was carried out at a commit, which may be soon or never:

  answer CLIENT-ADDRESS MS   the server has committed; its answer and all behind it are swallowed
  commit CLIENT-ADDRESS MS   COMMIT does not reach the server, nor anything behind it
                             MS later that connection is reset at both ends
  none                       forget what was asked for and did not happen yet

It speaks PostgreSQL's protocol as far as it has to: messages are a letter and a length; transactions that wrote less than two rows
(a lease, a look) are left alone. No TLS: it could not read that."""
import socket
import struct
import sys
import threading
import time

CHUNK = 65536
# What the broker asks the server for (SET_UP in broker/store/pg_link.c), which sees us instead of it.
KEEPALIVE = {socket.TCP_KEEPIDLE: 1, socket.TCP_KEEPINTVL: 1, socket.TCP_KEEPCNT: 3, socket.TCP_USER_TIMEOUT: 3000}
LEAST_ROWS = 2  # a turn, and what is in it


class Messages:
    """Whole messages out of a stream of bytes. A client's first one has no letter."""

    def __init__(self, is_client):
        self.pending, self.is_first = b"", is_client

    def take(self, data):
        """[(letter, all of its bytes)]; that of the first one is empty."""
        self.pending += data
        found, at = [], 0
        while True:
            head = 0 if self.is_first else 1
            if len(self.pending) < at + head + 4:
                break
            size = head + int.from_bytes(self.pending[at + head:at + head + 4], "big")
            if len(self.pending) < at + size:
                break
            found.append((self.pending[at:at + head], self.pending[at:at + size]))
            at += size
            self.is_first = False
        self.pending = self.pending[at:]
        return found


class Orders:
    """What was asked for on stdin; each is taken by one commit."""

    def __init__(self):
        self.lock, self.wanted = threading.Lock(), {}

    def add(self, what, client, pause_ms):
        with self.lock:
            self.wanted[client] = (what, pause_ms)

    def clear(self):
        with self.lock:
            self.wanted.clear()

    def take(self, what, client):
        """Milliseconds until the reset, or None."""
        with self.lock:
            if self.wanted.get(client, ("", 0))[0] != what:
                return None
            return self.wanted.pop(client)[1]


class Connection:
    """One client's, and ours to the server for it."""

    def __init__(self, client, address, server, orders):
        self.client, self.address, self.server, self.orders = client, address, server, orders
        self.commits = set()  # names of prepared statements that are COMMIT
        self.binds = 0        # statements since the client's last Sync
        self.rows = 0         # written by the transaction under way
        self.is_over = False
        for each in (self._from_client, self._from_server):
            threading.Thread(target=each, daemon=True).start()

    def _pump(self, source, target, messages, find):
        """Whole messages, up to the one that `find` names (its place in the list)."""
        try:
            while data := source.recv(CHUNK):
                whole = messages.take(data)
                pause_ms, upto = find(whole)
                if upto is not None:
                    target.sendall(b"".join(each for _, each in whole[:upto]))
                    self._lose(pause_ms)
                    return
                if self.is_over:
                    return
                target.sendall(b"".join(each for _, each in whole))
        except OSError:
            pass
        if not self.is_over:
            self._shut()

    def _from_client(self):
        self._pump(self.client, self.server, Messages(True), self._find_commit)

    def _from_server(self):
        self._pump(self.server, self.client, Messages(False), self._find_answer)

    def _find_commit(self, whole):
        for at, (letter, message) in enumerate(whole):
            if letter == b"P":
                name, sql = message[5:].split(b"\0")[:2]
                if sql == b"COMMIT":
                    self.commits.add(name)
            elif letter == b"S":
                self.binds = 0
            elif letter == b"B":
                is_commit = message[5:].split(b"\0")[1] in self.commits
                pause_ms = self.orders.take("commit", self.address) if is_commit and self.binds >= LEAST_ROWS else None
                self.binds += 1
                if pause_ms is not None:
                    return pause_ms, at
        return None, None

    def _find_answer(self, whole):
        for at, (letter, message) in enumerate(whole):
            if letter != b"C":
                continue
            words = message[5:-1].split()
            if words[0] == b"BEGIN":
                self.rows = 0
            elif words[0] == b"INSERT":
                self.rows += int(words[2])
            elif words[0] == b"COMMIT" and self.rows >= LEAST_ROWS:
                pause_ms = self.orders.take("answer", self.address)
                if pause_ms is not None:
                    return pause_ms, at
        return None, None

    def _lose(self, pause_ms):
        self.is_over = True
        print(f"lost {self.address}", flush=True)
        time.sleep(pause_ms / 1000)
        for end in (self.client, self.server):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._close(end)

    def _shut(self):
        for end in (self.client, self.server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @staticmethod
    def _close(end):
        try:
            end.shutdown(socket.SHUT_RD)  # wakes whoever reads there
        except OSError:
            pass
        end.close()


def obey(orders):
    """Until stdin is over."""
    for line in sys.stdin:
        words = line.split()
        if words[:1] == ["none"]:
            orders.clear()
        else:
            orders.add(words[0], words[1], int(words[2]))


def place(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def serve(listener, server_place, orders):
    while True:
        client, (address, _) = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEPALIVE.items():
            client.setsockopt(socket.IPPROTO_TCP, option, value)
        try:
            server = socket.create_connection(server_place, 10)
        except OSError:
            client.close()
            continue
        server.settimeout(None)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Connection(client, address, server, orders)


def main():
    listener = socket.create_server(place(sys.argv[1]), backlog=64)
    orders = Orders()
    threading.Thread(target=serve, args=(listener, place(sys.argv[2]), orders), daemon=True).start()
    print("ready", flush=True)
    obey(orders)


if __name__ == "__main__":
    main()
