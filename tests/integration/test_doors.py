#!/usr/bin/python3
"""Strangers at the doors: more than there is room for, and those who open and say nothing. Who is served goes on."""
import os
import pathlib
import re
import resource
import shutil
import socket
import time

from metrics import Page
from zchat_test import Skipped, check, equal, is_sanitized, run_tests, test, texts, wait_until

DESCRIPTORS = 200  # of the broker
FLOOD = 600
HEAP_BYTES = 64 << 20


def few_descriptors(scene, address="127.0.0.1"):
    if shutil.which("prlimit") is None:
        raise Skipped("prlimit is not there")
    return scene.broker(prefix=["prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}"], address=address)


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mib(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize() / 2**20


def heaps(pid):
    """Of glibc, but for the first: 64 MiB each, of which the part not yet in use cannot be read."""
    rows = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) (\S+) ", pathlib.Path(f"/proc/{pid}/maps").read_text(encoding="ascii"), re.M)
    return sum(used == "rw-p" and rest == "---p" and end == begin_of_rest and int(begin, 16) % HEAP_BYTES == 0
               and int(end_of_rest, 16) - int(begin, 16) == HEAP_BYTES
               for (begin, end, used), (begin_of_rest, end_of_rest, rest) in zip(rows, rows[1:]))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Strangers:
    """Connections that say nothing, and are left open when the broker ends them."""

    def __init__(self, scene, place, count):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < count + 200:
            raise Skipped(f"{count} connections need more descriptors than {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 200), hard))
        scene.at_end(self.leave)
        self.place, self.sockets = place, []
        for _ in range(count):
            self.come()

    def come(self):
        family = socket.AF_UNIX if isinstance(self.place, str) else socket.AF_INET
        stranger = socket.socket(family)
        stranger.setblocking(False)
        self.sockets.append(stranger)
        try:
            stranger.connect(self.place)
        except OSError:  # on its way, or nobody has time: that is what a flood is for
            pass

    def ended(self):
        """How many were ended by the broker; what it says is read."""
        count = 0
        for stranger in self.sockets:
            try:
                while stranger.recv(4096):
                    pass
                count += 1
            except BlockingIOError:
                pass
            except OSError:
                count += 1
        return count

    def leave(self):
        while self.sockets:
            self.sockets.pop().close()


def check_served(alice, tail, word):
    alice.ok("send", "#lobby", word)
    tail.wait_event(text=word)


def flood(scene, broker, place):
    """A flood that takes all descriptors; returns who watched it."""
    alice, bob = scene.person("alice", broker), scene.person("bob", broker)
    alice.ok("join", "#lobby")
    tail = bob.tail("#lobby", "--since", "all")
    check_served(alice, tail, "before")
    pid = broker.process.pid
    before = descriptors(pid)
    strangers = Strangers(scene, place, FLOOD)
    broker.process.wait_line("doorman.cut", where="err")
    check(tail.is_running() and broker.process.is_running(), f"somebody has ended: {broker.process.told()}")
    wait_until(lambda: strangers.ended() >= FLOOD - DESCRIPTORS, "those who are too many are sent away")
    begin, spent = time.monotonic(), cpu_s(pid)
    wait_until(lambda: time.monotonic() > begin + 1, "a second passes")  # of rest, while the strangers stay
    share = (cpu_s(pid) - spent) / (time.monotonic() - begin)
    check(share < 0.25, f"the broker is busy with {share:.0%} of a core while nothing happens")
    strangers.leave()
    wait_until(lambda: descriptors(pid) <= before + 4, "the descriptors are given back")
    check_served(alice, tail, "behind the flood")
    equal(texts(tail.json()), ["before", "behind the flood"], "what bob read")
    return alice, tail


@test
def a_flood_of_connections_takes_the_last_descriptor_and_all_are_served(scene):
    broker = few_descriptors(scene)
    place = ("127.0.0.1", broker.port)
    alice, tail = flood(scene, broker, place)
    pid, first = broker.process.pid, rss_mib(broker.process.pid)
    for number in range(3):
        strangers = Strangers(scene, place, FLOOD)
        check_served(alice, tail, f"during flood {number}")
        strangers.leave()
    wait_until(lambda: descriptors(pid) < 80, "the descriptors are given back")
    check(not (is_sanitized(pid) and os.environ.get("ZCHAT_WITH_MEMORY")), "memory was to be looked at, in a release build")
    if not is_sanitized(pid):
        check(rss_mib(pid) < first + 8, f"{first:.1f} MiB behind the first flood, {rss_mib(pid):.1f} behind the fourth")
        equal(heaps(pid), 2, "heaps beside the first: as many as I/O threads")
    equal(broker.stop(), 0, "exit code")
    check(any("doorman.served" in line for line in broker.process.err), "the doorman does not say what it did")


@test
def a_flood_on_a_socket_file_does_not_end_the_broker(scene):
    path = scene.folder / "s"
    broker = few_descriptors(scene, address=f"ipc://{path}")
    alice, tail = flood(scene, broker, str(path))
    check_served(alice, tail, "and once more")


@test
def those_who_say_nothing_do_not_keep_others_of_their_address_out(scene):
    broker = scene.broker("--handshakes-pending-max", "16")
    strangers = Strangers(scene, ("127.0.0.1", broker.port), 200)

    def only_the_last_stay():
        strangers.come()  # those who were silent for 2 s go when another one comes
        return strangers.ended() >= 200 - 16
    # After 10 s libzmq itself sends them away.
    wait_until(only_the_last_stay, "those who were silent are sent away", timeout=8)
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    for _ in range(3):
        for _ in range(20):
            strangers.come()
        alice.ok("ping")
    broker.process.wait_line("handshakes-pending-max", where="err")


@test
def commands_in_a_row_wait_for_their_key_s_turn_and_none_fails(scene):
    broker = scene.broker("--handshakes-per-key", "2", "--handshakes-per-key-burst", "2", "--metrics", "127.0.0.1:0")
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    start = time.monotonic()
    for number in range(5):
        alice.ok("send", "#lobby", f"line {number}")
    took = time.monotonic() - start
    check(took > 1.4, f"1 or 2 handshakes a command, 2 a second, 2 at once: {took:.2f} s for 5 commands")
    equal(texts(alice.history("#lobby")), [f"line {number}" for number in range(5)], "what was said")
    samples = Page(broker).samples()
    check(samples["zchat_handshakes_delayed_total"] > 0, "handshakes that waited")
    equal(samples['zchat_handshakes_refused_total{reason="key_rate"}'], 0, "those that were refused")


@test
def of_one_address_only_so_many_connections_are_served(scene):
    broker = scene.broker("--connections-per-address", "8")
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    tail = alice.tail("#lobby", "--since", "all")
    alice.ok("send", "#lobby", "one more connection, for a while")
    tail.wait_event(text="one more connection, for a while")  # it is inside, with both connections
    strangers = Strangers(scene, ("127.0.0.1", broker.port), 20)
    # After 10 s libzmq itself sends them away.
    wait_until(lambda: strangers.ended() >= 20 - 6, "those who are too many are sent away", timeout=8)
    broker.process.wait_line("connections-per-address", where="err")
    strangers.leave()
    wait_until(lambda: alice.run("ping").code == 0, "there is room again")
    check(tail.is_running(), "the one who was inside has been ended")


if __name__ == "__main__":
    run_tests()
