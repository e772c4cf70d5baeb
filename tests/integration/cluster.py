#!/usr/bin/python3
"""cluster.py - a primary with its synchronous standby, three brokers, people at all of them who talk; then a broker is killed, and
then the primary, whose standby takes its place. Says what was lost, doubled or in another order, and how long it took until the chat
went on. Alone it is `scripts/dev cluster`; the integration tests run it with fewer lines. $ZCHAT_LINES: of each person, at
least (2000)."""
import os
import sys
import threading
import time

from standby import brokers_with_hints, primary_and_standby
from zchat_test import Scene, equal, texts, wait_until

NICKS = ("alice", "bob", "carol")
PATIENCE = 180


class Supervisor:
    """Starts a broker again whenever it has ended, as systemd does, until told to stop."""

    def __init__(self, broker):
        self.broker = broker
        self.restarts = 0

    def look(self):
        if not self.broker.process.is_running():
            self.restarts += 1
            try:
                self.broker.start()
            except Exception:  # its database is away: next time
                return


class Talk:
    """Somebody who goes on talking until told that it is enough, a little ahead of what is acknowledged."""
    AHEAD, AT_ONCE = 200, 20

    def __init__(self, person, least):
        self.nick, self.least, self.said = person.nick, least, 0
        self.process = person.start("send", "#lobby", "--lines", "--timeout", "180s")
        self._is_enough = threading.Event()
        self._thread = threading.Thread(target=self._feed, daemon=True)
        self._thread.start()

    def _feed(self):
        while not self._is_enough.is_set() or self.said < self.least:
            if self.said - self.process.out_count() > self.AHEAD:
                if not self.process.is_running():
                    return
                self._is_enough.wait(0.01)
                continue
            self.process.write("".join(f"{self.nick} says {number}\n" for number in range(self.said, self.said + self.AT_ONCE)))
            self.said += self.AT_ONCE

    def end(self):
        """All that was said is acknowledged."""
        self._is_enough.set()
        self._thread.join(PATIENCE)
        self.process.close_stdin()
        equal(self.process.wait_exit(PATIENCE), 0, f"exit code of {self.process.name}, which said {self.process.err[-3:]}")

    def lines(self):
        return [f"{self.nick} says {number}" for number in range(self.said)]


class Show:
    """What is shown, step by step."""

    def __init__(self, scene, lines):
        self.scene, self.lines = scene, lines
        self.lost = self.doubled = self.orders = None
        self.broker_seconds = self.primary_seconds = None

    def begin(self):
        scene = self.scene
        self.primary, self.standby, secret = primary_and_standby(scene)
        self.brokers = brokers_with_hints(scene, f"@{secret}", 3, "--require-replication")
        for broker in self.brokers:  # behind the promotion there is one server, and it must do
            broker.options.remove("--require-replication")
        self.people = [scene.person(nick, broker) for nick, broker in zip(NICKS, self.brokers)]
        for person in self.people:
            person.ok("join", "#lobby")
        self.tails = [person.tail("#lobby", "--since", "all") for person in self.people]
        for tail in self.tails:
            tail.wait_event(type="join", **{"from": NICKS[-1]})
        self.talks = [Talk(person, self.lines) for person in self.people]

    def acknowledged(self):
        return sum(talk.process.out_count() for talk in self.talks)

    def hear_more(self):
        """A quarter of the lines that there will be at least."""
        upto = self.acknowledged() + len(NICKS) * self.lines / 4
        wait_until(lambda: self.acknowledged() >= upto, f"{upto:.0f} lines are acknowledged", PATIENCE)

    def _until_answered(self, person, supervisors):
        """Seconds until somebody's line at that broker is stored."""
        begun = time.monotonic()

        def is_stored():
            for supervisor in supervisors:
                supervisor.look()
            return person.run("send", "#aside", "is anybody there", "--timeout", "2s").code == 0
        wait_until(is_stored, "a line is stored again", PATIENCE)
        return time.monotonic() - begun

    def kill_broker(self):
        """Its people's clients wait for it; the others go on."""
        other = self.scene.person("dora", self.brokers[0])
        other.ok("join", "#aside")
        self.hear_more()
        self.brokers[2].kill9()
        self.broker_seconds = self._until_answered(other, [])
        self.brokers[2].start()

    def kill_primary(self):
        self.hear_more()
        supervisors = [Supervisor(broker) for broker in self.brokers]
        self.primary.kill9()
        begun = time.monotonic()
        self.standby.promote()
        other = self.scene.person("dora", self.brokers[0])
        self._until_answered(other, supervisors)
        self.primary_seconds = time.monotonic() - begun
        wait_until(lambda: all(supervisor.look() is None and supervisor.broker.process.is_running() for supervisor in supervisors),
                   "all brokers serve", PATIENCE)

    def end(self):
        for talk in self.talks:
            talk.end()
        self.people[0].ok("send", "#lobby", "that was all")
        for tail in self.tails:
            tail.wait_line("that was all", PATIENCE)
        seen = [[event for event in tail.json() if "seq" in event] for tail in self.tails]
        wanted = [line for talk in self.talks for line in talk.lines()]
        said = [[text for text in texts(events) if " says " in text] for events in seen]
        self.lost = sum(len(set(wanted) - set(lines)) for lines in said)
        self.doubled = sum(len(lines) - len(set(lines)) for lines in said)
        self.orders = len({tuple((event["seq"], event.get("text")) for event in events) for events in seen})
        for talk in self.talks:
            equal([line for line in said[0] if line.startswith(talk.nick + " ")], talk.lines(), f"order of {talk.nick}'s lines")
        for broker in self.brokers:
            equal(broker.stop(), 0, "exit code of a broker")


def main():
    scene = Scene("cluster")
    is_good = False
    try:
        show = Show(scene, int(os.environ.get("ZCHAT_LINES", "2000")))
        show.begin()
        print(f"primary, synchronous standby, {len(show.brokers)} brokers, {len(show.people)} people with {show.lines} lines each or more", flush=True)
        show.kill_broker()
        print(f"one broker killed: at another one lines were stored {show.broker_seconds:.1f} s later", flush=True)
        show.kill_primary()
        print(f"primary killed, standby promoted: lines were stored {show.primary_seconds:.1f} s later", flush=True)
        show.end()
        print(f"{show.lost} lost, {show.doubled} doubled, {show.orders} order{'' if show.orders == 1 else 's'}", flush=True)
        is_good = (show.lost, show.doubled, show.orders) == (0, 0, 1)
    finally:
        scene.close(is_good)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
