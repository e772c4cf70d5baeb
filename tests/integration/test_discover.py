#!/usr/bin/python3
"""Brokers that announce themselves: on loopback, between two machines, and what somebody hostile can announce. Everything is
in network namespaces of its own."""
import json
import os
import re
import subprocess
import time

from zchat_test import Broker, Person, Skipped, check, equal, run_tests, test, wait_until

SEND = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
to = (sys.argv[1], 5670)
def beacon(port, key, head=b"ZCHAT\\1"):
    return head + port.to_bytes(2, "big") + key
while True:
%s
    time.sleep(0.1)
"""


class Network:
    """A machine that holds a namespace; with `peer`, another one on the same wire."""

    def __init__(self, scene, has_peer=False):
        if os.geteuid() != 0:
            raise Skipped("network namespaces need root")
        self.scene = scene
        self.holders = [self.hold() for _ in range(1 + has_peer)]
        if has_peer:
            other = self.holders[1].pid
            self.ip(0, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", str(other))
            for index in range(2):
                self.ip(index, "addr", "add", f"10.78.0.{index + 1}/24", "broadcast", "10.78.0.255", "dev", "eth0")
                self.ip(index, "link", "set", "eth0", "up")

    def hold(self):
        holder = self.scene.start(["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep 600"], "namespace",
                                  stdin=subprocess.DEVNULL)
        holder.wait_line("up")
        return holder

    def inside(self, index=0):
        return ["nsenter", f"--net=/proc/{self.holders[index].pid}/ns/net"]

    def ip(self, index, *words):
        subprocess.run([*self.inside(index), "ip", *words], check=True, capture_output=True, timeout=20)

    def broker(self, *options, index=0, **more):
        return Broker(self.scene, options, prefix=self.inside(index), **more).start()

    def person(self, url=None, index=0):
        return Person(self.scene, "alice", url, prefix=self.inside(index))

    def shout(self, to, body):
        """Somebody who sends whatever `body` (lines of Python) says, again and again."""
        return self.scene.start([*self.inside(), "/usr/bin/python3", "-c", SEND % body, to], "shouter", stdin=subprocess.DEVNULL)


def heard(person, code=0, seconds="2"):
    result = person.run("discover", "--json", "--seconds", seconds)
    check(result.code == code, f"should exit with {code}: {result}")
    return result.json()


@test
def a_broker_on_loopback_is_found_with_its_fingerprint(scene):
    network = Network(scene)
    broker = network.broker("--discover", "on")
    alice = network.person()
    rows = heard(alice)
    equal([row["broker"] for row in rows], [broker.url], "what is heard")
    equal(rows[0]["state"], "new", "state")
    check(not alice.home.exists(), "nothing is kept")
    alice.ok("join", "#lobby", url=broker.url)
    told = alice.ok("status", "--json", url=broker.url).json()[0]
    equal(rows[0]["fingerprint"], told["broker_fingerprint"], "the fingerprint of whoever answers there")
    equal(heard(alice)[0]["state"], "known", "state, once met")
    text = alice.ok("discover", "--seconds", "2").out.decode()
    check(rows[0]["fingerprint"] in text and rows[0]["words"] in text, f"for people: {text}")


@test
def a_broker_says_nothing_unless_it_is_asked_to(scene):
    network = Network(scene)
    network.broker()
    equal(heard(network.person(), code=6), [], "what is heard")
    told = network.person().run("discover", "--seconds", "1")
    check(b"no broker announces itself" in told.err, str(told))


@test
def machines_on_the_same_wire_find_it_at_its_address_there(scene):
    network = Network(scene, has_peer=True)
    broker = network.broker("--discover", "on", "--registration", "open", address="0.0.0.0")
    bob = network.person(index=1)
    rows = heard(bob)
    equal([row["broker"] for row in rows], [f"zchat://10.78.0.1:{broker.port}?key={broker.key()}"], "what is heard")
    bob.ok("join", "#lobby", url=rows[0]["broker"])
    # Bound to loopback alone it says nothing to others.
    equal(broker.stop(), 0, "exit code")
    network.broker("--discover", "on", name="local")
    equal(heard(bob, code=6), [], "what is heard of a broker on loopback")


@test
def the_sandbox_is_on_and_complete_while_it_announces(scene):
    network = Network(scene)
    broker = network.broker("--discover", "on")
    broker.process.wait_line("broker.announced", where="err")  # stderr is read beside stdout, which said ready
    log = "\n".join(broker.process.err)
    if "sandbox.on" not in log and "sandbox.partly" not in log:
        check(False, f"no sandbox: {log}")
    pid = broker.process.pid

    def target_of(fd):
        try:
            return os.readlink(f"/proc/{pid}/fd/{fd}")
        except FileNotFoundError:  # closed since it was listed
            return ""

    def datagram_sockets():
        sockets = [target_of(fd) for fd in os.listdir(f"/proc/{pid}/fd")]
        inodes = {match.group(1) for text in sockets if (match := re.match(r"socket:\[(\d+)\]", text))}
        with open(f"/proc/{pid}/net/udp", encoding="ascii") as table:
            return len([line for line in table.readlines()[1:] if line.split()[9] in inodes])

    wait_until(lambda: datagram_sockets() == 1, "it has one socket for datagrams")
    equal(len(heard(network.person())), 1, "brokers heard")


@test
def whoever_stops_is_not_listed_any_more(scene):
    network = Network(scene)
    broker = network.broker("--discover", "on")
    alice = network.person()
    heard(alice)
    broker.stop()
    heard(alice, code=6, seconds="1")


@test
def what_is_no_beacon_is_passed_over(scene):
    network = Network(scene)
    shouter = network.shout("127.255.255.255", """
    for bytes in (b"", b"ZCHAT", b"ZRE\\1" + b"x" * 18, beacon(5670, b"k" * 31), beacon(5670, b"k" * 33), beacon(5670, b"k" * 32, b"ZCHAT\\2"),
                  b"\\x1b[2J" * 100, b"\\0" * 1400):
        s.sendto(bytes, to)
""")
    broker = network.broker("--discover", "on")
    equal([row["broker"] for row in heard(network.person())], [broker.url], "what is heard")
    check(shouter.is_running(), shouter.told())


@test
def a_liar_is_shown_as_one_and_a_crowd_of_lies_is_bounded(scene):
    network = Network(scene)
    broker = network.broker("--discover", "on")
    alice = network.person()
    alice.ok("join", "#lobby", url=broker.url)
    network.shout("127.255.255.255", f"""
    s.sendto(beacon({broker.port}, b"k" * 32), to)
    for n in range(300):
        s.sendto(beacon(n + 1, n.to_bytes(2, "big") * 16), to)
""")
    begin = time.monotonic()
    result = alice.run("discover", "--json", "--seconds", "2")
    rows = [json.loads(line) for line in result.lines()]
    check(time.monotonic() - begin < 10, "it ends in time")
    check(len(rows) <= 8, f"a few for one address: {len(rows)}")
    lies = [row for row in rows if row["broker"].startswith(f"zchat://127.0.0.1:{broker.port}?") and broker.key() not in row["broker"]]
    check(all(row["state"] == "changed" for row in lies), f"another key than the known one: {lies}")
    check(b"left out" in result.err, f"and it says that there were more: {result}")
    # Nothing was believed.
    alice.ok("ping", url=broker.url)


@test
def announcing_needs_a_key_and_an_address_that_can_be_announced(scene):
    for options, part in ((["--insecure"], "insecure"), (["--bind", "[::1]"], "IPv4")):
        args = Broker(scene, ["--discover", "on", *options], address=None).args(0)
        told = scene.run(args)
        equal(told.code, 2, f"exit code of {told}")
        check(part.encode() in told.err and b"discover" in told.err, str(told))


if __name__ == "__main__":
    run_tests()
