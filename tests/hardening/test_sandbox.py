#!/usr/bin/python3
"""The sandbox of a running broker: it is on in every thread, what is needed works, and what it holds back fails."""
import os
import pathlib
import re
import signal
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from zchat_test import Person, Skipped, check, equal, run_tests, test, wait_until  # noqa: E402


def said(broker, event):
    return [line for line in broker.process.err if f" {event} " in line or line.endswith(f" {event}")]


def threads(pid):
    """{field: value} of every thread, as /proc tells."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        yield dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)


def landlock(broker):
    broker.process.wait_line(re.compile(r" sandbox\."), where="err")
    line = said(broker, "sandbox.on") + said(broker, "sandbox.partly")
    check(len(line) == 1, f"says once what is in force: {broker.process.err}")
    return int(re.search(r"landlock=(\d+)", line[0]).group(1))


@test
def every_thread_is_in_the_sandbox_and_the_log_says_so(scene):
    broker = scene.broker()
    landlock(broker)
    check(said(broker, "sandbox.on") or "seccomp=yes" in said(broker, "sandbox.partly")[0], f"{broker.process.err}")
    rows = list(threads(broker.process.pid))
    check(len(rows) > 4, f"{len(rows)} threads")
    for row in rows:
        equal((row["Seccomp"], row["NoNewPrivs"]), ("2", "1"), f"thread {row['Name']}")


@test
def without_the_sandbox_the_log_warns(scene):
    broker = scene.broker("--sandbox", "off")
    broker.process.wait_line(" warn sandbox.off", where="err")
    equal({row["Seccomp"] for row in threads(broker.process.pid)}, {"0"}, "nothing is limited")
    scene.person("alice", broker).ok("ping")


@test
def a_log_in_its_folder_can_be_rotated_and_one_elsewhere_is_not_reached(scene):
    for sandbox in ("on", "off"):
        folder = scene.folder / sandbox
        here, there = folder / "here", folder / "there"
        for path in (here, there):
            path.mkdir(parents=True)
        config = folder / "etc" / "broker.conf"
        config.parent.mkdir()
        config.write_text(f"sandbox = {sandbox}\nlog-file = {here}/log\n")
        broker = scene.broker("--config", config, name=f"broker-{sandbox}")
        if sandbox == "on" and "landlock=0" in (here / "log").read_text():
            raise Skipped("this kernel has no Landlock")
        (here / "log").rename(here / "log.1")
        broker.process.signal(signal.SIGUSR1)
        wait_until((here / "log").exists, "a new log file")
        fresh = config.with_suffix(".new")  # as editors do: another file in its place
        fresh.write_text(f"sandbox = {sandbox}\nlog-file = {there}/log\n")
        fresh.rename(config)
        broker.process.signal(signal.SIGHUP)
        if sandbox == "on":
            wait_until(lambda: "log.not_opened" in (here / "log").read_text(), "a word about the log")
            check("config.reloaded" in (here / "log").read_text(), "the log goes on where it was")
            check(not (there / "log").exists(), "a file was made outside of the sandbox")
        else:
            wait_until((there / "log").exists, "the log in another folder")
        equal(broker.stop(), 0, "exit code")


@test
def of_a_shared_folder_only_the_configuration_is_read(scene):
    folder = scene.folder / "shared"
    (folder / "others").mkdir(parents=True)
    config, log = folder / "broker.conf", scene.folder / "log"
    config.write_text(f"log-file = {log}\n")
    broker = scene.broker("--config", config)
    if "landlock=0" in log.read_text():
        raise Skipped("this kernel has no Landlock")
    check("config.pinned" in log.read_text(), "it is told at the start")
    (folder / "secret").write_text("mailbox-max = 5\n")
    config.write_text(f"log-file = {log}\ninclude secret\n")
    broker.process.signal(signal.SIGHUP)
    if "a sanitizer is built in" in log.read_text():
        raise Skipped("a build with a sanitizer may read everything")
    wait_until(lambda: "config.refused" in log.read_text(), "what is beside it is not read")
    check("Permission denied" in log.read_text(), "by the sandbox")


@test
def a_local_socket_and_its_files_are_served_and_removed(scene):
    path = scene.folder / "sockets" / "broker"
    path.parent.mkdir()
    broker = scene.broker("--bind", f"ipc://{path}", address=None)
    landlock(broker)
    alice = Person(scene, "alice", broker.url)
    alice.ok("join", "#lobby")
    alice.ok("send", "#lobby", "hello")
    url = broker.runtime / "zchat" / "broker.url"
    check(url.exists(), "the address for local clients is not there")
    equal(broker.stop(), 0, "exit code")
    equal((path.exists(), url.exists()), (False, False), "files left")


@test
def both_ports_can_be_bound_again_after_a_restart(scene):
    broker = scene.broker()
    scene.person("alice", broker).ok("ping")
    with socket.create_connection(("127.0.0.1", broker.port + 1)):
        broker.kill9()
    broker.start()
    landlock(broker)
    scene.person("alice", broker).ok("ping")


if __name__ == "__main__":
    check(os.access("/proc/self/task", os.R_OK), "no /proc")
    run_tests()
