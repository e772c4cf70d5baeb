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


def start_c_bot(scene, broker):
    return scene.start([example("echo_bot"), "echo", "#lobby"], "echo_bot", stdin=subprocess.DEVNULL,
                       env={"ZCHAT_BROKER": broker.url, "ZCHAT_HOME": str(scene.folder / "home-echo")})


def start_python_bot(scene, broker):
    scene.person("echo", broker).ok("key")  # makes it
    key = scene.folder / "home-echo" / "keys" / "echo.key"
    return scene.start([sys.executable, str(ROOT / "examples" / "echo_bot.py"), broker.url, key, "echo", "#lobby"],
                       "echo_bot.py", stdin=subprocess.DEVNULL)


def wait_for_bot(alice):
    """Its first answer shows that it is there; it may have missed what was said before."""
    tail = alice.tail("#lobby", "--since", "all")
    tail.wait_event(type="join", **{"from": "echo"})
    alice.ok("send", "@echo", "are you there?", "--wait", "delivered")
    return tail


def answers_in_a_room_and_in_private(scene, start_bot):
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
    large = "x" * 16000
    alice.ok("send", "#lobby", stdin=("!echo " + large).encode())
    tail.wait_event(text=large)
    alice.ok("send", "#lobby", "!echo end")
    tail.wait_event(text="end")
    equal([event["text"] for event in messages(tail.json()) if event["from"] == "echo"], ["hello", large, "end"],
          "what the bot says in the room")
    return bot


def answers_once_over_a_killed_broker(scene, start_bot):
    """Nothing is lost and nothing answered twice, whenever the broker dies; nor in private while the bot is away."""
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    bot = start_bot(scene, broker)
    tail = wait_for_bot(alice)
    own = alice.tail("@alice", "--since", "all")
    own.wait_event(text="are you there?", **{"from": "echo"})
    for number in range(4):
        alice.ok("send", "#lobby", "--lines", stdin="".join(f"!echo {number} {n}\n" for n in range(25)).encode())
        alice.ok("send", "@echo", f"private {number}")
        broker.kill9()
        broker.start()
    want = [f"{number} {n}" for number in range(4) for n in range(25)]
    tail.wait_event(text=want[-1], **{"from": "echo"})
    alice.ok("send", "@echo", "last", "--wait", "delivered")
    own.wait_event(text="last", **{"from": "echo"})
    equal([event["text"] for event in messages(tail.json()) if event["from"] == "echo"], want, "answers in the room")
    bot.kill9()
    alice.ok("send", "@echo", "while you were away")
    start_bot(scene, broker)
    own.wait_event(text="while you were away", **{"from": "echo"})
    alice.ok("send", "@echo", "again", "--wait", "delivered")
    own.wait_event(text="again", **{"from": "echo"})
    equal([event["text"] for event in messages(own.json()) if event["from"] == "echo"],
          ["are you there?"] + [f"private {number}" for number in range(4)] + ["last", "while you were away", "again"],
          "answers in private")


@test
def the_c_bot_answers_in_a_room_and_in_private(scene):
    equal(answers_in_a_room_and_in_private(scene, start_c_bot).stop(), 0, "exit code at SIGTERM")


@test
def the_c_bot_answers_once_over_a_killed_broker_and_its_own_absence(scene):
    answers_once_over_a_killed_broker(scene, start_c_bot)


@test
def the_python_bot_answers_in_a_room_and_in_private(scene):
    answers_in_a_room_and_in_private(scene, start_python_bot).stop()


@test
def the_python_bot_answers_once_over_a_killed_broker_and_its_own_absence(scene):
    answers_once_over_a_killed_broker(scene, start_python_bot)


@test
def the_python_bot_is_small(_):
    source = (ROOT / "examples" / "echo_bot.py").read_text().split('"""', 2)[2]
    lines = [line for line in source.splitlines() if line.strip() and not line.strip().startswith("#")]
    check(len(lines) < 60, f"{len(lines)} lines of code")


@test
def the_shell_bot_answers_who_names_it(scene):
    broker = scene.broker()
    alice, host = scene.person("alice", broker), scene.person("host", broker)
    alice.ok("join", "#ops")
    host.ok("join", "#ops")
    bot = host.start("exec", "#ops", "--mention", "--durable", "host-bot", "-v", "--", str(ROOT / "examples" / "host_bot.sh"),
                     stdin=subprocess.DEVNULL)
    bot.wait_line("listening from", where="err")
    for text in ("who, @host?", "not for it: who", "host: $(touch pwned); `touch pwned`"):
        alice.ok("send", "#ops", text)
    alice.ok("wait", "#ops", "--from", "host", "--match", "I know", "--since", "all")
    equal([event["text"] for event in messages(alice.history("#ops")) if event["from"] == "host"],
          ["you are alice, and I am host",
           'I know uptime, disk and who, not "host: $(touch pwned); `touch pwned`"'], "what it says")
    equal(bot.stop(), 128 + 15, "exit code at SIGTERM")


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
