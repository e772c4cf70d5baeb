#!/usr/bin/python3
"""The files of zchat-logger: text that readers of IRC logs know, rotation, compression and removal under kills and full
disks, and logrotate beside it."""
import gzip
import importlib.util
import json
import random
import re
import resource
import shutil
import signal
import socket
import time

from zchat_test import ROOT, Skipped, check, check_no_hole, equal, run_tests, test, wait_until

ROOM = "#lobby"
BASE = "%23lobby"
# What irclog2html 2.17 looks for in a line, behind its time (its documentation calls the form that of xchat).
TIME = re.compile(r"^\[?((?:\d{4}-\d{2}-\d{2}T)?\d\d:\d\d(?::\d\d)?)\]? +")
KINDS = [("COMMENT", re.compile(r"^<(.*?)(!.*?)?>\s")), ("ACTION", re.compile(r"^\*[ \t]")),
         ("JOIN", re.compile(r"^(?:\*\*\*|-->)\s.*joined")), ("PART", re.compile(r"^(?:\*\*\*|<--)\s.*(quit|left)")),
         ("NICKCHANGE", re.compile(r"^(?:\*\*\*|---)\s+.*? (?:are|is) now known as .*")),
         ("SERVER", re.compile(r"^(?:\*\*\*|---)\s"))]


def send_lines(person, room, lines):
    person.ok("send", room, "--lines", stdin="".join(f"{line}\n" for line in lines).encode())


def content(path):
    """Of a file that was put aside or is current; one that is being given its name may be compressed already."""
    data = path.read_bytes()
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def whole_archive(folder, ending="jsonl"):
    """The lines of all files, the oldest first; a torn last line of the current one is left out."""
    files = [path for path in folder.glob(f"{BASE}.*") if re.fullmatch(
        rf"{BASE}\.([-\d.]+\.)?{ending}(\.gz)?", path.name)]
    parts = []
    for path in files:
        lines = content(path).decode().split("\n")
        check(path.name == f"{BASE}.{ending}" or lines[-1] == "", f"{path.name} has a torn line")
        if len(lines) > 1:
            parts.append(lines[:-1])
    parts.sort(key=first_seq)
    return [line for lines in parts for line in lines]


def first_seq(lines):
    return json.loads(lines[0])["seq"] if lines[0].startswith("{") else int(lines[0].rsplit(" ", 1)[1])


def numbers(lines):
    return [json.loads(line)["seq"] for line in lines]


def wait_for(logger, text, ending="jsonl"):
    def is_there():
        try:
            return any(text in line for line in whole_archive(logger.out_folder, ending)[-3:])
        except (FileNotFoundError, EOFError, ValueError):
            return False  # it is renamed while we look
    wait_until(is_there, f"'{text}' is archived")


def kind_of(line):
    """As irclog2html classifies it."""
    found = TIME.match(line)
    rest = line[found.end():] if found else line
    return (found and found.group(1), *next(((name, form.match(rest)) for name, form in KINDS if form.match(rest)),
                                            ("OTHER", None)))


@test
def a_text_log_is_read_by_irclog2html(scene):
    broker = scene.broker()
    alice, bob = scene.person("alice", broker), scene.person("bob", broker)
    logger = scene.logger(broker, "--format", "text", "--utc")
    alice.ok("join", ROOM)
    bob.ok("join", ROOM)
    bob.ok("send", ROOM, "hello")
    bob.ok("send", ROOM, "two\nlines <eve> and [00:00:00] <eve> time")
    bob.ok("send", ROOM, "x joined y is now known as z", "--notice")
    alice.ok("room", "topic", ROOM, "eve is now known as root, who joined and left")
    bob.ok("leave", ROOM)
    alice.ok("send", ROOM, "the end")
    wait_for(logger, "the end", "log")
    lines = (logger.out_folder / f"{BASE}.log").read_text().splitlines()
    told = [(kind, found.group(1) if kind == "COMMENT" else None) for _, kind, found in map(kind_of, lines)]
    equal(told, [("SERVER", None), ("JOIN", None), *(told[2:3] if "operator" in lines[2] else []), ("JOIN", None),
                 ("COMMENT", "bob"), ("COMMENT", "bob"), ("COMMENT", "bob"), ("OTHER", None), ("OTHER", None),
                 ("PART", None), ("COMMENT", "alice")], "kinds of lines")
    check(all(time_ for time_, _, _ in map(kind_of, lines[1:])), "each event has its time")
    day = time.strftime("%Y-%m-%d", time.gmtime())
    check(re.fullmatch(rf"--- Log opened {day[:7]}-\d\d \+0000, #lobby from 1", lines[0]), lines[0])
    if importlib.util.find_spec("irclog2html") is None:
        print("# irclog2html is not installed; its expressions alone were tried")
        return
    from irclog2html.irclog2html import LogParser  # pylint: disable=import-outside-toplevel,import-error
    with open(logger.out_folder / f"{BASE}.log", "rb") as file:
        read = [(when, what.value) for when, what, _ in LogParser(file)]
    equal(read, [kind_of(line)[:2] for line in lines], "what irclog2html itself reads")


@test
def a_logger_killed_at_any_moment_of_rotation_loses_and_doubles_nothing(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", ROOM)
    rng = random.Random(time.time_ns())
    count, lives = 600, 12
    sender = alice.start("send", ROOM, "--lines", "--timeout", "60s")
    sender.write_behind("".join(f"line {n}\n" for n in range(count)).encode())
    for _ in range(lives):
        logger = scene.logger(broker, "--rotate", "1K", "--compress", "--format", "both")
        wait_until(lambda: len(list(logger.out_folder.glob("*"))) > 1, "it archives")
        time.sleep(rng.random() * 0.4)  # not a synchronisation: a moment
        logger.kill9()
        check_no_hole([{"seq": seq} for seq in [0] + numbers(whole_archive(logger.out_folder))], "killed archive")
    equal(sender.wait_exit(60), 0, f"exit code of the sender; {sender.told()}")
    alice.ok("send", ROOM, "the end")
    logger = scene.logger(broker, "--rotate", "1K", "--compress", "--format", "both")
    wait_for(logger, "the end")
    wait_for(logger, "the end", "log")
    wait_until(lambda: not [path for path in logger.out_folder.glob(f"{BASE}.0*") if path.suffix != ".gz"],
               "everything that was put aside is compressed")
    equal(logger.stop(), 0, f"exit code; {logger.told()}")
    equal(numbers(whole_archive(logger.out_folder)), list(range(1, count + 3)), "numbers")
    said = [line.split("> ", 1)[1] for line in whole_archive(logger.out_folder, "log") if "> line" in line]
    equal(said, [f"line {n}" for n in range(count)], "the text form")
    equal([path.name for path in logger.out_folder.glob(".*")], [], "what is left behind")


@test
def only_so_many_files_are_kept_of_each_stream(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    for room in (ROOM, "#quiet"):
        alice.ok("join", room)
        send_lines(alice, room, [f"line {n}" for n in range(10)])
    logger = scene.logger(broker, "--rotate", "1K", "--streams", "#*")
    wait_for(logger, "line 9")
    wait_until(lambda: list(logger.out_folder.glob("%23quiet.0*")), "both were rotated")
    equal(logger.stop(), 0, "exit code")
    quiet = sorted(path.name for path in logger.out_folder.glob("%23quiet*"))
    logger = scene.logger(broker, "--rotate", "1K", "--keep", "2", "--compress", "--streams", ROOM)
    send_lines(alice, ROOM, [f"more {n}" for n in range(60)])
    wait_for(logger, "more 59")
    wait_until(lambda: len(list(logger.out_folder.glob(f"{BASE}.0*.gz"))) == 2 == len(
        list(logger.out_folder.glob(f"{BASE}.0*"))), "two are kept")
    equal(logger.stop(), 0, "exit code")
    left = numbers(whole_archive(logger.out_folder))
    equal(left, list(range(left[0], 72)), "the last numbers")
    equal(sorted(path.name for path in logger.out_folder.glob("%23quiet*")), quiet, "the other stream's files")


def told_full(logger):
    return len([line for line in logger.err if "archive.full" in line])


@test
def a_disk_that_is_full_at_rotation_and_compression_costs_nothing(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", ROOM)
    logger = scene.logger(broker, "--rotate", "4K", "--compress")
    send_lines(alice, ROOM, [f"before {n}" for n in range(10)])
    wait_for(logger, "before 9")
    hard = resource.prlimit(logger.pid, resource.RLIMIT_FSIZE)[1]
    for size in (0, 3000, 50):  # nothing fits; some lines; a part of one
        before = told_full(logger)
        resource.prlimit(logger.pid, resource.RLIMIT_FSIZE, (size, hard))
        alice.ok("send", ROOM, "--lines", stdin=f"full {size}\n".encode() * 40)
        wait_until(lambda: told_full(logger) > before, "it says that the disk is full")
        equal(told_full(logger), before + 1, "times that it says so")
        resource.prlimit(logger.pid, resource.RLIMIT_FSIZE, (hard, hard))
        alice.ok("send", ROOM, f"room again {size}")
        wait_for(logger, f"room again {size}")
    check(logger.is_running(), logger.told())
    equal(logger.stop(), 0, "exit code")
    equal(numbers(whole_archive(logger.out_folder)), list(range(1, 1 + 10 + 3 * 41 + 1)), "numbers")


def text_of(logger, ending):
    path = logger.out_folder / f"{BASE}.{ending}"
    return path.read_text() if path.exists() else ""


@test
def logrotate_may_put_the_files_aside(scene):
    if shutil.which("logrotate") is None:
        raise Skipped("logrotate is not installed")
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", ROOM)
    logger = scene.logger(broker, "--format", "both")
    sample = (ROOT / "dist/logrotate/zchat-logger").read_text()
    config = scene.folder / "logrotate.conf"
    config.write_text(re.sub(r"systemctl kill[^\n]*", f"kill -USR1 {logger.pid}",
                             sample.replace("/var/lib/zchat-logger/archive", str(logger.out_folder))))
    config.chmod(0o600)
    for round_ in range(4):
        send_lines(alice, ROOM, [f"{round_} {n}" for n in range(5)])
        wait_until(lambda: f"{round_} 4" in text_of(logger, "jsonl") and f"{round_} 4" in text_of(logger, "log"),
                   "it is archived")
        before = len([line for line in logger.err if "archive.reopened" in line])
        result = scene.run(["logrotate", "--force", "--state", scene.folder / "logrotate.state", config])
        equal(result.code, 0, f"exit code of logrotate: {result}")
        wait_until(lambda: len([line for line in logger.err if "archive.reopened" in line]) > before, "it reopens")
    equal(logger.stop(), 0, f"exit code; {logger.told()}")
    again = scene.logger(broker, "--format", "both")  # the current file is empty
    alice.ok("send", ROOM, "the end")
    wait_until(lambda: "the end" in text_of(again, "log") and "the end" in text_of(again, "jsonl"), "it goes on")
    equal(again.stop(), 0, "exit code")
    files = sorted(logger.out_folder.glob(f"{BASE}.jsonl*"), key=lambda path: -int(
        (re.search(r"\.(\d+)(\.gz)?$", path.name) or [0, 0])[1]))
    check(len(files) == 5 and files[0].suffix == ".gz", f"files {files}")
    equal(numbers([line for path in files for line in content(path).decode().splitlines()]), list(range(1, 23)),
          "numbers over all files")


@test
def the_service_manager_is_told(scene):
    broker = scene.broker()
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    scene.at_end(manager.close)
    manager.bind(str(scene.folder / "notify"))
    manager.settimeout(30)
    env = {"NOTIFY_SOCKET": str(scene.folder / "notify"), "WATCHDOG_USEC": "200000"}
    prefix = ["env", *(f"{key}={value}" for key, value in env.items())]
    logger = scene.logger(broker, prefix=prefix)
    equal(manager.recv(100), b"READY=1", "first")
    told = [manager.recv(100) for _ in range(5)]
    check(told.count(b"WATCHDOG=1") >= 3, f"it was told {told}")
    logger.signal(signal.SIGTERM)
    while manager.recv(100) != b"STOPPING=1":
        pass
    equal(logger.wait_exit(), 0, "exit code")


if __name__ == "__main__":
    run_tests()
