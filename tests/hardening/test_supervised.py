#!/usr/bin/python3
"""What libzmq 4.3.4 lets one peer fill is contained: the broker's memory limit ends it, its supervisor brings it back
within a second, and nothing that was acknowledged to others is lost or doubled by that (SECURITY.md)."""
import pathlib
import re
import statistics
import subprocess
import sys
import threading
import time

for folder in ("integration", "hostile"):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / folder))
import zmtp  # noqa: E402
from raw_client import RawClient, endpoints  # noqa: E402
from zchat_test import SLOW, Failed, check, equal, run_tests, test, texts, wait_until  # noqa: E402

ROOM_FOR_IT = 128 << 20  # bytes of memory beside what a quiet broker has
RESTART_S = 0.1          # as in dist/systemd/zchat-broker.service
BACK_S = 1.0 * SLOW      # from its end until it serves


def resident_bytes(pid):
    """0: it has just ended."""
    try:
        found = re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found.group(1)) << 10 if found else 0


class Supervisor:
    """Ends the broker when it takes more memory than it may (MemoryMax=), as the kernel does for systemd; starts it
    again whenever it has ended, and notes how long nobody served."""

    def __init__(self, broker):
        self.broker, self.away, self.codes, self.problem = broker, [], [], None
        self.bytes_max = resident_bytes(broker.process.pid) + ROOM_FOR_IT
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _work(self):
        try:
            while not self.is_over.is_set():
                process = self.broker.process
                try:
                    process.popen.wait(0.02)
                except subprocess.TimeoutExpired:
                    if resident_bytes(process.pid) > self.bytes_max:
                        process.popen.kill()
                    continue
                begin = time.monotonic()
                self.codes.append(process.popen.returncode)
                if self.is_over.wait(RESTART_S):
                    return
                self.broker.start()
                self.away.append(time.monotonic() - begin)
        except Failed as problem:
            self.problem = problem

    def stop(self):
        """The broker that it started last ends with it: see _child() of zchat_test."""
        self.is_over.set()
        self.thread.join()
        if self.problem is not None:
            raise self.problem


def peer(broker, keys, door, socket_type):
    wire = zmtp.CurvePeer(endpoints(broker.url)[door], bytes.fromhex(broker.key()), keys, socket_type=socket_type)
    return wire.shake()


def parts_without_end(broker, keys, supervisor, ends):
    """One message whose last part never comes: no limit of libzmq counts it."""
    part = bytes(60000)
    while len(supervisor.codes) < ends:
        try:
            with peer(broker, keys, 0, b"DEALER") as wire:
                while len(supervisor.codes) < ends:
                    wire.say(part, more=True)
                    wire.sent.clear()
        except (zmtp.Cut, zmtp.Late, OSError, ValueError):
            time.sleep(0.01)  # it is away: again when it is back


def topics_without_end(broker, keys, supervisor, ends):
    """Subscriptions, of which each costs the broker about 1 KB."""
    number = 0
    while len(supervisor.codes) < ends:
        try:
            with peer(broker, keys, 1, b"SUB") as wire:
                while len(supervisor.codes) < ends:
                    batch = b""
                    for number in range(number, number + 200):
                        batch += wire.message(b"\x01" + b"%0240d" % (number * 7919 % 10 ** 12))
                    wire.send(batch)
                    wire.sent.clear()
        except (zmtp.Cut, zmtp.Late, OSError, ValueError):
            time.sleep(0.01)


def survive(scene, flood, ends):
    """Somebody with a key floods while two people write and two read."""
    broker = scene.broker()
    people = [scene.person(nick, broker) for nick in ("alice", "bob")]
    for person in people:
        person.ok("join", "#lobby")
    tail = scene.person("carol", broker)
    tail.ok("join", "#lobby")
    tail = tail.tail("#lobby", "--since", "all")
    senders = [person.start("send", "#lobby", "--lines", "--timeout", "60s") for person in people]
    supervisor = Supervisor(broker)
    keys = zmtp.key_pair()
    wire = threading.Thread(target=flood, args=(broker, keys, supervisor, ends), daemon=True)
    wire.start()
    lines = 0
    while wire.is_alive():  # steadily, before, while and after it is away
        lines += 1
        for person, sender in zip(people, senders):
            sender.write(f"{person.nick} says {lines}\n")
        wire.join(0.01)
    wait_until(lambda: len(supervisor.away) == ends or supervisor.problem, "the broker is back")
    for sender in senders:
        sender.close_stdin()
        equal(sender.wait_exit(), 0, f"exit code of {sender.name}, which said {sender.err[-3:]}")
    people[0].ok("send", "#lobby", "the end")
    tail.wait_event(text="the end")
    print(f"# ended {supervisor.codes}, back after {', '.join(f'{away:.2f}' for away in supervisor.away)} s, "
          f"{lines} lines each")
    check(0 not in supervisor.codes, f"the broker ended by itself: {supervisor.codes}")
    check(statistics.median(supervisor.away) < BACK_S, f"away for {supervisor.away} s")

    kept = people[0].history("#lobby")
    places = {event["seq"]: event.get("text") for event in kept}
    for person, sender in zip(people, senders):
        equal(len(sender.out), lines, f"acknowledgements of {person.nick}")
        for number, line in enumerate(sender.out, 1):
            equal(places[int(line.split()[1])], f"{person.nick} says {number}", f"what stands at {line}")
    for view in (texts(kept), texts(tail.json())):
        equal(len(view), len(set(view)), "messages, each once")
        equal(len(view), 2 * lines + 1, "messages")
    supervisor.stop()


@test
def a_message_of_endless_parts_costs_a_restart_and_no_acknowledged_message(scene):
    survive(scene, parts_without_end, 2)


@test
def endless_subscriptions_cost_a_restart_and_no_acknowledged_message(scene):
    survive(scene, topics_without_end, 1)


@test
def a_restarted_broker_takes_a_quiet_client_back(scene):
    broker = scene.broker()
    supervisor = Supervisor(broker)
    with RawClient(broker.url) as client:
        client.hello("alice")
        broker.process.kill9()
        wait_until(lambda: supervisor.away or supervisor.problem, "the broker is back")
        client.hello("alice")
    supervisor.stop()
    check(supervisor.away[0] < BACK_S, f"away for {supervisor.away} s")


if __name__ == "__main__":
    run_tests()
