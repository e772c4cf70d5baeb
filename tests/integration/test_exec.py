#!/usr/bin/python3
"""zchat exec: a program for each message. What strangers write reaches no shell, what programs write stays bounded,
and over restarts nothing is left out."""
import json
import os
import pathlib
import signal
import subprocess

from zchat_test import check, equal, messages, room, run_tests, test, texts, wait_until


def execute(person, *words, stream="#lobby"):
    """A running `zchat exec` that listens."""
    bot = person.start("exec", stream, "-v", *words, stdin=subprocess.DEVNULL)
    bot.wait_line("listening from", where="err")
    return bot


def said_by(person, nick, stream="#lobby"):
    return [event for event in messages(person.history(stream)) if event["from"] == nick]


def end(bot, code=0):
    equal(bot.wait_exit(), code, f"exit code; {bot.told()}")


HOSTILE = ["$(touch pwned) `touch pwned`; touch pwned", "'\"\\ | > pwned & \u202e", "a\nb\n\nc", "--help", "-n", "%s%n",
           "tab\there", "x" * 16384, "ü" * 8192, "\x1b]0;title\x07"]


@test
def no_text_reaches_a_shell_and_each_is_handed_over_whole(scene):
    _, (alice, bot) = room(scene, "alice", "bot")
    script = scene.folder / "handler.py"
    script.write_text("#!/usr/bin/python3\nimport json, os, sys\nevent = json.load(sys.stdin)\n"
                      "assert event['text'].replace('\\0', '\\ufffd') == os.environ['ZCHAT_TEXT']\n"
                      "keys = 'STREAM SEQ FROM TS KIND REPLY_TO NICK'.split()\n"
                      "print(json.dumps([os.environ['ZCHAT_' + key] for key in keys] + [len(event['text'])]))\n"
                      "assert sys.argv[1:] == ['$HOME', 'a b', '*']\n")
    script.chmod(0o755)
    running = execute(bot, "--count", str(len(HOSTILE) + 1), "--", str(script), "$HOME", "a b", "*")
    for text in HOSTILE:
        alice.ok("send", "#lobby", stdin=text.encode())
    alice.ok("send", "#lobby", stdin=b"nul \0 inside")
    end(running)
    sent = said_by(alice, "alice")
    answers = said_by(alice, "bot")
    equal([json.loads(event["text"]) for event in answers],
          [["#lobby", str(event["seq"]), "alice", event["ts"], "message", "#lobby", "bot", len(event["text"])]
           for event in sent], "what the program was told")
    equal({event["kind"] for event in answers}, {"notice"}, "kind of the answers")
    check(not list(scene.folder.rglob("pwned")) and not pathlib.Path("pwned").exists(), "no text was run")


@test
def two_bots_do_not_answer_each_other_nor_themselves(scene):
    _, (alice, one, two) = room(scene, "alice", "one", "two")
    bots = [execute(each, "--", "sh", "-c", "echo $ZCHAT_NICK heard $ZCHAT_TEXT") for each in (one, two)]
    one.ok("send", "#lobby", "by one itself")
    alice.ok("send", "#lobby", "a notice", "--notice")
    alice.ok("send", "#lobby", "hello")
    alice.ok("wait", "#lobby", "--match", "one heard hello", "--since", "all")
    alice.ok("wait", "#lobby", "--match", "two heard hello", "--since", "all")
    alice.ok("send", "#lobby", "end")
    alice.ok("wait", "#lobby", "--match", "one heard end", "--since", "all")
    alice.ok("wait", "#lobby", "--match", "two heard end", "--since", "all")
    equal(texts(said_by(alice, "two")), ["two heard by one itself", "two heard hello", "two heard end"], "two's notices")
    equal([text for text in texts(said_by(alice, "one")) if text != "by one itself"],
          ["one heard hello", "one heard end"], "one's notices")
    for bot in bots:
        bot.signal(signal.SIGTERM)
        end(bot, 128 + signal.SIGTERM)


@test
def only_messages_that_match_start_it(scene):
    _, (alice, eve, bot) = room(scene, "alice", "eve", "bot")
    running = execute(bot, "--mention", "--match", "^!", "--from", "alice", "--count", "2", "--", "sh", "-c",
                      "echo got $ZCHAT_SEQ")
    for person, text in ((alice, "!go bot"), (alice, "bot, go"), (eve, "!go bot"), (alice, "!go robot"),
                         (alice, "!again @Bot")):
        person.ok("send", "#lobby", text)
    end(running)
    wanted = [event["seq"] for event in messages(alice.history("#lobby"))
              if event["text"] in ("!go bot", "!again @Bot") and event["from"] == "alice"]
    equal(texts(said_by(alice, "bot")), [f"got {seq}" for seq in wanted], "answers")


@test
def a_private_message_is_answered_to_its_sender_and_confirmed_when_that_is_done(scene):
    broker = scene.broker()
    alice, bot = scene.person("alice", broker), scene.person("bot", broker)
    bot.ok("status")
    gate = scene.folder / "gate"
    running = bot.start("exec", "@bot", "--count", "2", "--", "sh", "-c",
                        f"while [ ! -e {gate} ]; do sleep 0.02; done;"
                        " echo you said $ZCHAT_TEXT to $ZCHAT_STREAM, $ZCHAT_REPLY_TO", stdin=subprocess.DEVNULL)
    alice.ok("send", "@bot", "one")
    result = alice.run("send", "@bot", "two", "--wait", "delivered", "--timeout", "1s")
    equal(result.code, 7, f"not delivered while it is not done: {result}")
    gate.touch()
    end(running)
    equal(texts(said_by(alice, "bot", "@alice")),
          ["you said one to @bot, @alice", "you said two to @bot, @alice"], "answers")
    receipts = [event["upto"] for event in alice.history("@alice") if event["type"] == "receipt"]
    check(receipts and receipts[-1] >= 2, f"receipts up to {receipts}")


@test
def nothing_is_said_for_no_output_and_large_output_is_cut(scene):
    _, (alice, bot) = room(scene, "alice", "bot")
    running = execute(bot, "--count", "4", "--", "sh", "-c",
                      'case $ZCHAT_TEXT in none) echo; echo;; large) head -c 10000000 /dev/zero | tr "\\0" x;;'
                      ' bytes) printf "\\377\\033[2Jz\\n\\n";; esac')
    for text in ("none", "large", "bytes", "none"):
        alice.ok("send", "#lobby", text)
    end(running)
    large, raw = texts(said_by(alice, "bot"))
    check(large == "x" * 16381 + "…", f"{len(large)} characters, the last {large[-3:]}")
    equal(raw, "\ufffd\ufffd[2Jz", "bytes that are no text")
    check(any("wrote 10000000 bytes" in line for line in running.err), f"it says so: {running.told()}")


@test
def how_a_program_ends_is_told_and_it_goes_on(scene):
    _, (alice, bot) = room(scene, "alice", "bot")
    running = execute(bot, "--count", "5", "--limit", "1s", "--", "sh", "-c",
                      'case $ZCHAT_TEXT in fail) echo sorry; echo "why $(printf "\\033[2J")" >&2; exit 9;;'
                      ' die) echo half; kill -SEGV $$;; hang) trap "" TERM; echo half; while :; do sleep 9 & wait; done;;'
                      ' deaf) exec <&-; echo heard;; *) echo well;; esac')
    for text in ("fail", "die", "hang", "deaf " + "x" * 16000, "deaf"):
        alice.ok("send", "#lobby", text)
    end(running)
    equal(texts(said_by(alice, "bot")), ["sorry", "well", "heard"], "answers")
    said = "\n".join(running.err)
    for part in ("why \ufffd[2J", "ended with 9", "ended by signal 11 (SEGV)", "took longer than --limit"):
        check(part in said, f"'{part}' is told: {said}")
    check("\x1b" not in said, f"no escape sequence on stderr: {said!r}")


@test
def a_program_that_is_not_there_is_told_with_126_or_127(scene):
    _, (alice, bot) = room(scene, "alice", "bot")
    bot.refused(127, "cannot be run", "exec", "#lobby", "--", "nonesuch-program")
    bot.refused(126, "cannot be run", "exec", "#lobby", "--", "/etc/passwd")
    bot.refused(2, "usage: zchat exec", "exec", "#lobby", "echo", "hi")
    bot.refused(2, "usage: zchat exec", "exec", "#lobby", "--")
    bot.refused(2, "a number from 1 to 64", "exec", "#lobby", "--jobs", "0", "--", "true")
    bot.refused(6, "no_such_room", "exec", "#nowhere", "--", "true")
    program = scene.folder / "program"
    program.write_text("#!/bin/sh\necho done $ZCHAT_TEXT\n")
    program.chmod(0o755)
    running = execute(bot, "--durable", "d", "--", str(program))
    alice.ok("send", "#lobby", "one")
    alice.ok("wait", "#lobby", "--match", "done one", "--since", "all")
    program.rename(scene.folder / "away")
    alice.ok("send", "#lobby", "two")
    end(running, 127)
    (scene.folder / "away").rename(program)
    end(bot.start("exec", "#lobby", "--durable", "d", "--count", "1", "--", str(program)))
    equal(texts(said_by(alice, "bot")), ["done one", "done two"], "nothing is lost by it")


@test
def jobs_run_side_by_side_and_answers_keep_their_order(scene):
    _, (alice, bot) = room(scene, "alice", "bot")
    folder = scene.folder / "met"
    folder.mkdir()
    # Each waits until three are there: alone none would end. The first one is the last to answer.
    running = execute(bot, "--jobs", "3", "--count", "3", "--", "sh", "-c",
                      f'touch {folder}/$ZCHAT_TEXT; while [ $(ls {folder} | grep -c "^.$") -lt 3 ]; do sleep 0.02; done;'
                      f' if [ $ZCHAT_TEXT = a ]; then while [ ! -e {folder}/c.done ]; do sleep 0.02; done; fi;'
                      f' touch {folder}/$ZCHAT_TEXT.done; echo $ZCHAT_TEXT')
    alice.ok("send", "#lobby", "--lines", stdin=b"a\nb\nc\n")
    end(running)
    equal(texts(said_by(alice, "bot")), ["a", "b", "c"], "answers")


@test
def more_than_may_wait_is_read_later_and_nothing_is_left_out(scene):
    _, (alice, bot) = room(scene, "alice", "bot")
    gate = scene.folder / "gate"
    count = 400
    running = execute(bot, "--count", str(count), "--jobs", "2", "--", "sh", "-c",
                      f"while [ ! -e {gate} ]; do sleep 0.02; done; echo got $ZCHAT_TEXT")
    alice.ok("send", "#lobby", "--lines", stdin="".join(f"{n}\n" for n in range(count)).encode())
    gate.touch()
    end(running)
    equal(texts(said_by(alice, "bot")), [f"got {n}" for n in range(count)], "answers")


@test
def a_killed_broker_loses_no_message_and_doubles_no_answer(scene):
    broker, (alice, bot) = room(scene, "alice", "bot")
    running = execute(bot, "--durable", "d", "--count", "30", "--", "sh", "-c", "echo got $ZCHAT_TEXT")
    for part in range(3):
        alice.ok("send", "#lobby", "--lines", stdin="".join(f"{part * 10 + n}\n" for n in range(10)).encode())
        broker.kill9()
        broker.start()
    end(running)
    equal(texts(said_by(alice, "bot")), [f"got {n}" for n in range(30)], "answers")


@test
def durable_goes_on_where_it_was_whatever_ended_it(scene):
    _, (alice, bot) = room(scene, "alice", "bot")
    words = ("--durable", "d", "--", "sh", "-c", "echo got $ZCHAT_TEXT")
    running = execute(bot, *words)
    alice.ok("send", "#lobby", "one")
    alice.ok("wait", "#lobby", "--match", "got one", "--since", "all")
    running.signal(signal.SIGTERM)
    end(running, 128 + signal.SIGTERM)
    alice.ok("send", "#lobby", "two")  # while it is away
    running = execute(bot, *words)
    alice.ok("wait", "#lobby", "--match", "got two", "--since", "all")
    for text in ("three", "four", "five"):
        alice.ok("send", "#lobby", text)
    running.kill9()
    running = execute(bot, *words)
    alice.ok("send", "#lobby", "six")
    alice.ok("wait", "#lobby", "--match", "got six", "--since", "all")
    answers = texts(said_by(alice, "bot"))
    equal(sorted(set(answers)), sorted(f"got {word}" for word in ("one", "two", "three", "four", "five", "six")),
          "each is done at least once")
    equal(answers.count("got one") + answers.count("got two"), 2, "what was done before is not done again")


@test
def sigterm_takes_no_more_and_waits_for_what_runs(scene):
    _, (alice, bot) = room(scene, "alice", "bot")
    gate = scene.folder / "gate"
    begun = scene.folder / "begun"
    os.mkfifo(gate)
    words = ("--durable", "d", "--", "sh", "-c", f"touch {begun}; read line < {gate}; echo got $ZCHAT_TEXT")
    running = execute(bot, *words)
    alice.ok("send", "#lobby", "--lines", stdin=b"one\ntwo\n")
    wait_until(begun.exists, "the first run has begun")
    running.signal(signal.SIGTERM)
    check(running.is_running(), "it waits for what runs")
    gate.write_text("go\n")
    end(running, 128 + signal.SIGTERM)
    check(any("1 message is not done; the next start goes on there" in line for line in running.err),
          f"it says what is left: {running.told()}")
    equal(texts(said_by(alice, "bot")), ["got one"], "what was running is answered")
    running = execute(bot, "--count", "1", *words)
    gate.write_text("go\n")
    end(running)
    equal(texts(said_by(alice, "bot")), ["got one", "got two"], "the rest comes with the next start")


@test
def a_second_signal_ends_what_runs(scene):
    _, (alice, bot) = room(scene, "alice", "bot")
    pids = scene.folder / "pids"
    running = execute(bot, "--", "sh", "-c", f"trap '' TERM; sleep 600 & echo $$ $! > {pids}.new; mv {pids}.new {pids};"
                      " wait; wait; wait")
    alice.ok("send", "#lobby", "go")
    wait_until(pids.exists, "it runs")
    running.signal(signal.SIGTERM)
    running.wait_line("waiting for 1 that runs", where="err")
    running.signal(signal.SIGINT)
    check(running.wait_exit() in (128 + signal.SIGTERM, 128 + signal.SIGINT), running.told())
    for pid in pids.read_text().split():
        wait_until(lambda pid=pid: not alive(int(pid)), f"process {pid} is gone")


def alive(pid):
    """It runs; who is dead and waits to be reaped does not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@test
def a_refused_answer_is_told_and_the_next_message_is_taken(scene):
    _, (alice, bot) = room(scene, "alice", "bot")
    running = execute(bot, "--count", "2", "--", "sh", "-c", "echo got $ZCHAT_TEXT")
    alice.ok("room", "mute", "#lobby", "bot")
    alice.ok("send", "#lobby", "one")
    running.wait_line("(muted)", where="err")
    alice.ok("room", "unmute", "#lobby", "bot")
    alice.ok("send", "#lobby", "two")
    end(running)
    equal(texts(said_by(alice, "bot")), ["got two"], "answers")


@test
def with_json_what_became_of_each_is_printed(scene):
    _, (alice, bot) = room(scene, "alice", "bot")
    running = execute(bot, "--json", "--count", "3", "--", "sh", "-c",
                      'case $ZCHAT_TEXT in die) kill -TERM $$;; quiet) exit 3;; *) echo well;; esac')
    for text in ("well", "quiet", "die"):
        alice.ok("send", "#lobby", text)
    end(running)
    asked = [event["seq"] for event in messages(alice.history("#lobby")) if event["from"] == "alice"]
    answer = said_by(alice, "bot")[0]["seq"]
    equal(running.json(), [
        {"stream": "#lobby", "seq": asked[0], "end": "exited", "status": 0, "answer_stream": "#lobby", "answer_seq": answer},
        {"stream": "#lobby", "seq": asked[1], "end": "exited", "status": 3},
        {"stream": "#lobby", "seq": asked[2], "end": "signalled", "status": 15}], "what is printed")


@test
def a_program_may_use_zchat_itself(scene):
    _, (alice, bot) = room(scene, "alice", "bot")
    zchat = bot.args([])[0]
    running = execute(bot, "--count", "1", "--", "sh", "-c", f'{zchat} send "@$ZCHAT_FROM" "in private: $ZCHAT_TEXT" >&2')
    alice.ok("send", "#lobby", "hello")
    end(running)
    equal(texts(said_by(alice, "bot", "@alice")), ["in private: hello"], "what the program sent")


if __name__ == "__main__":
    run_tests()
