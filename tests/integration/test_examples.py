#!/usr/bin/python3
"""The programs that we show others how to write do what we say: examples/, and the snippet of README.md."""
import os
import pathlib
import re
import subprocess
import sys

from zchat_test import ROOT, bin_folder, check, equal, messages, run_tests, test, texts


def example(name):
    folder = os.environ.get("ZCHAT_EXAMPLES") or bin_folder().parent / "examples"
    path = pathlib.Path(folder) / name
    check(path.exists(), f"{path} is not built")
    return path


def start_bot(scene, broker):
    return scene.start([example("echo_bot"), "echo", "#lobby"], "echo bot", stdin=subprocess.DEVNULL,
                       env={"ZCHAT_BROKER": broker.url, "ZCHAT_HOME": str(scene.folder / "home-echo")})


def wait_for_bot(alice):
    """Its first answer shows that it is there; it may have missed what was said before."""
    tail = alice.tail("#lobby", "--since", "all")
    tail.wait_event(type="join", **{"from": "echo"})
    alice.ok("send", "@echo", "are you there?", "--wait", "delivered")
    return tail


@test
def the_echo_bot_answers_in_a_room_and_in_private(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    bot = start_bot(scene, broker)
    tail = wait_for_bot(alice)
    own = alice.tail("@alice", "--since", "all")
    own.wait_event(text="are you there?", **{"from": "echo"})
    alice.ok("send", "#lobby", "!echo hello")
    answer = tail.wait_event(text="hello")
    equal((answer["from"], answer["kind"]), ("echo", "notice"), "the answer in the room")
    alice.ok("send", "#lobby", "not for the bot")
    alice.ok("send", "#lobby", "!echo a notice", "--notice")
    alice.ok("send", "@echo", "psst", "--wait", "delivered")
    answer = own.wait_event(text="psst", **{"from": "echo"})
    equal((answer["to"], answer["kind"]), ("alice", "notice"), "the answer in private")
    alice.ok("send", "#lobby", "!echo end")
    tail.wait_event(text="end")
    equal([event["text"] for event in messages(tail.json()) if event["from"] == "echo"], ["hello", "end"],
          "what the bot says in the room")
    bot.stop()


@test
def the_echo_bot_answers_once_over_a_killed_broker_and_its_own_absence(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    bot = start_bot(scene, broker)
    tail = wait_for_bot(alice)
    for number in range(3):
        alice.ok("send", "#lobby", f"!echo {number}")
        broker.kill9()
        broker.start()
    tail.wait_event(text="2")
    bot.kill9()
    alice.ok("send", "@echo", "while you were away")
    own = alice.tail("@alice", "--since", "all")
    bot = start_bot(scene, broker)
    own.wait_event(text="while you were away", **{"from": "echo"})
    alice.ok("send", "@echo", "again", "--wait", "delivered")
    own.wait_event(text="again", **{"from": "echo"})
    answers = [event["text"] for event in messages(own.json()) if event["from"] == "echo"]
    equal(answers[-2:], ["while you were away", "again"], "the last answers in private")
    check(len(answers) <= 4, f"answers in private: {answers}")  # the first question may be answered twice
    equal([event["text"] for event in messages(tail.json()) if event["from"] == "echo"], ["0", "1", "2"],
          "what the bot says in the room")


def hears(scene, args):
    """A listener on PUB prints what is said once it has subscribed."""
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    args = [arg.replace("URL", broker.url).replace("KEY", str(alice.home / "keys" / "alice.key")) for arg in args]
    listener = scene.start(args, "listener", stdin=subprocess.DEVNULL)
    said = 0
    while listener.out_count() == 0:
        check(listener.is_running() and said < 200, f"it hears nothing: {listener.told()}")
        said += 1
        alice.ok("send", "#lobby", f"number {said}")
    alice.ok("send", "#lobby", "and this")
    line = listener.wait_line("and this")
    check("alice" in line and "#lobby" in line, f"who and where misses in '{line}'")


@test
def the_python_listener_prints_what_is_said(scene):
    hears(scene, [sys.executable, str(ROOT / "examples" / "logger.py"), "URL", "KEY"])


@test
def the_snippet_of_the_readme_prints_what_is_said(scene):
    found = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    check(found, "README.md holds no Python")
    hears(scene, [sys.executable, "-c", found.group(1), "URL"])


@test
def the_shell_lines_of_the_examples_work(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#ops")
    alice.ok("send", "#ops", "--notice", stdin=b"backup done\n")
    equal(texts(alice.ok("tail", "#ops", "--json", "--durable", "watcher", "--since", "all",
                         "--until-end").json()), ["backup done"], "what a watcher reads")


if __name__ == "__main__":
    run_tests()
