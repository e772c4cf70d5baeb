#!/usr/bin/python3
"""test_archive.py - zchat-logger keeps its archive whole: over its own and the broker's deaths, rotation, and a
disk that is full."""
import json
import resource
import signal

from zchat_test import check, check_no_hole, equal, program, read_log, run_tests, test, texts, wait_until


def send_lines(person, room, lines):
    person.ok("send", room, "--lines", stdin="".join(f"{line}\n" for line in lines).encode())


def wait_for_text(logger, room, text):
    wait_until(lambda: text in texts(read_log_safely(logger.out_folder, room)), f"'{text}' is archived")


def read_log_safely(folder, room):
    """The last line may be half written while we look."""
    try:
        return read_log(folder, room)
    except json.JSONDecodeError:
        return []


def check_whole(logger, person, room):
    """The archive says what the broker says, event by event."""
    events = read_log(logger.out_folder, room)
    equal(events, person.history(room), "the archive against the broker's history")
    check_no_hole(events, "the archive")
    equal(events[0]["seq"], 1, "first event")


@test
def a_logger_without_a_link_says_why_and_waits(scene):
    broker = scene.broker()
    broker.stop()
    logger = scene.logger(broker)
    stranger = scene.logger(broker, name="stranger", url=broker.url.replace(broker.key(), "11" * 32))
    logger.wait_line("link.trouble", where="err")
    broker.start()
    logger.wait_line("link.up", where="err")
    stranger.wait_line("link.trouble", where="err")
    check(stranger.is_running(), f"a logger that waits has ended: {stranger.told()}")


@test
def rooms_that_come_later_are_archived_from_their_first_event(scene):
    broker = scene.broker()
    logger = scene.logger(broker)
    logger.wait_line("link.up", where="err")
    alice = scene.person("alice", broker)
    for room in ("#one", "#zwei", "#小明"):
        alice.ok("join", room)
        send_lines(alice, room, [f"{room} {n}" for n in range(5)])
    for room in ("#one", "#zwei", "#小明"):
        wait_for_text(logger, room, f"{room} 4")
        check_whole(logger, alice, room)
    check((logger.out_folder / "%23%E5%B0%8F%E6%98%8E.jsonl").exists(), "names are percent-encoded")
    equal(logger.stop(), 0, "exit code")


@test
def only_the_streams_asked_for_are_archived(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    for room in ("#team-a", "#team-b", "#other"):
        alice.ok("join", room)
    logger = scene.logger(broker, "--streams", "#team-*")
    wait_until(lambda: len(list(logger.out_folder.glob("*.jsonl"))) >= 2, "both teams have their files")
    alice.ok("send", "#team-a", "last word")
    wait_for_text(logger, "#team-a", "last word")
    equal(sorted(path.name for path in logger.out_folder.iterdir()),
          ["%23team-a.jsonl", "%23team-b.jsonl"], "files")


@test
def a_logger_killed_again_and_again_leaves_no_gap_and_no_repeat(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    for life in range(4):
        logger = scene.logger(broker)
        sender = alice.start("send", "#lobby", "--lines")
        sender.write_behind("".join(f"{life} {n}\n" for n in range(300)).encode())
        wait_for_text(logger, "#lobby", f"{life} {50 * life}")
        logger.kill9()
        equal(sender.wait_exit(), 0, "exit code of the sender")
        if life % 2:  # the way a crash may leave the file
            with open(logger.out_folder / "%23lobby.jsonl", "ab") as file:
                file.write(b'{"stream":"#lobby","seq":99')
    logger = scene.logger(broker)
    wait_for_text(logger, "#lobby", "3 299")
    check_whole(logger, alice, "#lobby")


@test
def an_archive_goes_on_over_a_broker_killed(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    logger = scene.logger(broker)
    alice.ok("join", "#lobby")
    for life in range(3):
        send_lines(alice, "#lobby", [f"{life} {n}" for n in range(50)])
        broker.kill9()
        broker.start()
    alice.ok("send", "#lobby", "last word")
    wait_for_text(logger, "#lobby", "last word")
    check_whole(logger, alice, "#lobby")
    equal(logger.stop(), 0, "exit code")


@test
def a_full_disk_loses_nothing(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    logger = scene.logger(broker)
    alice.ok("send", "#lobby", "before")
    wait_for_text(logger, "#lobby", "before")
    path = logger.out_folder / "%23lobby.jsonl"
    hard = resource.prlimit(logger.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(logger.pid, resource.RLIMIT_FSIZE, (path.stat().st_size + 1000, hard))
    send_lines(alice, "#lobby", [f"full {n}" for n in range(30)])
    logger.wait_line("archive.full", where="err")
    size = path.stat().st_size
    check(path.read_bytes().endswith(b"}\n"), "no torn line is left")
    resource.prlimit(logger.pid, resource.RLIMIT_FSIZE, (hard, hard))
    wait_for_text(logger, "#lobby", "full 29")
    logger.wait_line("archive.room", where="err")
    check(path.stat().st_size > size, "it went on in the same file")
    check_whole(logger, alice, "#lobby")


@test
def a_file_moved_away_is_begun_anew_at_sigusr1(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    logger = scene.logger(broker)
    alice.ok("send", "#lobby", "one")
    wait_for_text(logger, "#lobby", "one")
    path = logger.out_folder / "%23lobby.jsonl"
    moved = logger.out_folder / "%23lobby.jsonl.1"
    path.rename(moved)
    logger.signal(signal.SIGUSR1)
    logger.wait_line("archive.reopened", where="err")
    equal(logger.stop(), 0, "exit code")
    # A new life with an empty file: the place stands in the file that was moved.
    again = scene.logger(broker)
    alice.ok("send", "#lobby", "two")
    wait_for_text(again, "#lobby", "two")
    seqs = [json.loads(line)["seq"] for file in (moved, path) for line in file.read_text().splitlines()]
    equal(seqs, [1, 2, 3], "numbers over both files")


@test
def text_and_rotation_go_along(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    logger = scene.logger(broker, "--format", "both", "--rotate", "1K")
    send_lines(alice, "#lobby", [f"line {n} \x1b[2J" for n in range(100)])
    wait_for_text(logger, "#lobby", "line 99 \x1b[2J")
    equal(logger.stop(), 0, "exit code")
    for ending in ("jsonl", "log"):
        files = sorted(logger.out_folder.glob(f"%23lobby.[0-9]*.{ending}"))
        files.append(logger.out_folder / f"%23lobby.{ending}")
        lines = "".join(file.read_text() for file in files).splitlines()
        said = [json.loads(line).get("text") if ending == "jsonl" else line.partition("> ")[2] for line in lines]
        said = [text.split()[1] for text in said if text and text.startswith("line ")]
        check(len(files) > 3, f"{ending} was rotated")
        equal(said, [str(n) for n in range(100)], f"lines in {ending}")
        check("\x1b" not in "".join(lines), "nothing can move a cursor")


@test
def a_folder_has_one_logger(scene):
    broker = scene.broker()
    first = scene.logger(broker)
    first.wait_line("logging to", where="err")
    second = scene.logger(broker)
    equal(second.wait_exit(), 1, "exit code of the second")
    second.wait_line("another logger", where="err")


@test
def a_logger_in_the_home_of_a_person_does_not_become_that_person(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    logger = scene.logger(broker, "--home", alice.home)
    logger.wait_line("link.up", where="err")
    scene.person(None, broker, home=alice.home).ok("send", "#lobby", "who am I?")
    wait_for_text(logger, "#lobby", "who am I?")
    equal([event["from"] for event in read_log(logger.out_folder, "#lobby")], ["alice"] * 2, "senders")


@test
def mistakes_are_usage(scene):
    equal(scene.run([program("zchat-logger")]).code, 2, "without --out")
    equal(scene.run([program("zchat-logger"), "--out", "x", "--format", "xml"]).code, 2, "--format xml")
    result = scene.run([program("zchat-logger"), "--help"])
    equal((result.code, result.err), (0, b""), "--help")
    equal(scene.run([program("zchat-logger"), "--version"]).lines()[0].split()[0], "zchat-logger", "--version")


if __name__ == "__main__":
    run_tests()
