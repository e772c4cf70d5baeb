#!/usr/bin/python3
"""Line mode: `zchat` on a pipe, as people without a terminal and scripts use it."""
import fcntl
import os
import signal
import subprocess

from zchat_test import check, equal, run_tests, test, texts, wait_until


def room(scene, *nicks):
    """People who are in #lobby."""
    broker = scene.broker()
    people = [scene.person(nick, broker) for nick in nicks]
    for person in people:
        person.ok("join", "#lobby")
    return broker, people


@test
def a_script_may_join_a_room_and_talk_in_it(scene):
    alice = scene.person("alice", scene.broker())
    result = alice.ok(stdin=b"/join #lobby\nhello\n//slash\n\n")
    check("#lobby alice: hello ✓\n" in result.out.decode(), f"own message with its tick: {result}")
    check("no room yet: /join #lobby" in result.err.decode(), f"the hint of the first start: {result}")
    equal(texts(alice.history("#lobby")), ["hello", "/slash"], "what stands in the room")


@test
def the_last_lines_of_its_rooms_and_unread_private_messages_are_shown_at_the_start(scene):
    _, (alice, bob) = room(scene, "alice", "bob")
    alice.ok("send", "#lobby", "--lines", stdin="\n".join(map(str, range(1, 31))).encode())
    alice.ok("send", "@bob", "psst")
    shown = bob.ok().out.decode()
    equal([line.rsplit(" ", 1)[1] for line in shown.splitlines() if "#lobby alice: " in line],
          [str(n) for n in range(21, 31)], "the last ten")
    check("alice → bob: psst\n" in shown, f"the private message: {shown}")
    check("psst" not in bob.ok().out.decode(), "a private message is shown once")


@test
def a_private_message_gets_one_tick_when_stored_and_two_when_delivered(scene):
    _, (alice, bob) = room(scene, "alice", "bob")
    line = alice.start()
    line.write("/msg @bob psst\n")
    line.wait_line("→ bob: psst ✓")
    bob.ok("tail", "--until-end")
    line.wait_line("✓✓ bob has it: psst")
    line.close_stdin()
    equal(line.wait_exit(), 0, "exit code")
    equal(sum("psst" in each for each in line.out), 2, f"lines about it: {line.out}")


@test
def what_is_refused_is_said_and_ends_with_4(scene):
    _, (alice,) = room(scene, "alice")
    result = alice.run(stdin=b"/msg @nobody hi\nstill here\n")
    equal(result.code, 4, "exit code")
    check("! not sent to @nobody: hi (there is nobody of that nick) (/retry 1)" in result.out.decode(),
          f"the refusal: {result}")
    equal(texts(alice.history("#lobby")), ["still here"], "what stands in the room")


@test
def what_is_typed_while_the_broker_is_dead_arrives_once_it_is_back(scene):
    broker, (alice, bob) = room(scene, "alice", "bob")
    tail = bob.tail("#lobby", "--since", "all")
    line = alice.start("--timeout", "60s")
    line.write("before\n")
    line.wait_line("alice: before ✓")
    broker.kill9()
    line.wait_line("the link is down", where="err")
    line.write("during\n")
    line.wait_line("· waiting for the broker: during")
    broker.start()
    line.wait_line("alice: during ✓")
    line.write("after\n")
    tail.wait_event(text="after")
    line.close_stdin()
    equal(line.wait_exit(), 0, "exit code")
    equal(texts(bob.history("#lobby")), ["before", "during", "after"], "what stands in the room")


@test
def input_that_ends_without_an_answer_ends_with_3(scene):
    broker, (alice,) = room(scene, "alice")
    line = alice.start("--timeout", "1s")
    line.write("before\n")
    line.wait_line("alice: before ✓")
    broker.process.signal(signal.SIGSTOP)
    line.write("unheard\n")
    line.close_stdin()
    equal(line.wait_exit(), 3, "exit code")
    broker.process.signal(signal.SIGCONT)


@test
def with_json_events_and_states_are_objects(scene):
    _, (alice,) = room(scene, "alice")
    told = alice.ok("--json", stdin=b"hello\n/who\n").json()
    posts = [each for each in told if each.get("type") == "post"]
    equal([(each["state"], each["stream"], each["number"]) for each in posts],
          [("stored", "#lobby", 1)], "states")
    events = [each for each in told if each.get("type") == "message"]
    equal([(each["text"], each["session"]) for each in events], [("hello", posts[0]["session"])],
          "events")
    equal([each for each in told if "nick" in each],
          [{"nick": "alice", "rooms": ["#lobby"], "state": "online", "devices": 1, "role": "member",
            "op": ["#lobby"]}], "who")


def states(person):
    return {row["nick"]: row["state"] for row in person.ok("who", "#lobby", "--json").json()}


@test
def who_is_away_is_shown_as_away(scene):
    broker, (alice, bob) = room(scene, "alice", "bob")
    line = alice.start()
    line.write("/away\n")
    line.wait_line("* you are shown as away", where="err")
    wait_until(lambda: states(bob)["alice"] == "away", "alice is away")
    line.write("/away off\n")
    wait_until(lambda: states(bob)["alice"] == "online", "alice is back")
    line.close_stdin()
    equal(line.wait_exit(), 0, "exit code")
    equal(states(bob)["alice"], "gone", "state")


def is_writing(pid):
    """It waits in write(1, ...): the pipe is full."""
    with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
        return file.read().split()[:2] == ["1", "0x1"]


def is_stopped(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0] == "T"


@test
def what_nobody_read_is_not_confirmed(scene):
    """The reader goes while a line is being written to it: that message is still undelivered."""
    _, (alice, bob) = room(scene, "alice", "bob")
    alice.ok("send", "@bob", "--lines", stdin=b"".join(b"kept %d %s\n" % (i, b"x" * 200) for i in range(60)))
    out, end = os.pipe()
    fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 4096)
    line = subprocess.Popen(bob.args(["--plain"]), env=scene.environment(), stdin=subprocess.PIPE, stdout=end,
                            stderr=subprocess.DEVNULL)
    os.close(end)
    try:
        wait_until(lambda: is_writing(line.pid), "the pipe is full")
        line.send_signal(signal.SIGSTOP)
        wait_until(lambda: is_stopped(line.pid), "the client is stopped")  # reading would let it write on
        written = os.read(out, 65536).count(b": kept ")
        os.close(out)
        line.send_signal(signal.SIGCONT)
        equal(line.wait(60), 0, "exit code")
    finally:
        line.kill()
        line.stdin.close()
        line.wait()
    check(0 < written < 60, f"{written} were written")
    later = texts(bob.ok("tail", "@bob", "--json", "--until-end").json())
    check(int(later[0].split()[1]) <= written, f"{written} were written, the next one told is {later[0][:8]}")


@test
def input_that_cannot_be_read_is_a_failure(scene):
    _, (alice,) = room(scene, "alice")
    folder = os.open("/", os.O_RDONLY)
    try:
        done = subprocess.run(alice.args(["--plain"]), env=scene.environment(), stdin=folder, capture_output=True,
                              timeout=60, check=False)
    finally:
        os.close(folder)
    equal(done.returncode, 1, "exit code")
    check(b"cannot read standard input" in done.stderr, done.stderr)


@test
def commands_that_do_not_exist_are_refused_and_help_has_those_that_do(scene):
    _, (alice,) = room(scene, "alice")
    said = alice.ok(stdin=b"/frobnicate\n/help\n").err.decode()
    check("there is no such command" in said, said)
    check("* /retry" in said and "* /search" in said, f"/help has what there is: {said}")


@test
def without_utf8_the_signs_are_ascii(scene):
    _, (alice,) = room(scene, "alice")
    result = alice.ok(stdin=b"hello\n", env={"LC_ALL": "C"})
    check(b"alice: hello +\n" in result.out, f"plus for a tick: {result}")
    check(all(byte < 128 for byte in result.out), f"ASCII alone: {result}")


if __name__ == "__main__":
    run_tests()
