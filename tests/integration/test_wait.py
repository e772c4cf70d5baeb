#!/usr/bin/python3
"""zchat wait, and the forms of tail and history."""
import subprocess

from zchat_test import check, equal, room, run_tests, test

SLOW_TEXT = "a" * 16000 + "!"


def wait_in(person, *words):
    """A running `zchat wait` that listens."""
    waiting = person.start("wait", *words, "-v", stdin=subprocess.DEVNULL)
    waiting.wait_line("listening from", where="err")
    return waiting


@test
def wait_ends_with_the_first_message_that_matches(scene):
    _, (alice, bob) = room(scene, "alice", "bob")
    waiting = wait_in(bob, "#lobby", "--match", "build (passed|failed)", "--json")
    for text in ("hello", "the build runs", "build failed: 3 tests", "build passed"):
        alice.ok("send", "#lobby", text)
    equal(waiting.wait_exit(), 0, "exit code")
    equal([event["text"] for event in waiting.json()], ["build failed: 3 tests"], "what it prints")


@test
def wait_is_for_what_comes_unless_it_may_look_back(scene):
    _, (alice,) = room(scene, "alice")
    alice.ok("send", "#lobby", "ready")
    alice.refused(3, "timeout", "wait", "#lobby", "--match", "ready", "--timeout", "1s")
    line = alice.ok("wait", "#lobby", "--match", "READY", "-i", "--since", "1h").lines()
    check(len(line) == 1 and line[0].endswith("#lobby alice: ready"), f"printed: {line}")
    alice.refused(3, "timeout", "wait", "#lobby", "--match", "READY", "--since", "all", "--timeout", "1s")


@test
def wait_sees_who_speaks_and_who_is_named(scene):
    _, (alice, bob) = room(scene, "alice", "bob")
    alice.ok("send", "#lobby", "bobby and bob-like things")
    bob.ok("send", "#lobby", "this is by Bob himself")
    alice.ok("send", "#lobby", "what do you think, @Bob?")
    look = ["--since", "all", "--format", "%f %m"]
    equal(bob.ok("wait", "#lobby", "--mention", *look).lines(), ["bob this is by Bob himself"], "the first mention")
    equal(bob.ok("wait", "#lobby", "--mention", "--from", "@Alice", *look).lines(),
          ["alice what do you think, @Bob?"], "the first mention by alice")
    equal(bob.ok("wait", "#lobby", "--from", "bob", *look).lines(), ["bob this is by Bob himself"], "the first by bob")


@test
def wait_for_a_private_message_leaves_it_unread(scene):
    broker = scene.broker()
    alice, bob = scene.person("alice", broker), scene.person("bob", broker)
    bob.ok("status")
    alice.ok("send", "@bob", "psst")
    equal(bob.ok("wait", "@bob", "--from", "alice", "--since", "all", "--format", "%m").lines(), ["psst"], "told")
    equal([event["type"] for event in alice.history("@alice")], ["message"], "no receipt yet in alice's stream")
    tail = bob.tail("@bob")
    tail.wait_event(text="psst")


@test
def wait_says_what_is_wrong(scene):
    _, (alice,) = room(scene, "alice")
    alice.refused(6, "no_such_room", "wait", "#nowhere", "--match", "x")
    alice.refused(2, "is not a stream", "wait", "lobby", "--match", "x")
    alice.refused(2, "missing closing parenthesis", "wait", "#lobby", "--match", "(")
    alice.refused(2, "--from takes a nick", "wait", "#lobby", "--from", "a b")
    alice.refused(2, "--ignore-case goes with --match", "wait", "#lobby", "-i")
    alice.refused(2, "does not take one of these options", "wait", "#lobby", "--jobs", "2")
    alice.refused(5, "", "wait", "#lobby", "--timeout", "1s", url="zchat://127.0.0.1:1?key=" + "00" * 31 + "01")


@test
def no_text_keeps_wait_busy_for_long(scene):
    _, (alice,) = room(scene, "alice")
    alice.ok("send", "#lobby", SLOW_TEXT)
    alice.ok("send", "#lobby", "aaa")
    result = alice.ok("wait", "#lobby", "--match", "^(a+)+$", "--since", "all", "--json")
    equal([event["text"] for event in result.json()], ["aaa"], "what it prints")
    check(b"takes too long on this message" in result.err, f"it says so: {result}")


@test
def wait_goes_on_over_a_killed_broker(scene):
    broker, (alice, bob) = room(scene, "alice", "bob")
    alice.ok("send", "#lobby", "first")
    waiting = wait_in(bob, "#lobby", "--match", "second", "--since", "all")
    broker.kill9()
    waiting.wait_line("the link is down", where="err")
    broker.start()
    alice.ok("send", "#lobby", "second")
    equal(waiting.wait_exit(), 0, "exit code")
    check(waiting.out[-1].endswith("alice: second"), f"printed: {waiting.out}")


@test
def tail_and_history_print_as_they_are_told(scene):
    _, (alice,) = room(scene, "alice")
    alice.ok("send", "#lobby", "a\tb\nc\x1b[2J")
    alice.ok("send", "#lobby", "done", "--notice")
    lines = alice.ok("history", "#lobby", "--format", r"%q\t%k\t%f\t%s\t%m\t100%%").lines()
    equal(lines, ["1\tjoin\talice\t#lobby\tjoined\t100%", "2\tmessage\talice\t#lobby\ta b⏎c\ufffd[2J\t100%",
                  "3\tnotice\talice\t#lobby\tdone\t100%"], "history")
    equal(alice.ok("tail", "#lobby", "--since", "all", "--until-end", "--format", "short").lines()[1:],
          ["alice: a b⏎c\ufffd[2J", "alice: done"], "tail")
    alice.refused(2, "%x stands for nothing", "history", "#lobby", "--format", "%x")
    alice.refused(2, "neither short, long nor tsv", "tail", "--format", "pretty")
    alice.refused(2, "two forms", "tail", "--format", "%m", "--json")


@test
def times_are_of_here_or_of_utc(scene):
    _, (alice,) = room(scene, "alice")
    utc = alice.ok("history", "#lobby", "--utc", "--format", "%t", env={"TZ": "XXX-5"}).lines()[0]
    here = alice.ok("history", "#lobby", "--format", "%t", env={"TZ": "XXX-5"}).lines()[0]
    check(utc.endswith("Z") and not here.endswith("Z"), f"{utc} and {here}")
    hours = (int(here[11:13]) - int(utc[11:13])) % 24
    equal((hours, here[13:]), (5, utc[13:-1]), f"{here} is five hours behind {utc}")
    plain = alice.ok("history", "#lobby", "--utc", env={"TZ": "XXX-5"}).lines()[0]
    check(plain.startswith(utc + " "), f"'{plain}' begins with {utc}")


@test
def a_pipe_is_never_coloured(scene):
    _, (alice,) = room(scene, "alice")
    result = alice.ok("history", "#lobby", "--format", "%t %f", env={"TERM": "xterm-256color"})
    check(b"\x1b" not in result.out, f"escape sequences in {result}")


def on_terminal(scene, person, env, *words):
    """What the verb writes when standard output is a terminal."""
    script = scene.folder / "typescript"
    args = ["script", "-qec", subprocess.list2cmdline(person.args(words)).replace("#", "\\#"), str(script)]
    scene.run(args, env=env)
    return script.read_bytes()


@test
def colour_is_for_terminals_without_no_color(scene):
    _, (alice,) = room(scene, "alice")
    words = ("history", "#lobby", "--format", "short")
    check(b"\x1b[" in on_terminal(scene, alice, {"TERM": "xterm"}, *words), "a terminal shows colours")
    check(b"\x1b[" not in on_terminal(scene, alice, {"TERM": "xterm", "NO_COLOR": "1"}, *words), "NO_COLOR is kept")


if __name__ == "__main__":
    run_tests()
