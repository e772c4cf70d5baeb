#!/usr/bin/python3
"""Slow readers, and a disk that is full. [R-21] [R-30]."""
import os
import re
import signal
import subprocess

from zchat_test import (Skipped, check, check_no_hole, equal, messages, run_tests, test, texts, wait_until)

END = "the end of the test"
BIG = "x" * 4000


def small_disk(scene, mebibytes):
    """A file system of that size that goes with the scene."""
    if os.geteuid() != 0:
        raise Skipped("mounting a small disk needs root")
    folder = scene.folder / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}M,mode=0700", "zchat-test", str(folder)],
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise Skipped(f"a small disk cannot be mounted here: {done.stderr.decode().strip()}")
    scene.at_end(lambda: subprocess.run(["umount", "-l", str(folder)], check=False))
    return folder


def fill(path, leave):
    """Write until only `leave` bytes are free."""
    disk = os.statvfs(path.parent)
    with open(path, "wb") as file:
        left = disk.f_bavail * disk.f_frsize - leave
        while left > 0:
            left -= file.write(b"\0" * min(left, 1 << 20))


def check_same(tails, kept):
    """Every tail has what the broker has, in its order, once."""
    for tail in tails:
        got = tail.json()
        check_no_hole(got, tail.name)
        equal(got, kept, f"what {tail.name} has, against the history")


@test
def readers_that_stop_for_a_while_miss_nothing(scene):
    broker = scene.broker()
    alice, bob, carol = (scene.person(nick, broker) for nick in ("alice", "bob", "carol"))
    alice.ok("join", "#lobby")
    tails = [bob.tail("#lobby", "--since", "all"), carol.tail("#lobby", "--since", "all")]
    for tail in tails:
        tail.wait_count(1)
    count = 6000
    tails[0].signal(signal.SIGSTOP)
    alice.ok("send", "#lobby", "--lines", stdin="".join(f"{n} {BIG[:500]}\n" for n in range(count)).encode(),
             timeout=60)
    tails[1].wait_line(f'"{count - 1} ', timeout=60)
    equal(tails[0].out_count(), 1, "lines of a reader that is stopped")
    tails[0].signal(signal.SIGCONT)
    alice.ok("send", "#lobby", END)
    for tail in tails:
        tail.wait_event(text=END, timeout=60)
    check_same(tails, alice.history("#lobby"))


@test
def a_reader_that_slept_through_a_restart_misses_nothing(scene):
    broker = scene.broker()
    alice, bob = scene.person("alice", broker), scene.person("bob", broker)
    alice.ok("join", "#lobby")
    bob.ok("ping")
    tail, inbox = bob.tail("#lobby", "--since", "all"), bob.tail("@bob", "--since", "all")
    alice.ok("send", "@bob", "before", "--wait", "delivered")
    tail.wait_count(1)
    for sleeper in (tail, inbox):
        sleeper.signal(signal.SIGSTOP)
    for number in range(3):
        alice.ok("send", "#lobby", "--lines", stdin=b"line\n" * 500)
        alice.ok("send", "@bob", f"private {number}")
        broker.kill9()
        broker.start()
    for sleeper in (tail, inbox):
        sleeper.signal(signal.SIGCONT)
    alice.ok("send", "#lobby", END)
    alice.ok("send", "@bob", END, "--wait", "delivered", "--timeout", "30s", timeout=40)
    tail.wait_event(text=END)
    check_same([tail], alice.history("#lobby"))
    equal(texts(inbox.json()), ["before", "private 0", "private 1", "private 2", END], "private messages")


@test
def a_disk_near_its_end_refuses_posts_serves_reads_and_recovers(scene):
    disk = small_disk(scene, 64)
    broker = scene.broker("--disk-free-min", "16", "--ballast", "4", data=disk / "data")
    alice, bob = scene.person("alice", broker), scene.person("bob", broker)
    alice.ok("join", "#lobby")
    alice.ok("send", "#lobby", "room enough")
    bob.ok("ping")  # before: nobody new gets into a full broker
    tail = bob.tail("#lobby", "--since", "all")
    fill(disk / "filler", 8 << 20)
    result = wait_for_refusal(alice)
    check(result.code == 3 and b"--session" in result.err, f"a post that waited for room in vain: {result}")
    broker.process.wait_line("disk.full", where="err")
    waiting = alice.start("send", "#lobby", "waits for room", "--timeout", "60s")
    equal(texts(bob.history("#lobby"))[0], "room enough", "reading goes on")
    bob.ok("ping")
    check(waiting.is_running(), f"a post that waits for room has ended: {waiting.told()}")
    (disk / "filler").unlink()
    equal(waiting.wait_exit(), 0, f"exit code of the post that waited; {waiting.told()}")
    broker.process.wait_line("disk.room", where="err")
    alice.ok("send", "#lobby", END)
    tail.wait_event(text=END)
    got = texts(tail.json())
    equal(got.count("waits for room"), 1, "how often the post that waited stands there")
    check_same([tail], alice.history("#lobby"))


def wait_for_refusal(person):
    """Post until one is refused; the broker looks at its disk from time to time only."""
    results = []

    def is_refused():
        results.append(person.run("send", "#lobby", "is there room?", "--timeout", "1s"))
        return results[-1].code != 0
    wait_until(is_refused, "a post is refused")
    return results[-1]


@test
def a_disk_without_a_byte_left_loses_nothing_that_was_acknowledged(scene):
    disk = small_disk(scene, 24)
    broker = scene.broker("--disk-free-min", "0", "--ballast", "0", data=disk / "data")
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    fill(disk / "filler", 2 << 20)
    lines = [f"line {n} {BIG}" for n in range(2000)]  # more than there is room for
    sender = alice.start("send", "#lobby", "--lines", "--timeout", "4s")
    sender.write_behind("".join(line + "\n" for line in lines).encode())
    code = sender.wait_exit(60)
    check(code in (3, 4, 5), f"exit code {code} of a sender that met a full disk; {sender.told()}")
    check(sender.out_count() < len(lines), "all lines were stored where there is no room for them")
    (disk / "filler").unlink()
    acked = [int(re.fullmatch(r"#lobby (\d+)", line).group(1)) for line in sender.out]
    if not broker.process.is_running():  # it may end; then a supervisor starts it again
        equal(broker.process.wait_exit(), 1, "exit code of a broker whose disk is full")
        check("store" in "\n".join(broker.process.err), f"it does not say why: {broker.process.err[-3:]}")
        broker.start()
    kept = {event["seq"]: event for event in messages(alice.history("#lobby"))}
    for seq, line in zip(acked, lines):
        equal(kept.get(seq, {}).get("text"), line, f"text of the acknowledged {seq}")
    equal([event["text"] for event in kept.values()], lines[:len(kept)], "what is stored")
    alice.ok("send", "#lobby", END)


if __name__ == "__main__":
    run_tests()
