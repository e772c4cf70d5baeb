#!/usr/bin/python3
"""Somebody who floods at a hundred times the limit is held back, and nobody else waits longer or loses anything.
[R-21] [R-49]."""
import statistics
import threading
import time

from doors import Crowd, check_kept, come_in, percentile
from witness import known_options
from raw_client import RawClient
from zchat_test import Skipped, check, equal, program, run_tests, test

RATE, BURST = 20, 40  # cost a second that an account has, and at once
TURNS, TURN_S = 6, 1
ROUNDS = 4  # so often more turns are taken, when a busy machine disturbs the first ones
FLOOR_MS = 5  # below it a wait is as good as none: twice nothing is nothing
FRAME_POSTS = 50


class Flooder(threading.Thread):
    """Posts at a hundred times the limit while is_on; counts what it is answered."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url, self.is_on, self.is_over = url, threading.Event(), threading.Event()
        self.sent, self.acked, self.errors, self.retry_ms = 0, {}, {}, []

    def run(self):
        with RawClient(self.url) as eve:
            eve.dealer.sndhwm = 1000
            number = eve.hello("eve")["next"]
            eve.send({"v": "join", "stream": "#userroom0", "create": True})
            begin, sent = time.monotonic(), 0
            while not self.is_over.is_set():
                number = self.take(eve, number)
                if not self.is_on.wait(0 if self.is_on.is_set() else 0.05):
                    begin, sent = time.monotonic(), 0
                    continue
                if sent > (time.monotonic() - begin) * RATE * 100 or not eve.dealer.poll(10, 2):
                    time.sleep(0.002)
                    continue
                eve.send(*[{"v": "post", "number": number + at, "stream": "#userroom0", "text": f"flood {number + at}"}
                           for at in range(FRAME_POSTS)])
                sent += FRAME_POSTS
                self.sent += FRAME_POSTS

    def take(self, eve, number):
        """What has been answered; the number of the next post."""
        while (maps := eve.receive(0)) is not None:
            for each in maps:
                if each["v"] == "ack":
                    self.acked[each["number"]] = each["seq"]
                    number = max(number, each["number"] + 1)
                elif each["v"] == "error":
                    self.errors[each["error"]] = self.errors.get(each["error"], 0) + 1
                    self.retry_ms.append(each.get("retry", -1))
                elif each["v"] == "expect":
                    number = each["next"]
        return number


@test
def a_flooder_at_a_hundred_times_its_limit_slows_nobody_down(scene):
    if b"--account-rate" not in scene.run([program("zchat-broker"), "--help"]).out:
        raise Skipped("this broker has no limits on use yet")
    broker = scene.broker(*known_options(scene, account_rate=RATE, account_burst=BURST))
    crowd = Crowd(scene, broker, 100, 300, every_ms=250)
    crowd.wait_in()
    flooder = Flooder(broker.url)
    flooder.start()
    quiet, flooded = [], []
    for _ in range(ROUNDS):
        for turn in range(TURNS):  # the order changes, so that a drift of the machine is nobody's
            for is_flood in (False, True) if turn % 2 == 0 else (True, False):
                (flooder.is_on.set if is_flood else flooder.is_on.clear)()
                (flooded if is_flood else quiet).append(percentile(crowd.window(TURN_S)[0], 0.99))
        flooder.is_on.clear()
        ratio = statistics.median(flooded) / max(FLOOR_MS, statistics.median(quiet))
        if ratio < 2:
            break
    flooder.is_over.set()
    flooder.join()
    last = crowd.finish()
    print(f"# p99 quiet {[f'{ms:.1f}' for ms in quiet]}, flooded {[f'{ms:.1f}' for ms in flooded]} ms, ratio {ratio:.2f}; "
          f"flood: {flooder.sent} posts, {len(flooder.acked)} accepted, {flooder.errors}")
    seconds = len(flooded) * TURN_S
    check(flooder.sent > seconds * RATE * 50, f"the flood was none: {flooder.sent} posts in {seconds} s")
    check(flooder.errors.get("too_fast", 0) > 0, f"the flooder is told {flooder.errors}")
    check(all(ms > 0 for ms in flooder.retry_ms), f"without telling when to try again: {flooder.retry_ms[:5]}")
    check(len(flooder.acked) <= RATE * (seconds * 2 + 5) + BURST * (len(flooded) + 1), f"accepted: {len(flooder.acked)}")
    equal(last["acked"], last["posted"], "posts of the others that were acknowledged")
    equal((last["cut"], last["holes"]), (0, 0), "others cut off, events they missed")
    equal(broker.stop(), 0, "exit code of the broker")
    broker.options = []
    broker.start()  # without limits: who reads everything at once is no flooder here
    with RawClient(broker.url) as reader:
        come_in(reader)
        equal(check_kept(reader, crowd.acks), last["acked"], "acknowledged posts that stand in their rooms")
    check(ratio < 2, f"p99 of the others doubles: {quiet} ms quiet, {flooded} ms flooded")


if __name__ == "__main__":
    run_tests()
