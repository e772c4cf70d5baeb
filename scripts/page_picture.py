#!/usr/bin/python3
"""page_picture.py FILE [SECONDS] - the metrics page of a busy broker as a picture (PNG), by a headless Chromium.

Thirty people talk in six rooms, with waves, repairs and refusals, and their broker is watched meanwhile."""
import math
import pathlib
import random
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from browser import Browser  # noqa: E402
from metrics import Page  # noqa: E402
from zchat_test import Scene, wait_until  # noqa: E402

NAMES = "alice bob carol dave erin frank grace heidi ivan judy mallory niaj olivia peggy rupert sybil trent victor walter 小明".split()
ROOMS = {"#lobby": "Say hello", "#ops": "Deploy on Thursdays, roll back on Fridays", "#lab": "arms and legs",
         "#music": "what are you listening to?", "#lunch": "12:30 at the door"}


def talk(senders, seconds):
    """Waves of talk: a sine with noise, five times a second."""
    begun, number = time.monotonic(), 0
    while (at := time.monotonic() - begun) < seconds:
        rate = 60 + 35 * math.sin(at / 11) + random.uniform(-12, 12) + (90 if 0.55 < at / seconds < 0.62 else 0)
        for _ in range(max(1, int(rate / 5))):
            number += 1
            random.choice(senders).write(f"message {number}: the quick brown fox\n")
        time.sleep(0.2)


def main():
    target, seconds = pathlib.Path(sys.argv[1]).resolve(), float((sys.argv + ["270"])[2])
    scene = Scene("picture")
    try:
        broker = scene.broker("--metrics", "127.0.0.1:0", "--room-rate", "25", "--room-burst", "60")
        page, browser = Page(broker), Browser(scene)
        browser.size(1280, 900)
        browser.scheme("light")
        browser.call("Page.navigate", url=f"http://127.0.0.1:{page.port}/")
        people = [scene.person(nick, broker) for nick in NAMES]
        for room, topic in ROOMS.items():
            people[0].ok("room", "create", room)
            people[0].ok("room", "topic", room, topic)
        people[1].ok("room", "create", "#board", "--private")
        senders = []
        for index, person in enumerate(people):
            room = list(ROOMS)[index % len(ROOMS)]
            person.ok("join", room)
            if index % 3 == 0:
                senders.append(person.start("send", room, "--lines", stdin=-1))
            else:
                person.tail(room)
        browser.run(f"document.getElementById('token').value = '{page.token_file.read_text().strip()}'; "
                    "document.getElementById('ask').requestSubmit()")
        talk(senders, seconds)
        wait_until(lambda: not browser.run("document.getElementById('owner').hidden"), "the tables")
        browser.picture(target)
    finally:
        scene.close(True)


if __name__ == "__main__":
    main()
