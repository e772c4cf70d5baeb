#!/usr/bin/python3
"""What was said last is answered from the broker's memory, and nobody can tell it from the disk."""
import signal

from zchat_test import check, equal, run_tests, test, texts, wait_until


def own(scene, *options):
    """A broker, its owner alice, and bob; both are in #lobby."""
    broker = scene.broker(*options)
    alice = scene.person("alice", f"@{broker.data / 'owner.url'}")
    alice.ok("ping")
    alice.url = broker.url
    bob = scene.person("bob", broker)
    for each in (alice, bob):
        each.ok("join", "#lobby")
    return broker, alice, bob


def counts(alice):
    """(FETCHes, those of them that memory answered)."""
    stats = {row["name"]: row["value"] for row in alice.ok("admin", "stats", "--json").json()}
    return stats["repairs"], stats["repairs_recent"]


@test
def it_is_answered_from_memory_as_from_disk(scene):
    broker, alice, bob = own(scene)
    alice.ok("room", "create", "#sealed", "--private")
    alice.ok("room", "invite", "#sealed", "bob")
    bob.ok("join", "#sealed")
    for stream in ("#lobby", "#sealed"):
        alice.ok("send", stream, "--lines", stdin=b"".join(b"line %d\n" % n for n in range(40)))
    before = counts(alice)
    recent = [bob.history("#lobby"), bob.history("#sealed"), bob.history("#lobby", "-n", "3")]
    after = counts(alice)
    equal((after[0] - before[0], after[1] - before[1]), (3, 3), "all were answered from memory")
    check(texts(recent[0])[-1] == "line 39" and len(recent[2]) == 3, f"what was read: {recent}")
    broker.restart()
    equal([bob.history("#lobby"), bob.history("#sealed"), bob.history("#lobby", "-n", "3")], recent, "the same from the disk")
    equal(counts(alice), (3, 0), "which the new broker had to look for")


@test
def what_is_older_than_memory_reaches_comes_from_disk(scene):
    _, alice, bob = own(scene, "--recent-size", "1M")
    alice.ok("send", "#lobby", "--lines", stdin=b"".join(b"%d %s\n" % (n, b"long " * 2000) for n in range(150)))
    before = counts(alice)
    equal([text.split()[0] for text in texts(bob.history("#lobby"))], [str(n) for n in range(150)], "all of it")
    after = counts(alice)
    check(after[0] - before[0] > after[1] - before[1], f"some pages are from the disk: {before} {after}")
    before = after
    equal(texts(bob.history("#lobby", "-n", "2"))[-1].split()[0], "149", "the end of it")
    equal(counts(alice)[1] - before[1], 1, "is remembered")


@test
def a_private_message_that_nobody_confirms_comes_again_from_memory(scene):
    _, alice, bob = own(scene)
    silent = bob.tail("@bob", "--since", "all")
    alice.ok("send", "@bob", "first", "--wait", "delivered")
    silent.wait_event(text="first")
    republished = {row["name"]: row["value"] for row in alice.ok("admin", "stats", "--json").json()}["republications"]
    silent.signal(signal.SIGSTOP)
    alice.ok("send", "@bob", "second")
    wait_until(lambda: {row["name"]: row["value"] for row in alice.ok("admin", "stats", "--json").json()}["republications"]
               > republished, "it is published again")
    silent.signal(signal.SIGCONT)
    silent.wait_event(text="second")
    equal(texts(silent.json()), ["first", "second"], "each once")


@test
def memory_can_be_switched_off(scene):
    _, alice, bob = own(scene, "--recent-size", "0")
    alice.ok("send", "#lobby", "hello")
    equal(texts(bob.history("#lobby")), ["hello"], "history")
    equal(counts(alice)[1], 0, "answered from memory")


if __name__ == "__main__":
    run_tests()
