#!/usr/bin/python3
"""Disks that are full, broken or read-only, and too few descriptors. [R-19] [R-21] [R-23]."""
import os
import resource
import signal
import time

from disk import Image, fill
from fault_env import failures, fault
from power import FaultyBroker
from wire import need_root
from zchat_test import (SLOW, Broker, Skipped, check, check_no_hole, equal, messages, program, read_log, run_tests,
                        test, texts, wait_until)
from raw_client import RawClient

ROOM = "#lobby"


def said(count, what="line"):
    return [f"{what} {number}" for number in range(count)]


def start_sender(person, lines):
    sender = person.start("send", ROOM, "--lines", "--timeout", "120s")
    sender.write("".join(line + "\n" for line in lines))
    return sender


def check_refused_with(client, code):
    """A client that entered as "raw" before is told so, as a transient refusal."""
    for number in range(1, 100):  # the broker looks at its disk once a second
        client.send({"v": "post", "number": number, "stream": "@raw", "text": "x"})
        answer = (client.receive() or [{"v": "nothing"}])[0]
        if answer["v"] != "ack":
            break
        time.sleep(0.05)
    equal((answer["v"], answer.get("error"), answer.get("number")), ("error", code, number), "the refusal")
    check(answer.get("retry", 0) > 0, f"no time to try again in {answer}")


def check_room_again(alice, broker, sender, lines):
    """Without a restart: the sender gets everything in, once."""
    pid = broker.process.pid
    sender.close_stdin()
    equal(sender.wait_exit(60), 0, f"exit code of the sender; {sender.told()}")
    equal(broker.process.pid, pid, "the broker's process")
    check(broker.process.is_running(), f"the broker ended: {broker.process.told()}")
    events = alice.history(ROOM)
    check_no_hole(events, ROOM)
    equal([event["text"] for event in messages(events) if not event["text"].startswith("fill")], lines, ROOM)


@test
def posts_wait_for_room_on_a_full_disk_and_reads_go_on(scene):
    disk = Image(scene, 64)
    broker = Broker(scene, ["--disk-free-min", "8", "--ballast", "4"], data=disk.mount / "data").start()
    alice, bob = scene.person("alice", broker), scene.person("bob", broker)
    alice.ok("join", ROOM)
    bob.ok("ping")
    lines = said(20)
    alice.ok("send", ROOM, "--lines", stdin="\n".join(lines[:10]).encode())
    with RawClient(broker.url) as client:
        client.hello("raw")  # before: nobody new gets into a full broker
        filler = fill(disk, 4 << 20)
        check_refused_with(client, "disk_full")
    sender = start_sender(alice, lines[10:])
    result = bob.run("send", "@alice", "now", "--timeout", "2s")
    check(result.code in (3, 4) and result.out == b"", f"a post to a full disk: {result}")
    equal(texts(bob.history(ROOM)), lines[:10], "what is read from a full disk")
    equal(sender.out_count(), 0, "lines that a full disk acknowledged")
    filler.unlink()
    check_room_again(alice, broker, sender, lines)


@test
def a_disk_without_a_single_block_left_loses_nothing(scene):
    disk = Image(scene, 48)
    broker = Broker(scene, ["--disk-free-min", "0", "--ballast", "0"], data=disk.mount / "data").start()
    alice = scene.person("alice", broker)
    alice.ok("join", ROOM)
    filler = fill(disk)
    lines = said(5)
    sender = None
    for number in range(200):  # until the room in the log's own files is used up, too
        result = alice.run("send", ROOM, f"fill {number} {'x' * 16000}", "--timeout", "1s")
        if result.code != 0:
            break
    else:
        raise Skipped("the disk did not become full")
    check(result.code in (3, 4) and result.out == b"", f"a post to a full disk: {result}")
    check(broker.process.is_running(), f"the broker ended: {broker.process.told()}")
    sender = start_sender(alice, lines)
    stands = texts(alice.history(ROOM))
    check([text.split()[1] for text in stands[:number]] == [str(each) for each in range(number)],
          f"of {number} acknowledged posts stand {len(stands)}")
    filler.unlink()
    check_room_again(alice, broker, sender, lines)


def fail_while_people_talk(scene, rule, code=None):
    """The rule strikes when the flag appears; the broker may end, and a restart must have all."""
    flag = scene.folder / "strike"
    broker = FaultyBroker(scene)
    broker.env, log = fault(scene, f"{rule}:path={broker.data}:while={flag}")
    broker.start()
    alice = scene.person("alice", broker)
    alice.ok("join", ROOM)
    lines = said(60)
    sender = start_sender(alice, lines[:30])
    sender.wait_count(30)
    flag.touch()
    sender.write("".join(line + "\n" for line in lines[30:]))
    sender.close_stdin()
    wait_until(lambda: failures(log), "a call fails")
    if code is not None:
        equal(broker.process.wait_exit(), code, f"exit code of the broker; {broker.process.told()}")
        check(any("error" in line for line in broker.process.err), f"no word why: {broker.process.err[-3:]}")
    else:
        time.sleep(1.5 * SLOW)
        check(broker.process.is_running(), f"the broker ended: {broker.process.told()}")
    shown = sender.out_count()
    flag.unlink()
    if code is not None:
        broker.env = {}
        broker.start()
    equal(sender.wait_exit(60), 0, f"exit code of the sender; {sender.told()}")
    check(shown < 60, "nothing was left to do when the call failed")
    events = alice.history(ROOM)
    check_no_hole(events, ROOM)
    equal(texts(events), lines, "what stands in the room")
    equal([int(line.split()[1]) for line in sender.out], [event["seq"] for event in messages(events)],
          "acknowledged places")


@test
def a_failed_fsync_ends_the_broker_and_a_restart_has_all(scene):
    fail_while_people_talk(scene, "fsync:EIO", 1)


@test
def a_failed_write_ends_the_broker_and_a_restart_has_all(scene):
    fail_while_people_talk(scene, "write:EIO", 1)


@test
def a_write_without_room_is_tried_again_when_there_is_some(scene):
    fail_while_people_talk(scene, "write:ENOSPC")


@test
def a_log_that_became_read_only_ends_the_broker_and_a_restart_has_all(scene):
    fail_while_people_talk(scene, "write:EROFS", 1)


@test
def nothing_starts_on_a_read_only_folder(scene):
    disk = Image(scene, 32)
    broker = Broker(scene, ["--disk-free-min", "1"], data=disk.mount / "data").start()
    alice = scene.person("alice", broker)
    alice.ok("join", ROOM)
    alice.ok("send", ROOM, "before")
    equal(broker.stop(), 0, "exit code of the broker")
    disk.remount("ro")
    result = scene.run(broker.args(broker.port))
    check(result.code == 1 and str(disk.mount).encode() in result.err, f"a broker on a read-only folder: {result}")
    disk.remount("rw")
    broker.start()
    equal(texts(alice.history(ROOM)), ["before"], "what stands in the room")
    closed = Image(scene, 16)
    closed.remount("ro")
    result = scene.run([program("zchat-logger"), "--out", closed.mount / "log", "--broker", broker.url,
                        "--home", scene.folder / "home-logger"])
    check(result.code == 1 and str(closed.mount).encode() in result.err, f"a logger on one: {result}")


def check_log_over(scene, start_logger, strike, heal, is_ended=False):
    """The logger's folder fails for a while: the archive has no hole and nothing twice."""
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", ROOM)
    logger = start_logger(broker)
    lines = [f"{line} {'x' * 2000}" for line in said(30)]
    alice.ok("send", ROOM, "--lines", stdin="\n".join(lines[:10]).encode())
    wait_until(lambda: texts(read_log(logger.out_folder, ROOM)) == lines[:10], "the first lines are in the log")
    strike()
    alice.ok("send", ROOM, "--lines", stdin="\n".join(lines[10:20]).encode())
    if is_ended:
        equal(logger.wait_exit(), 1, f"exit code of the logger; {logger.told()}")
        logger.wait_line("archive.failed", where="err")
    else:
        logger.wait_line("archive.full", where="err")
        check(logger.is_running(), f"the logger ended: {logger.told()}")
    heal()
    if is_ended:
        logger = start_logger(broker)
    alice.ok("send", ROOM, "--lines", stdin="\n".join(lines[20:]).encode())
    wait_until(lambda: texts(read_log(logger.out_folder, ROOM)) == lines, "all lines are in the log", 40)
    check_no_hole(read_log(logger.out_folder, ROOM), "the log")
    equal(logger.stop(), 0, f"exit code of the logger; {logger.told()}")


@test
def a_logger_on_a_full_disk_goes_on_when_there_is_room(scene):
    disk = Image(scene, 16)
    filler = []
    check_log_over(scene, lambda broker: scene.logger(broker, out=disk.mount / "log"),
                   lambda: filler.append(fill(disk)), lambda: filler[0].unlink())


def check_log_under(scene, rule, is_ended=False):
    flag = scene.folder / "strike"
    out = scene.folder / "log"
    env, log = fault(scene, f"{rule}:path={out}:while={flag}")

    def start_logger(broker):
        process = scene.start([program("zchat-logger"), "--out", out, "--broker", broker.url, "--home",
                               scene.folder / "home-logger"], f"logger under {rule}", env=env)
        process.out_folder = out
        return process

    check_log_over(scene, start_logger, flag.touch, flag.unlink, is_ended)
    check(failures(log), "no call failed")


@test
def a_logger_whose_writes_find_no_room_goes_on_when_they_do(scene):
    check_log_under(scene, "write:ENOSPC")


@test
def a_logger_whose_fsync_fails_ends_and_the_next_one_has_all(scene):
    check_log_under(scene, "fsync:EIO", True)


DESCRIPTORS_LEFT = 32  # eight tails have two connections each, and whoever listens beside the test


@test
def too_few_descriptors_keep_new_people_out_and_nobody_else(scene):
    need_root()
    # By default the doorman would refuse before the descriptors are used up.
    broker = Broker(scene, ["--connections-max", "1000"]).start()
    most = open_files(broker) + DESCRIPTORS_LEFT
    resource.prlimit(broker.process.pid, resource.RLIMIT_NOFILE, (most, most))
    people = [scene.person(f"p{number}", broker) for number in range(40)]
    tails = []
    for person in people[:8]:
        person.ok("join", ROOM)
        tails.append(person.tail(ROOM, "--since", "all"))
    people[0].ok("send", ROOM, "before")
    for tail in tails:
        tail.wait_event(text="before")
    crowd = [person.start("tail", "@" + person.nick) for person in people[8:]]
    wait_until(lambda: open_files(broker) >= most - 4, "the descriptors are used up")
    check(broker.process.is_running(), f"the broker ended: {broker.process.told()}")
    for each in crowd:
        each.signal(signal.SIGTERM)
    for each in crowd:
        each.wait_exit()
    people[0].ok("send", ROOM, "after", "--timeout", "30s")
    for tail in tails:
        tail.wait_event(text="after")
    equal(broker.stop(), 0, "exit code of the broker")


def open_files(broker):
    return len(os.listdir(f"/proc/{broker.process.pid}/fd"))


if __name__ == "__main__":
    run_tests()
