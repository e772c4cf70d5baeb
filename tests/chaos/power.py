"""power.py - cut the power under a broker. [R-19] [R-20]

Its data lies on an image, the writer outside. The image is copied as it stands: what was not synced is not
in it. A broker on the copy must have every message that was acknowledged; and the writer, who never heard of
it, must get the rest of its lines in, once."""
import json
import random
import signal
import threading
import time

from disk import Image
from fault_env import fault
from zchat_test import Broker, Failed, Process, check, check_no_hole, equal, messages, shorten, wait_until

ROOM = "#lobby"
PACE_S = 0.002  # a writer without pauses lets write-back hide the loss


def is_stopped(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return stat.read().rsplit(") ", 1)[1][0] == "T"


class Writer:
    def __init__(self, person):
        self.lines = []
        self.process = person.start("send", ROOM, "--lines", "--json", "--timeout", "120s")
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _write(self):
        while not self._is_over.wait(PACE_S):
            self.lines.append(f"line {len(self.lines)}")
            try:
                self.process.write(self.lines[-1] + "\n")
            except Failed:
                return  # killed; that it ended by itself shows in its exit code

    def finish(self):
        self._is_over.set()
        self._thread.join()
        self.process.close_stdin()

    def acked(self):
        """{seq: text}"""
        acks = [json.loads(line) for line in self.process.out]
        return {ack["seq"]: text for ack, text in zip(acks, self.lines) if ack["state"] == "stored"}


class FaultyBroker(Broker):
    """A broker that is started with a fault in it."""

    env = {}

    def start(self):
        kept = self.scene.start

        def start(args, name, stdin=None, cwd=None, user=None, env=None) -> Process:
            return kept(args, name, stdin=stdin, cwd=cwd, user=user, env={**(env or {}), **self.env})
        self.scene.start = start
        try:
            return super().start()
        finally:
            self.scene.start = kept


def cut_power(scene, seed=1, rule=None):
    """One cut; returns (acknowledged before it, lost of them)."""
    rng = random.Random(seed)
    disk = Image(scene)
    broker = FaultyBroker(scene, data=disk.mount / "data")
    broker.start()
    alice = scene.person("alice", broker)
    alice.ok("join", ROOM)
    if rule is not None:  # key and room are there; only messages can be lost
        broker.stop()
        broker.env, _ = fault(scene, rule)
        broker.start()
    writer = Writer(alice)
    writer.process.wait_count(20)
    time.sleep(rng.uniform(0.1, 1.5))
    broker.process.signal(signal.SIGSTOP)
    wait_until(lambda: is_stopped(broker.process.pid), "the broker stands still")
    after = disk.copy()
    broker.process.kill9()
    time.sleep(0.05)  # what lies in the socket was acknowledged, too
    acked = writer.acked()
    if rule is not None:
        writer.process.kill9()
    reborn = Broker(scene, data=after.mount / "data", name="reborn")
    reborn.port = broker.port
    reborn.start()
    equal(reborn.url, broker.url, "the broker's address behind the power cut")
    stands = {event["seq"]: event["text"] for event in messages(alice.history(ROOM))}
    lost = [seq for seq, text in acked.items() if stands.get(seq) != text]
    if rule is None:
        check(not lost, f"lost {len(lost)} of {len(acked)} acknowledged messages, as {shorten(lost[:5])}")
        check_the_rest(alice, writer)
    reborn.stop()
    writer.process.destroy()
    for image in (disk, after):
        image.remove()
    return len(acked), len(lost)


def check_the_rest(alice, writer):
    """The writer goes on with the reborn broker: all of its lines stand there, once, in their order."""
    writer.finish()
    equal(writer.process.wait_exit(120), 0, f"exit code of the writer; {writer.process.told()}")
    events = alice.history(ROOM)
    check_no_hole(events, ROOM)
    equal([event["text"] for event in messages(events)], writer.lines, "lines in the room")
    equal(len(writer.acked()), len(writer.lines), "acknowledgements")
