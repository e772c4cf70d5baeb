#!/usr/bin/python3
"""The archive when everything dies at once, and when its last line was torn. [R-29] [R-30]. See test_archive.py
for the rest of zchat-logger."""
import os

from zchat_test import (check, check_no_hole, equal, read_log, run_tests, test, texts, wait_until)

END = "the end of the test"


def wait_for(logger, text, seconds=60):
    wait_until(lambda: text in texts(read_log(logger.out_folder, "#lobby"))[-1:], f"'{text}' is archived", seconds)


def check_whole(logger, person):
    """The archive is what the broker has; returns its events."""
    events = read_log(logger.out_folder, "#lobby")
    check_no_hole(events, "the archive")
    equal(events[0]["seq"], 1, "the first seq in the archive")
    equal(events, person.history("#lobby"), "archive and history")
    return events


@test
def a_torn_last_line_is_mended(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    path = scene.folder / "logger-out" / "%23lobby.jsonl"
    for number in range(6):
        logger = scene.logger(broker, "--format", "both")
        alice.ok("send", "#lobby", f"whole {number}")
        wait_for(logger, f"whole {number}")
        logger.kill9()
        data = path.read_bytes()
        last = data[data.rindex(b"\n", 0, -1) + 1:]
        torn = [data + last[:len(last) // 2], data[:-1], data[:-len(last) // 2], data + b"\0" * 4096,
                data + b'{"stream":"#lobby","seq":', data + last[:-1].replace(b"whole", b"\xff\xfe")][number]
        path.write_bytes(torn)
        text = path.with_suffix(".log")
        text.write_bytes(text.read_bytes()[:-3])
    logger = scene.logger(broker, "--format", "both")
    alice.ok("send", "#lobby", END)
    wait_for(logger, END)
    equal(texts(check_whole(logger, alice)), [f"whole {n}" for n in range(6)] + [END], "texts in the archive")
    lines = path.with_suffix(".log").read_text().splitlines()
    equal([line.split("> ")[1] for line in lines if "> whole" in line], [f"whole {n}" for n in range(6)],
          "what was said, in the text form")
    equal(logger.stop(), 0, "exit code of the logger")


@test
def logger_and_broker_killed_in_turns_under_load_leave_no_gap(scene):
    count = int(os.environ.get("ZCHAT_LINES", "10000")) // 2
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    logger = scene.logger(broker)
    sender = alice.start("send", "#lobby", "--lines", "--timeout", "60s")
    sender.write_behind("".join(f"line {n}\n" for n in range(count)).encode())
    for step in range(1, 9):
        wait_until(lambda: sender.out_count() >= count * step // 9, f"step {step}", 60)
        if step % 2:
            logger.kill9()
        if step % 3 == 0:
            broker.kill9()
            broker.start()
        if step % 2:
            logger = scene.logger(broker)
    equal(sender.wait_exit(60), 0, f"exit code of the sender; {sender.told()}")
    alice.ok("send", "#lobby", END)
    wait_for(logger, END)
    equal(texts(check_whole(logger, alice)), [f"line {n}" for n in range(count)] + [END], "texts in the archive")
    check(logger.is_running(), "the logger has ended")


if __name__ == "__main__":
    run_tests()
