#!/usr/bin/python3
"""Three machines: network namespaces that a bridge joins. Links are cut while people talk.
[R-20] [R-23] [R-30]."""
import os
import re
import subprocess

from zchat_test import (Broker, Person, Skipped, check, check_no_hole, equal, messages, run_tests, test, texts,
                        wait_until)

TOLD_MS = 10000  # the link is dead when nothing was heard for so long (protocol 8)


class Machines:
    """A host with the broker and a bridge, and two other machines on it. All of it lies in namespaces of
    its own: the machine that runs the test keeps its network as it is."""

    def __init__(self, scene):
        self.names = {part: f"zc{os.getpid()}{part}" for part in ("host", "a", "b")}
        scene.at_end(self.remove)
        if os.geteuid() != 0:
            raise Skipped("network namespaces need root")
        self.remove_stale()
        try:
            for name in self.names.values():
                self.ip("netns", "add", name)
            self.on("host", "link", "set", "lo", "up")
            self.on("host", "link", "add", "bridge", "type", "bridge")
            self.on("host", "addr", "add", "10.77.0.1/24", "dev", "bridge")
            self.on("host", "link", "set", "bridge", "up")
            for number, part in enumerate(("a", "b"), 2):
                self.on("host", "link", "add", f"to-{part}", "type", "veth", "peer", "name", "eth0", "netns",
                        self.names[part])
                self.on("host", "link", "set", f"to-{part}", "master", "bridge", "up")
                self.on(part, "addr", "add", f"10.77.0.{number}/24", "dev", "eth0")
                self.on(part, "link", "set", "eth0", "up")
                self.on(part, "link", "set", "lo", "up")
        except (OSError, subprocess.CalledProcessError) as problem:
            said = getattr(problem, "stderr", b"") or b""
            raise Skipped(f"network namespaces cannot be made here: {problem} {said.decode()}") from None

    @staticmethod
    def remove_stale():
        """Those of a run that was killed."""
        for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
            match = re.fullmatch(r"zc(\d+)(host|a|b)", name)
            if match and not os.path.exists(f"/proc/{match.group(1)}"):
                subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True, timeout=20)

    @staticmethod
    def ip(*words):
        subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)

    def on(self, part, *words):
        self.ip("-n", self.names[part], *words)

    def cut(self, part):
        self.on("host", "link", "set", f"to-{part}", "down")

    def join(self, part):
        self.on("host", "link", "set", f"to-{part}", "up")

    def prefix(self, part):
        return ["ip", "netns", "exec", self.names[part]]

    def remove(self):
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True, timeout=20)


def set_up(scene):
    """The machines, and alice on a, bob on b, carol on the broker's host; all in #lobby."""
    machines = Machines(scene)
    broker = Broker(scene, ["--registration", "open"], address="10.77.0.1",
                    prefix=machines.prefix("host")).start()
    people = [Person(scene, nick, broker.url, prefix=machines.prefix(part))
              for nick, part in (("alice", "a"), ("bob", "b"), ("carol", "host"))]
    for person in people:
        person.ok("join", "#lobby")
    return machines, broker, people


@test
def people_on_three_machines_talk(scene):
    _, broker, people = set_up(scene)
    check("10.77.0.1" in broker.url, f"the address in {broker.url}")
    tails = [person.tail("#lobby", "--since", "all") for person in people]
    for person in people:
        person.ok("send", "#lobby", f"hello from {person.nick}")
    want = [f"hello from {person.nick}" for person in people]
    for tail in tails:
        tail.wait_line(want[-1])
        equal(texts(tail.json()), want, f"what {tail.name} has")
    inbox = people[1].tail()
    people[0].ok("send", "@bob", "across", "--wait", "delivered")
    equal(texts(inbox.json()), ["across"], "what bob has")
    rows = {row["nick"]: row["state"] for row in people[2].ok("who", "#lobby", "--json").json()}
    equal(set(rows), {"alice", "bob", "carol"}, "who is in the room")
    equal(rows["bob"], "online", "bob's state")


@test
def what_is_said_while_a_link_is_down_arrives_once_and_in_order(scene):
    machines, _, (alice, bob, carol) = set_up(scene)
    tails = [person.tail("#lobby", "--since", "all") for person in (alice, bob, carol)]
    inbox = alice.tail("@alice", "--since", "all")
    sender = alice.start("send", "#lobby", "--lines", "--timeout", "120s")
    sender.write("alice 0\n")
    for tail in tails:
        tail.wait_event(text="alice 0")
    bob.ok("send", "@alice", "private 0", "--wait", "delivered")
    inbox.wait_event(text="private 0")

    machines.cut("a")
    for number in range(1, 6):
        sender.write(f"alice {number}\n")
        bob.ok("send", "#lobby", f"bob {number}")
        bob.ok("send", "@alice", f"private {number}")
    tails[2].wait_event(text="bob 5")
    told = tails[0].wait_line("link is down", timeout=(TOLD_MS + 8000) / 1000, where="err")
    check("10.77.0.1" in told, f"the address misses in '{told}'")
    equal(sender.out_count(), 1, "lines that were acknowledged over a link that is down")
    status = alice.run("status", "--json", "--timeout", "1s")
    equal((status.code, status.json()[0]["link"]), (5, "down"), "exit code and link in status")

    machines.join("a")
    bob.ok("send", "#lobby", "bob 6")
    sender.write("alice 6\n")
    sender.close_stdin()
    equal(sender.wait_exit(60), 0, f"exit code of alice's sender; {sender.told()}")
    tails[0].wait_line("link is back", where="err")
    carol.ok("send", "#lobby", "the end")
    carol.ok("send", "@alice", "the end")
    for tail in tails + [inbox]:
        tail.wait_event(text="the end", timeout=60)
    check_no_hole(inbox.json(), "alice's own stream")
    equal(texts(inbox.json()), [f"private {n}" for n in range(6)] + ["the end"], "what alice has in private")
    views = [tail.json() for tail in tails]
    for view in views:
        check_no_hole(view, "a tail")
        for nick, count in (("alice", range(7)), ("bob", range(1, 7))):
            got = [event["text"] for event in messages(view) if event["from"] == nick]
            equal(got, [f"{nick} {n}" for n in count], f"{nick}'s messages at a tail")
        equal(view, views[0], "two tails")
    equal(alice.ok("status", "--json").json()[0]["link"], "up", "link in status")


@test
def a_short_cut_is_not_noticed(scene):
    machines, _, (alice, bob, _) = set_up(scene)
    tail = alice.tail("#lobby", "--since", "all")
    bob.ok("send", "#lobby", "before")
    tail.wait_event(text="before")
    for number in range(5):
        machines.cut("a")
        bob.ok("send", "#lobby", f"during {number}")
        machines.join("a")
    bob.ok("send", "#lobby", "after")
    tail.wait_event(text="after")
    check_no_hole(tail.json(), "alice's tail")
    equal(texts(tail.json()), ["before"] + [f"during {n}" for n in range(5)] + ["after"], "what alice has")


@test
def a_person_whose_link_is_cut_is_gone_after_a_while_and_back_with_it(scene):
    machines, _, (alice, _, carol) = set_up(scene)
    alice.tail("#lobby")

    def state():
        return {row["nick"]: row["state"] for row in carol.ok("who", "#lobby", "--json").json()}["alice"]
    wait_until(lambda: state() == "online", "alice is online")
    machines.cut("a")
    wait_until(lambda: state() == "gone", "alice is gone", 60)
    machines.join("a")
    wait_until(lambda: state() == "online", "alice is online again")
    kinds = [event["type"] for event in carol.history("#lobby")]
    equal(kinds, ["join"] * 3, "events: a link that comes and goes makes none")


if __name__ == "__main__":
    run_tests()
