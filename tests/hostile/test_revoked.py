#!/usr/bin/python3
"""Whoever is shut out while connected, and does not care what the broker says, is cut off both sockets within 2 s and
finds both doors shut. [R-41] [R-42]."""
import threading
import time

import zmtp
from witness import ROOM, Attacker, Listener, pack
from zchat_test import SLOW, check, equal, run_tests, test, wait_until

DEAD_S = 2.0 * SLOW


def own(scene):
    """A broker, and alice who owns it and is in the room."""
    broker = scene.broker()
    alice = scene.person("alice", f"@{broker.data / 'owner.url'}")
    alice.ok("join", ROOM)
    alice.url = broker.url
    return broker, alice


class Stubborn:
    """A peer with both sockets over raw TCP, in threads: it asks on whatever it is answered, and listens on."""

    def __init__(self, broker, nick, **hello):
        self.keys = zmtp.key_pair()
        self.broker = broker
        self.asker = Attacker(broker, self.keys)
        self.asker.enter(nick, **hello)
        self.asker.tell({"v": "join", "stream": ROOM, "ref": 1})
        self.asker.wait("joined", ref=1)
        self.listener = Listener(broker, b"", keys=self.keys)
        self.answered, self.frames = [], []  # when; (when, frame)
        self.cut = {}
        self.threads = [threading.Thread(target=self._run, args=(name, step), daemon=True)
                        for name, step in (("commands", self._ask), ("broadcasts", self._listen))]
        for thread in self.threads:
            thread.start()

    def _ask(self):
        self.asker.say(pack({"v": "ping", "ref": 5}))
        if b"pong" in self.asker.hear(0.05):  # an ERROR is nothing to it
            self.answered.append(time.monotonic())

    def _listen(self):
        frame = self.listener.hear(0.05)
        self.frames.append((time.monotonic(), frame))

    def _run(self, name, step):
        while True:
            try:
                step()
            except zmtp.Late:
                continue
            except (zmtp.Cut, OSError, ValueError):
                self.cut[name] = time.monotonic()
                return

    def heard(self, text):
        return any(text in frame for _, frame in list(self.frames))

    def key(self):
        return self.keys[0].hex()

    def close(self):
        for each in (self.asker, self.listener):
            try:
                each.socket.shutdown(2)
            except OSError:
                pass
        for thread in self.threads:
            thread.join()


def shut_out(scene, alice, bob, by, *words):
    """`by` says the words; bob is cut off, hears nothing that is said afterwards, and is refused at both doors."""
    scene.at_end(bob.close)
    alice.ok("send", ROOM, "everybody hears this")
    wait_until(lambda: bob.heard(b"everybody hears this") and bob.answered, "bob is served")
    equal(bob.cut, {}, "what was cut before")
    silent = Attacker(bob.broker, bob.keys)  # let in, but says nothing yet
    scene.at_end(silent.close)
    by.ok(*words)
    done = time.monotonic()
    wait_until(lambda: len(bob.cut) == 2, f"both sockets are cut: {words}", timeout=2.0)
    check(max(bob.cut.values()) - done <= DEAD_S, f"{words}: cut after {bob.cut}, done at {done}")
    late = [when - done for when in bob.answered if when > done + DEAD_S]
    equal(late, [], "answers afterwards")
    try:
        silent.say(pack({"v": "ping", "ref": 5}))
        check(silent.is_cut(DEAD_S), f"{words}: a connection that was silent stands")
    except zmtp.Cut:
        pass
    alice.ok("send", ROOM, "among the others")
    check(not bob.heard(b"among the others"), "bob hears what is said afterwards")
    for door in (Attacker, Listener):
        try:
            door(bob.broker, keys=bob.keys)
        except zmtp.Cut:
            continue
        check(False, f"{words}: {door.__name__} is let in again")


def others_hear(scene, alice, broker):
    """Who was not meant is served on a connection of today."""
    carol = Stubborn(broker, "carol")
    scene.at_end(carol.close)
    alice.ok("send", ROOM, "who was not meant")
    wait_until(lambda: carol.heard(b"who was not meant") and carol.answered, "carol is served")


@test
def a_revoked_person_is_cut_off_within_2_s(scene):
    broker, alice = own(scene)
    bob = Stubborn(broker, "bob")
    shut_out(scene, alice, bob, alice, "admin", "revoke", "bob")
    others_hear(scene, alice, broker)


@test
def a_banned_person_is_cut_off_within_2_s(scene):
    broker, alice = own(scene)
    bob = Stubborn(broker, "bob")
    shut_out(scene, alice, bob, alice, "admin", "ban", "bob")
    others_hear(scene, alice, broker)


@test
def a_banned_key_is_cut_off_within_2_s(scene):
    broker, alice = own(scene)
    bob = Stubborn(broker, "bob")
    shut_out(scene, alice, bob, alice, "admin", "ban", "--key", bob.key())
    others_hear(scene, alice, broker)


@test
def a_removed_device_is_cut_off_within_2_s(scene):
    broker, alice = own(scene)
    address = alice.ok("device", "add", "laptop").lines()[0]
    token = bytes.fromhex(address.split("invite=")[1].split("&")[0])
    laptop = Stubborn(broker, "alice", invite=token)
    shut_out(scene, alice, laptop, alice, "device", "remove", laptop.key())
    alice.ok("ping")
    others_hear(scene, alice, broker)


if __name__ == "__main__":
    run_tests()
