#!/usr/bin/python3
"""The logger's configuration: read from its file, taken over on SIGHUP without a gap or a repeat."""
import json
import signal

from zchat_test import check, equal, program, run_tests, test, wait_until


def seqs(path):
    return [json.loads(line)["seq"] for line in path.read_text().splitlines()] if path.exists() else []


def said(path):
    return [json.loads(line).get("text") for line in path.read_text().splitlines()] if path.exists() else []


@test
def streams_and_formats_change_while_it_runs(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    for room in ("#one", "#two"):
        alice.ok("join", room)
        alice.ok("send", room, "first")
    home = scene.folder / "home-logger"
    home.mkdir(mode=0o700)
    config, log = home / "logger.conf", scene.folder / "log"
    config.write_text(f'streams = "#one"\nlog-file = {log}\n')
    logger = scene.logger(broker)
    one, two = logger.out_folder / "%23one.jsonl", logger.out_folder / "%23two.jsonl"
    wait_until(lambda: "first" in said(one), "the room of the file")
    check(not two.exists(), "the other room is not asked for")
    config.write_text(f'streams = "#*"\nformat = both\nlog-file = {log}\n')
    logger.signal(signal.SIGHUP)
    wait_until(lambda: "first" in said(two), "the other room, from its begin")
    check('changed="streams format"' in log.read_text(), log.read_text())
    alice.ok("send", "#one", "second")
    wait_until(lambda: "second" in said(one), "the first room goes on")
    text = logger.out_folder / "%23one.log"
    wait_until(lambda: text.exists() and "second" in text.read_text(), "the other format")
    check("first" in text.read_text(), "from its begin")
    equal(seqs(one), list(range(1, len(seqs(one)) + 1)), "without gap or repeat")
    config.write_text(f'streams = "#two"\nlog-file = {log}\n')
    logger.signal(signal.SIGHUP)
    wait_until(lambda: log.read_text().count("config.reloaded") == 2, "the next")
    alice.ok("send", "#one", "third")
    alice.ok("send", "#two", "third")
    wait_until(lambda: "third" in said(two), "what is asked for")
    check("third" not in said(one), "what is not asked for any more")


@test
def rotation_changes_and_a_fault_changes_nothing(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#one")
    config, log = scene.folder / "logger.conf", scene.folder / "log"
    config.write_text(f"log-file = {log}\n")
    logger = scene.logger(broker, "--config", config)
    one = logger.out_folder / "%23one.jsonl"
    alice.ok("send", "#one", "first")
    wait_until(lambda: "first" in said(one), "an archive")
    config.write_text(f"log-file = {log}\nstreams = none\nrotate = 1\n")
    logger.signal(signal.SIGHUP)
    wait_until(lambda: log.exists() and "config.refused" in log.read_text(), "a fault is told")
    check(f"{config}:2: streams = none: expected 'none' to begin" in log.read_text(), log.read_text())
    alice.ok("send", "#one", "second")
    wait_until(lambda: "second" in said(one), "it goes on")
    equal(sorted(path.name for path in logger.out_folder.glob("%23one*")), ["%23one.jsonl"], "nothing was put aside")
    config.write_text(f"log-file = {log}\nrotate = 1\nnick = other\n")
    logger.signal(signal.SIGHUP)
    wait_until(lambda: 'changed="rotate"' in log.read_text(), "rotation")
    check('keys="nick"' in log.read_text(), "what needs a restart is named")
    alice.ok("send", "#one", "third")
    wait_until(lambda: len(list(logger.out_folder.glob("%23one*"))) > 1, "files are put aside")


@test
def its_file_is_checked_and_printed(scene):
    config = scene.folder / "logger.conf"

    def run(*args):
        return scene.run([program("zchat-logger"), "--config", config, *args])
    config.write_text("out = /x\nstreams = #one\n")
    result = run("--check-config")
    equal(result.code, 2, "a # begins a comment")
    check(f"{config}:2: streams = : expected".encode() in result.err and b"quotation marks" in result.err, f"{result}")
    config.write_text('out = /x\nstreams = "#one"\nrotate = 5M\n')
    equal(run("--check-config").code, 0, "a good file")
    printed = run("--print-config").out
    for line in (b'\nstreams = "#one"\n', b"\nrotate = 5M\n", b"\n#format = jsonl\n"):
        check(line in printed, f"{line} in {printed}")
    config.write_bytes(printed)
    equal(run("--print-config").out, printed, "it means the same")


if __name__ == "__main__":
    run_tests()
