#!/usr/bin/python3
"""SIGHUP: what the broker takes over while it runs, all or nothing, and what it says about the rest."""
import signal

from zchat_test import check, equal, run_tests, test, wait_until


class Reloaded:
    """A broker with a configuration of its own that the test writes again and again."""

    def __init__(self, scene, text=""):
        self.folder = scene.folder / "etc"
        self.folder.mkdir()
        self.config, self.log = self.folder / "broker.conf", scene.folder / "log"
        self.write(text)
        self.broker = scene.broker("--config", self.config)

    def write(self, text):
        fresh = self.folder / "fresh"  # as editors do
        fresh.write_text(f"log-file = {self.log}\n{text}")
        fresh.rename(self.config)

    def told(self, event):
        return [line for line in self.log.read_text().splitlines() if f" {event} " in line]

    def reload(self, text, event="config.reloaded"):
        before = len(self.told(event))
        self.write(text)
        self.broker.process.signal(signal.SIGHUP)
        wait_until(lambda: len(self.told(event)) > before, event)
        return self.told(event)[-1]


@test
def who_may_register_changes_while_others_talk(scene):
    run = Reloaded(scene)
    alice = scene.person("alice", run.broker)
    alice.ok("join", "#lobby")
    line = run.reload("registration = closed\n")
    check('changed="registration"' in line, line)
    result = scene.person("bob", run.broker).run("ping", "--timeout", "3s")
    equal(result.code, 5, f"nobody new: {result}")
    alice.ok("send", "#lobby", "still here")
    run.reload("registration = open\n")
    scene.person("carol", run.broker).ok("ping")


@test
def limits_and_rates_change(scene):
    run = Reloaded(scene)
    alice = scene.person("alice", run.broker)
    alice.ok("join", "#one")
    run.reload("account-memberships = 1\n")
    alice.refused(4, "limit", "join", "#two")
    alice.ok("send", "#one", "what is there stays")
    run.reload("disk-free-min = 1T\n")
    result = alice.run("send", "#one", "no room", "--timeout", "2s")
    check(result.code != 0 and b"disk" in result.err, f"refused for want of room: {result}")
    run.reload("")
    alice.ok("join", "#two")
    alice.ok("send", "#one", "room again")


@test
def a_fault_changes_nothing_and_is_told(scene):
    run = Reloaded(scene, "rooms-max = 9\n")
    alice = scene.person("alice", run.broker)
    line = run.reload("registration = closed\nlog-level = error\naccount-rate = fast\n", "config.refused")
    check(f"{run.config}:4: account-rate = fast: expected a number from 0 to 1000000000" in line, line)
    alice.ok("join", "#lobby")
    scene.person("bob", run.broker).ok("join", "#lobby")
    line = run.reload("rooms-max = 10\nport = 1\nmailbox-max = 5\n")
    check('changed="mailbox-max"' in line, line)
    check('keys="rooms-max"' in run.told("config.needs_restart")[-1], "the port is the command line's")


@test
def included_files_are_read_again(scene):
    run = Reloaded(scene, "include conf.d/*.conf\n")
    folder = run.folder / "conf.d"
    folder.mkdir()
    run.broker.stop()
    run.broker.start()
    (folder / "1.conf").write_text("registration = closed\n")
    line = run.reload("include conf.d/*.conf\n")
    check('changed="registration"' in line, line)
    (folder / "2.conf").write_text("registration = nobody\n")
    line = run.reload("include conf.d/*.conf\n", "config.refused")
    check(f"{folder}/2.conf:1: registration = nobody: expected open|invite|closed|auto" in line, line)


@test
def a_file_among_others_is_read_again_only_in_its_place(scene):
    other = scene.folder / "shared" / "private"
    other.mkdir(parents=True)
    config, log = other.parent / "broker.conf", scene.folder / "log"
    config.write_text(f"log-file = {log}\n")
    broker = scene.broker("--config", config)
    check("config.pinned" in log.read_text(), "it is told at the start")
    config.write_text(f"log-file = {log}\nmailbox-max = 7\n")
    broker.process.signal(signal.SIGHUP)
    wait_until(lambda: 'changed="mailbox-max"' in log.read_text(), "the same file")


if __name__ == "__main__":
    run_tests()
