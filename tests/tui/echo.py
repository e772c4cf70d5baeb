#!/usr/bin/python3
"""echo.py - how long a typed character takes to show while a room is flooded.

    echo.py [--rate N] [--keys N]

Types into zchat over a pseudo-terminal and waits for each character on what the client writes, while several senders post
to the room that is on the screen. Prints one JSON object; the programs come from $ZCHAT_BIN."""
import argparse
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))
# pylint: disable=wrong-import-position
from zchat_test import Failed, Scene

MARKS = "qzjxkvw"  # typed one after the other; the flood holds none of them
LINE_KEYS = 40  # no multiple of the marks: what begins as the line before did may need no byte on the screen


class Typist:
    """zchat on a pseudo-terminal."""

    def __init__(self, args, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(args[0], args, env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.seen = b""

    def read(self, timeout):
        if not select.select([self.fd], [], [], timeout)[0]:
            return b""
        try:
            return os.read(self.fd, 65536)
        except OSError:
            raise Failed("the client has ended") from None

    def wait(self, part, seconds):
        """Until `part` was written; the seconds it took."""
        begin = time.monotonic()
        self.seen = b""
        while part not in self.seen:
            left = begin + seconds - time.monotonic()
            if left <= 0:
                raise Failed(f"{part} did not show in {seconds} s")
            self.seen = self.seen[-200:] + self.read(left)
        return time.monotonic() - begin

    def drain(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(max(0.0, end - time.monotonic()))

    def close(self):
        os.kill(self.pid, signal.SIGTERM)
        end = time.monotonic() + 10
        while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
            try:
                self.read(0.05)
            except Failed:
                pass
        os.close(self.fd)


def flood(scene, broker, rate, seconds, senders):
    """Processes that each post their share; the lines come at the given rate."""
    feeder = (f"import sys, time\nbegin = time.monotonic()\nfor n in range({rate * seconds // senders}):\n"
              f"    late = begin + n / {rate / senders} - time.monotonic()\n"
              "    if n % 50 == 0:\n        sys.stdout.flush()\n"
              "        time.sleep(max(0, late))\n"
              "    print('flood flood flood', n)\n")
    running = []
    for index in range(senders):
        person = scene.person(f"flood{index}", broker)
        person.ok("join", "#lobby")
        source = subprocess.Popen(["/usr/bin/python3", "-c", feeder], stdout=subprocess.PIPE)
        running.append((source, scene.start(person.args(["send", "#lobby", "--lines", "--timeout", "60s"]),
                                            f"flood{index}", stdin=source.stdout)))
        source.stdout.close()
    return running


def head(person):
    rooms = person.ok("rooms", "--json").json()
    return max(room["seq"] for room in rooms)


def measure(scene, rate, keys, senders=4):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    typist = Typist(alice.args([]), scene.environment() | {"TERM": "xterm-256color"})
    running = []
    try:
        typist.wait(b"lobby", 20)
        typist.drain(1)
        quiet = sorted(type_keys(typist, keys // 4))
        seconds = keys // 20 + 3
        running = flood(scene, broker, rate, seconds, senders)
        typist.wait(b"flood", 20)
        before, begin = head(alice), time.monotonic()
        times = sorted(type_keys(typist, keys))
        came = (head(alice) - before) / (time.monotonic() - begin)
    finally:
        typist.close()
        for source, process in running:
            source.kill()
            source.wait()
            process.destroy()
    return {"keys": keys, "messages_per_s": round(came), "quiet_p50_ms": at(quiet, 0.5), "quiet_p99_ms": at(quiet, 0.99),
            "p50_ms": at(times, 0.5), "p99_ms": at(times, 0.99), "max_ms": round(times[-1] * 1000, 1)}


def at(times, share):
    return round(times[min(len(times) - 1, int(len(times) * share))] * 1000, 1)


def type_keys(typist, count):
    """The time from each key to its echo."""
    times = []
    for index in range(count):
        mark = MARKS[index % len(MARKS)]
        os.write(typist.fd, mark.encode())
        times.append(typist.wait(mark.encode(), 10))
        if index % LINE_KEYS == LINE_KEYS - 1:
            os.write(typist.fd, b"\x15")  # the line is emptied before it gets long
        typist.drain(0.02)
    return times


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=int, default=10000)
    parser.add_argument("--keys", type=int, default=400)
    args = parser.parse_args()
    scene = Scene("echo")
    try:
        print(json.dumps(measure(scene, args.rate, args.keys)))
    finally:
        scene.close(True)


if __name__ == "__main__":
    main()
