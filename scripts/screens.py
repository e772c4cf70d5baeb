#!/usr/bin/python3
"""screens.py - docs/img/screen*.svg: the full-screen client in real terminals (tmux)."""
import argparse
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "tui"), str(ROOT / "tests" / "integration")]
# pylint: disable=wrong-import-position
import svg


def save(screen, path, columns, label):
    shown = screen.server.run("capture-pane", "-p", "-e", "-N", "-t", screen.name).rstrip("\n").split("\n")
    rows = int(screen.state("#{pane_height}"))
    path.write_text(svg.draw(shown + [""] * (rows - len(shown)), columns, label))
    print(path)


def say(people, lines):
    for nick, text in lines:
        people[nick].ok("send", "#lobby", text)


def play(scene, out):
    from terminal import chat  # pylint: disable=import-outside-toplevel  # after ZCHAT_BIN is set
    broker = scene.broker()
    people = {nick: scene.person(nick, broker) for nick in ("alice", "bob", "carol", "小明")}
    for room in ("#lobby", "#ops", "#builds"):
        for person in people.values():
            person.ok("join", room)
    people["alice"].ok("room", "topic", "#lobby", "The boat leaves at nine")
    screen = chat(scene, people["alice"], columns=100, rows=28)
    screen.wait("#lobby")
    screen.wait("4 people")
    while "#lobby>" not in screen.text():
        screen.keys("M-n")
        screen.wait(re.compile(r"#\w+> *$", re.M))
    say(people, [("bob", "good morning, everybody"), ("carol", "morning! coffee is ready"),
                 ("小明", "早上好，船准备好了吗？")])
    screen.wait("早上好")
    screen.say("Nearly: the sails are up, and the charts are on the table.")
    screen.wait(re.compile(r"✓ +alice Nearly"))
    people["bob"].ok("send", "#builds", "main is green again")
    people["carol"].ok("send", "#ops", "alice: the pump of the second tank needs you before we go")
    people["小明"].ok("send", "@alice", "shall I bring the rope?")
    say(people, [("carol", "alice, who brings the anchor? It weighs more than I do, and somebody has to carry it "
                           "down the pier.")])
    screen.wait("down the pier")
    screen.wait(re.compile(r"小明 +1"))
    broker.kill9()
    screen.wait("offline")
    screen.say("I do.")
    screen.wait(re.compile(r"· +alice I do"))
    save(screen, out / "screen.svg", 100, "rooms, people and a message that waits for the link")
    broker.start()
    screen.wait("online")
    screen.keys("F1")
    screen.wait("any key closes")
    save(screen, out / "screen-keys.svg", 100, "the card of keys")
    screen.keys("q")
    screen.resize(40, 12)
    screen.wait(lambda text: "│小明" not in text and "I do." in text)
    screen.wait(re.compile(r"✓ +alice: I do"))
    save(screen, out / "screen-small.svg", 40, "the same in 40 columns")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    os.environ["ZCHAT_BIN"] = str(args.programs.resolve())
    from zchat_test import Scene  # pylint: disable=import-outside-toplevel
    scene = Scene("screens")
    try:
        play(scene, args.out)
    finally:
        scene.close(True)


if __name__ == "__main__":
    main()
