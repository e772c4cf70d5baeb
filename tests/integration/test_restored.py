#!/usr/bin/python3
"""A restored log, judged by zchat-check: all that was acknowledged before the backup and not purged is there, in one order,
under its number; no number is given twice. And that the check can fail. [R-55] [R-57] [R-59]."""
import shutil
import sqlite3
import sys
import threading

from zchat_test import (ROOT, Broker, Failed, check, equal, program, run_tests, test, wait_until)

sys.path.insert(0, str(ROOT / "tests/checker"))
from records import Records, count_stored, now, told_gaps  # pylint: disable=wrong-import-position

ROOM, INBOX = "#lobby", "@bob"
HUNDRED = "".join(f"and on {n}\n" for n in range(100)).encode()


class Log:
    """A broker whose people write down what they say and are told; its backups; and what is judged."""

    def __init__(self, scene):
        self.scene = scene
        self.broker = scene.broker()
        self.people = {nick: scene.person(nick, f"@{self.broker.data / 'owner.url'}" if nick == "alice" else self.broker)
                       for nick in ("alice", "bob", "carol", "judge")}
        self.people["alice"].ok("ping")
        self.people["alice"].url = self.broker.url
        self.people["alice"].ok("join", ROOM)
        self.authors = scene.folder / "authors"
        self.authors.mkdir()
        self.senders = []
        self.purges = Records(scene.folder / "purges.jsonl")

    def talk(self, nick, target, count=None):
        """So many lines at once, or line by line until the sender is gone."""
        sender = self.people[nick].start("send", target, "--lines", "--timeout", "60s", "--history",
                                         str(self.authors / f"{nick}-{len(self.senders)}.jsonl"))
        self.senders.append(sender)
        if count is not None:
            sender.write_behind("".join(f"{nick} {n}\n" for n in range(count)).encode())
        else:
            threading.Thread(target=self._feed, args=(sender, nick), daemon=True).start()
        return sender

    def _feed(self, sender, nick):
        pause = threading.Event()
        try:
            for first in range(0, 1000000, 10):
                sender.write("".join(f"{nick} {first + n}\n" for n in range(10)))
                pause.wait(0.03)
        except (Failed, ValueError):
            pass  # it was killed

    def acknowledged(self):
        return count_stored(self.authors.iterdir())

    def back_up(self, name):
        """When it was asked for."""
        asked, before = now(), self.acknowledged()
        self.people["alice"].ok("admin", "backup", name, "--timeout", "60s")
        check(self.acknowledged() > before, "posts are acknowledged while the backup runs")
        return asked

    def data(self, name, folder):
        """Another folder with that backup."""
        data = self.scene.folder / folder
        result = self.scene.run([program("zchat-broker"), "--restore", self.broker.data / "backups" / name, "--data", data])
        equal(result.code, 0, f"restoring: {result}")
        shutil.copy(self.broker.data / "broker.key", data / "broker.key")
        return data

    def is_sound(self, data):
        return self.scene.run([program("zchat-broker"), "--check-data", "--data", data]).code == 0

    def read(self, data, asked):
        """A broker serves it, where the talk goes on; what readers are shown, and what was to be missing."""
        folder = data.with_name(data.name + "-read")
        folder.mkdir()
        again = Broker(self.scene, data=data, name=data.name)
        again.port = self.broker.port
        again.start()
        for nick in ("alice", "bob"):
            self.people[nick].ok("send", ROOM, "--lines", "--history", str(folder / f"said-{nick}.jsonl"), stdin=HUNDRED)
        for nick, stream in (("judge", ROOM), ("bob", INBOX)):
            self.people[nick].ok("tail", stream, "--since", "all", "--until-end", "--history", str(folder / f"read-{nick}.jsonl"))
        again.stop()
        records = Records(folder / "restored.jsonl")
        for path in sorted(folder.glob("read-*")):
            for stream, first, last in told_gaps(path):
                records.restored(asked, stream, first, last)
        return sorted(folder.iterdir())

    def judge(self, files):
        return self.scene.run([program("zchat-check"), "--complete", self.purges.path, *sorted(self.authors.iterdir()), *files],
                              timeout=60)

    def change(self, data, *statements):
        """By another hand than the broker's."""
        with sqlite3.connect(data / "zchat.db") as handle:
            for sql in statements:
                check(handle.execute(sql).rowcount > 0, f"{sql} changes something")
        handle.close()


def under_load(scene):
    """Three people talk, one of them is purged, and a backup is made; two talk on. The broker is gone then."""
    log = Log(scene)
    inbox = log.people["bob"].tail(INBOX)
    carol = log.talk("carol", ROOM, 200)
    equal(carol.wait_exit(60), 0, "carol's exit code")
    talkers = [log.talk(nick, target) for nick, target in (("alice", ROOM), ("bob", ROOM), ("carol", INBOX))]
    wait_until(lambda: all(talker.out_count() > 200 for talker in talkers), "a load", 60)
    log.people["alice"].ok("admin", "purge", "@carol", "--timeout", "60s")
    log.purges.purged("carol")
    asked = log.back_up("copy")
    more = log.acknowledged() + 50
    wait_until(lambda: log.acknowledged() >= more, "posts that the copy does not have", 60)
    log.broker.kill9()
    for process in (*talkers, inbox):
        process.kill9()
    return log, asked


@test
def a_restored_log_keeps_every_promise(scene):
    log, asked = under_load(scene)
    data = log.data("copy", "restored")
    result = log.judge(log.read(data, asked))
    equal(result.code, 0, f"the checker: {result}")
    check(" 0 broken promises" in f" {result.out.decode()}", f"the checker: {result}")
    kept = [line for line in open(data.with_name("restored-read") / "read-judge.jsonl", encoding="utf-8") if '"shown"' in line]
    check(sum('"session"' not in line for line in kept) >= 200, "what was purged stands without its text")
    check(log.is_sound(data), "and it is sound")


@test
def the_check_of_a_restored_log_can_fail(scene):
    log, asked = under_load(scene)
    room = f"(SELECT id FROM stream WHERE name = '{ROOM}')"
    # A copy that is sound, but older than it was asked for.
    early = log.data("copy", "early")
    log.change(early, f"DELETE FROM event WHERE id >> 39 = {room} AND id & 0x7fffffffff > 250",
               f"UPDATE hole SET first = 251 WHERE stream = {room}")
    # One text is another.
    other = log.data("copy", "other")
    log.change(other, "UPDATE event SET wire = CAST(replace(CAST(wire AS TEXT), 'bob 17', 'bob 71') AS BLOB) WHERE "
               "instr(wire, CAST('bob 17' AS BLOB)) > 0")
    # A copy that somebody has put back by hand gives numbers twice.
    by_hand = scene.folder / "by-hand"
    by_hand.mkdir(mode=0o700)
    for path in (log.broker.data / "broker.key", log.broker.data / "backups" / "copy"):
        shutil.copy(path, by_hand / path.name)
    (by_hand / "copy").rename(by_hand / "zchat.db")
    for data in (early, by_hand):
        check(log.is_sound(data), f"{data.name} is sound: only who remembers what was said can tell")
    for data in (early, other, by_hand):
        result = log.judge(log.read(data, asked))
        equal(result.code, 1, f"the checker's exit code for {data.name}: {result}")
        check(b"lost:" in result.out, f"what it says of {data.name}: {result}")


if __name__ == "__main__":
    run_tests()
