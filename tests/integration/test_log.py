#!/usr/bin/python3
"""Where the broker's log goes, and how it looks there."""
import json
import signal
import socket

from zchat_test import check, equal, program, run_tests, test, wait_until


def listen(scene, name):
    path = scene.folder / name
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(path))
    listener.settimeout(30)
    scene.at_end(listener.close)
    return path, listener


@test
def json_lines_have_time_level_event_and_fields(scene):
    log = scene.folder / "log"
    broker = scene.broker("--log-format", "json", "--log-file", log)
    scene.person("alice", broker).ok("ping")
    broker.stop()
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    events = {row["event"]: row for row in rows}
    check(all(row["ts"].endswith("Z") and row["level"] in ("error", "warn", "info") for row in rows), f"{rows}")
    equal(events["session.welcome"]["nick"], "alice", "a field")
    equal(events["broker.listening"]["secure"], "yes", "another")
    check("broker.stopped" in events, "to the end")


@test
def the_journal_gets_fields_and_a_reload_moves_the_log(scene):
    path, journal = listen(scene, "journal")
    config = scene.folder / "etc" / "broker.conf"
    config.parent.mkdir()
    config.write_text(f"log-to = journal\nlog-socket = {path}\n")
    broker = scene.broker("--config", config)
    log = broker.data / "log"  # the sandbox knows that folder
    fields = {}
    while fields.get("ZCHAT_EVENT") != "broker.listening":
        fields = dict(line.split("=", 1) for line in journal.recv(8192).decode().splitlines())
    equal((fields["PRIORITY"], fields["SYSLOG_IDENTIFIER"], fields["ZCHAT_SECURE"]), ("6", "zchat-broker", "yes"), "fields")
    config.write_text(f"log-file = {log}\n")
    broker.process.signal(signal.SIGHUP)
    wait_until(lambda: log.exists() and "config.reloaded" in log.read_text(), "the log is a file now")
    config.write_text(f"log-to = journal\nlog-socket = {path}\n")
    broker.process.signal(signal.SIGHUP)
    while "config.reloaded" not in journal.recv(8192).decode():
        pass
    journal.close()
    broker.process.signal(signal.SIGUSR1)
    equal(broker.stop(), 0, "a journal that has gone stops nothing")


@test
def syslog_gets_lines_with_a_priority(scene):
    path, syslog = listen(scene, "syslog")
    broker = scene.broker("--log-to", "syslog", "--log-socket", path)
    text = ""
    while "broker.listening" not in text:
        text = syslog.recv(8192).decode()
    check(text.startswith(f"<30>zchat-broker[{broker.process.pid}]: broker.listening address=127.0.0.1 "), text)


@test
def what_contradicts_itself_is_refused(scene):
    for words in (["--log-to", "journal", "--log-file", "/x"], ["--log-socket", "/x"], ["--log-format", "xml"]):
        result = scene.run([program("zchat-broker"), "--check-config", *words])
        equal(result.code, 2, f"{words}")
        check(b"log-" in result.err, f"{result}")


if __name__ == "__main__":
    run_tests()
