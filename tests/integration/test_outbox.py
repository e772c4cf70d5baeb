#!/usr/bin/python3
"""The client's outbox and places on disk: what was typed is sent, once, by whichever run comes next; and it goes on
showing where the run before has stopped. [R-20] [R-23]. $ZCHAT_SEED repeats the random rounds, $ZCHAT_ROUNDS is how many."""
import os
import random
import signal
import time

from zchat_test import check, equal, is_kept, program, run_tests, test, texts, wait_until

PATIENT = ("--timeout", "60s")
ROUNDS = int(os.environ.get("ZCHAT_ROUNDS", "20"))


def room(scene, *nicks):
    """People who are in #lobby."""
    broker = scene.broker()
    people = [scene.person(nick, broker) for nick in nicks]
    for person in people:
        person.ok("join", "#lobby")
    return broker, people


def outboxes(person):
    """Paths of the outboxes that lie in this home."""
    folder = person.home / "outbox"
    return sorted(folder.glob("*")) if folder.exists() else []


def in_outbox(person, text):
    return is_kept(person.home / "outbox", text)


def talk(person, *words):
    """Line mode, with the link up and the rooms known."""
    line = person.start(*PATIENT, *words)
    line.write("/who\n")
    line.wait_line("online")
    return line


def leave_without_an_answer(broker, person, *said):
    """Say this while the broker is dead, and be killed."""
    line = talk(person)
    broker.kill9()
    line.wait_line("the link is down", where="err")
    line.write("".join(f"{text}\n" for text in said))
    wait_until(lambda: in_outbox(person, said[-1]), "the outbox has it")
    line.kill9()


@test
def what_has_no_answer_when_the_client_is_killed_is_sent_by_the_next_run_once_and_in_order(scene):
    broker, (alice,) = room(scene, "alice")
    leave_without_an_answer(broker, alice, "one", "two", "three")
    status = alice.run("status", "--json", "--timeout", "1s")
    equal((status.code, status.json()[0]["unanswered"]), (5, 3), "status without a broker")
    result = alice.run("--timeout", "1s")
    equal(result.code, 5, "exit code without a broker")
    check("3 messages are not sent yet; they will be at the next start" in result.err.decode(), f"{result}")
    broker.start()
    check("3 of ended runs" in alice.ok("status").out.decode(), "status for people")
    result = alice.ok()
    check("* 3 messages from last time are sent now\n" in result.err.decode(), f"it says so: {result}")
    equal([line.split(": ", 1)[1] for line in result.lines() if "✓" in line], ["one ✓", "two ✓", "three ✓"],
          "states")
    equal(texts(alice.history("#lobby")), ["one", "two", "three"], "what stands in the room")
    equal(outboxes(alice), [], "outboxes that are left")
    result = alice.ok(stdin=b"four\n")
    check("last time" not in result.err.decode(), f"nothing is left: {result}")
    equal(texts(alice.history("#lobby")), ["one", "two", "three", "four"], "what stands in the room")


@test
def a_run_that_goes_on_with_a_session_counts_on(scene):
    broker, (alice,) = room(scene, "alice")
    leave_without_an_answer(broker, alice, "one", "two")
    broker.start()
    told = alice.ok("--json", stdin=b"three\nfour\n").json()
    states = [(each["number"], each["state"]) for each in told if each["type"] == "post"]
    equal(states[:2], [(1, "waiting"), (2, "waiting")], "what was left is told first")
    equal(sorted(number for number, state in states if state == "stored"), [1, 2, 3, 4], "numbers")
    equal(len({each["session"] for each in told if each["type"] == "post"}), 1, "sessions")
    equal(texts(alice.history("#lobby")), ["one", "two", "three", "four"], "what stands in the room")


@test
def a_post_that_was_stored_but_not_acknowledged_is_shown_once(scene):
    broker, (alice, bob) = room(scene, "alice", "bob")
    tails = [bob.tail("#lobby", "--since", "all"), bob.tail("@bob", "--since", "all")]
    line = talk(alice)
    broker.process.signal(signal.SIGSTOP)
    line.write("to all\n/msg @bob to one\n")
    line.wait_line("waiting for the broker: to one")
    line.signal(signal.SIGSTOP)
    broker.process.signal(signal.SIGCONT)
    tails[0].wait_event(text="to all")  # so it is stored, and what is stored is answered
    tails[1].wait_event(text="to one")
    line.kill9()
    broker.kill9()
    broker.start()
    result = alice.ok()
    check("2 messages from last time are sent now" in result.err.decode(), f"it says so: {result}")
    shown = result.out.decode()
    check("#lobby alice: to all ✓\n" in shown or "✓ #lobby has it: to all\n" in shown, f"the room's: {shown}")
    check("→ bob: to one ✓\n" in shown, f"the private one: {shown}")
    equal(texts(alice.history("#lobby")), ["to all"], "what stands in the room")
    equal(texts(bob.history("@bob")), ["to one"], "what Bob has")
    bob.ok("send", "#lobby", "the end")
    tails[0].wait_event(text="the end")
    equal(texts(tails[0].json()), ["to all", "the end"], "what Bob was shown")


@test
def input_that_ends_without_an_answer_is_kept_for_the_next_start(scene):
    broker, (alice,) = room(scene, "alice")
    line = alice.start("--timeout", "1s")
    line.write("before\n")
    line.wait_line("alice: before ✓")
    broker.process.signal(signal.SIGSTOP)
    line.write("unheard\n")
    line.close_stdin()
    equal(line.wait_exit(), 3, "exit code")
    line.wait_line("1 message is not sent yet; it will be at the next start", where="err")
    broker.process.signal(signal.SIGCONT)
    alice.ok()
    equal(texts(alice.history("#lobby")), ["before", "unheard"], "what stands in the room")


@test
def what_was_answered_before_the_end_is_not_sent_again(scene):
    _, (alice,) = room(scene, "alice")
    line = talk(alice)
    line.write("one\ntwo\n")
    line.wait_line("alice: two ✓")
    wait_until(lambda: in_outbox(alice, "done 2 "), "the answer came, too")
    line.kill9()
    result = alice.ok()
    check("last time" not in result.err.decode(), f"nothing was left: {result}")
    equal(texts(alice.history("#lobby")), ["one", "two"], "what stands in the room")
    equal(outboxes(alice), [], "outboxes that are left")


@test
def of_two_runs_that_were_killed_each_start_takes_over_one(scene):
    broker, (alice,) = room(scene, "alice")
    lines = [talk(alice), talk(alice)]
    broker.kill9()
    for line, said in zip(lines, ("first", "second")):
        line.wait_line("the link is down", where="err")
        line.write(f"{said}\n")
        wait_until(lambda: in_outbox(alice, said), "the outbox has it")
    for line in lines:
        line.kill9()
    broker.start()
    result = alice.ok()
    check("1 message of another run is waiting for the next start" in result.err.decode(), f"{result}")
    equal(len(texts(alice.history("#lobby"))), 1, "messages after one start")
    alice.ok()
    equal(sorted(texts(alice.history("#lobby"))), ["first", "second"], "what stands in the room")
    equal(outboxes(alice), [], "outboxes that are left")


@test
def an_old_copy_of_an_outbox_is_kept_and_not_sent(scene):
    broker, (alice,) = room(scene, "alice")
    leave_without_an_answer(broker, alice, "one", "two")
    path = outboxes(alice)[0]
    copy = path.read_bytes()
    broker.start()
    alice.ok(stdin=b"three\n")
    path.touch(mode=0o600)
    path.write_bytes(copy)
    result = alice.run(stdin=b"four\n")
    said = result.err.decode()
    check(f"they are kept in {path}.failed" in said, f"it says where: {result}")
    check("! perhaps sent, perhaps not, to #lobby: one" in result.out.decode(), f"which: {result}")
    equal([each.name for each in outboxes(alice)], [f"{path.name}.failed"], "files")
    kept = outboxes(alice)[0].read_text()
    check("one\n" in kept and "two\n" in kept, f"the texts are there: {kept}")
    equal(texts(alice.history("#lobby")), ["one", "two", "three", "four"], "what stands in the room")


@test
def a_damaged_outbox_is_kept_and_not_sent(scene):
    broker, (alice,) = room(scene, "alice")
    leave_without_an_answer(broker, alice, "one", "two")
    path = outboxes(alice)[0]
    path.write_bytes(path.read_bytes().replace(b"\none\n", b"\nOne\n"))
    broker.start()
    result = alice.ok(stdin=b"three\n")
    check("damaged" in result.err.decode() and f"{path}.failed" in result.err.decode(), f"it says so: {result}")
    equal(texts(alice.history("#lobby")), ["three"], "what stands in the room")


@test
def what_the_disk_has_no_room_for_is_not_taken(scene):
    broker, (alice,) = room(scene, "alice")
    poor = scene.person("alice", broker, prefix=["prlimit", "--fsize=300"])
    line = poor.start(*PATIENT)
    line.write(f"short\n{'long ' * 100}\n")
    line.wait_line("* ! not sent: cannot write the outbox", where="err")
    line.close_stdin()
    equal(line.wait_exit(), 0, "exit code")
    equal(texts(alice.history("#lobby")), ["short"], "what stands in the room")


@test
def a_restarted_client_shows_what_came_since(scene):
    _, (alice, bob) = room(scene, "alice", "bob")
    alice.ok("send", "#lobby", "--lines", stdin="\n".join(map(str, range(1, 31))).encode())
    shown = [line for line in bob.ok().lines() if "alice: " in line]
    equal(len(shown), 10, "lines at the first start")
    equal([line for line in bob.ok().lines() if "#lobby" in line], [], "lines when nothing came")
    alice.ok("send", "#lobby", "--lines", stdin="\n".join(map(str, range(31, 66))).encode())
    shown = [line.rsplit(" ", 1)[1] for line in bob.ok().lines() if "#lobby alice: " in line]
    equal(shown, [str(n) for n in range(31, 66)], "all that came since")


@test
def a_client_that_is_killed_goes_on_where_it_was(scene):
    _, (alice, bob) = room(scene, "alice", "bob")
    line = talk(bob)
    alice.ok("send", "#lobby", "seen")
    line.wait_line("alice: seen")
    head = alice.history("#lobby")[-1]["seq"]
    place = next(path for path in (bob.home / "places").iterdir() if "." not in path.name)
    wait_until(lambda: f"#lobby {head}\n" in place.read_text(), "the place is on disk")
    line.kill9()
    alice.ok("send", "#lobby", "new")
    shown = [each.split("alice: ", 1)[1] for each in bob.ok().lines() if "alice: " in each]
    equal(shown, ["new"], "what is shown after the kill")


@test
def of_many_missed_messages_the_last_are_shown_and_the_others_are_a_command_away(scene):
    _, (alice, bob) = room(scene, "alice", "bob")
    bob.ok()
    alice.ok("send", "#lobby", "--lines", stdin="\n".join(map(str, range(1, 301))).encode())
    line = bob.start(*PATIENT)
    line.wait_line("100 in #lobby are passed over; /history 300 shows them", where="err")
    line.write("/history 300\n")
    line.wait_count(500)
    line.close_stdin()
    equal(line.wait_exit(), 0, "exit code")
    shown = [each.rsplit(" ", 1)[1] for each in line.out if "#lobby alice: " in each]
    equal(shown, [str(n) for n in range(101, 301)] + [str(n) for n in range(1, 301)], "the last, then all")


@test
def a_room_that_was_left_begins_with_its_last_lines_again(scene):
    _, (alice, bob) = room(scene, "alice", "bob")
    bob.ok(stdin=b"/leave #lobby\n")
    alice.ok("send", "#lobby", "--lines", stdin="\n".join(map(str, range(1, 31))).encode())
    shown = [line.rsplit(" ", 1)[1] for line in bob.ok(stdin=b"/join #lobby\n").lines() if "alice: " in line]
    equal(shown, [str(n) for n in range(22, 31)], "the last ten, of which one is the join")


@test
def an_unknown_post_is_shown_with_its_number_and_can_be_tried_again_over_reconnects(scene):
    broker, (alice,) = room(scene, "alice")
    line = alice.start("--timeout", "1s")
    line.write("before\n")
    line.wait_line("alice: before ✓")
    broker.kill9()
    line.wait_line("the link is down", where="err")
    line.write("late\n")
    line.wait_line("! no answer yet for #lobby: late (/retry 2)")
    seen = line.out_count()
    line.write("/retry 2\n")
    line.wait_line("! no answer yet for #lobby: late (/retry 2)", start=seen)
    broker.start()
    line.wait_line("the link is back", where="err")
    line.write("/retry 2\n")
    line.wait_line("alice: late ✓")
    line.close_stdin()
    equal(line.wait_exit(), 0, "exit code")
    equal(texts(alice.history("#lobby")), ["before", "late"], "what stands in the room")


@test
def an_unknown_post_that_a_later_one_passes_is_told_to_have_failed_and_gets_a_new_number(scene):
    broker, (alice,) = room(scene, "alice")
    line = alice.start("--timeout", "2s")
    line.write("before\n")
    line.wait_line("alice: before ✓")
    broker.kill9()
    line.wait_line("the link is down", where="err")
    line.write("late\n")
    line.wait_line("! no answer yet for #lobby: late (/retry 2)")
    broker.start()
    line.wait_line("the link is back", where="err")
    line.write("next\n")
    line.wait_line("! not sent to #lobby: late (this number was given up and will never be stored) (/retry 2)")
    line.wait_line("alice: next ✓")
    line.write("/retry 2\n")
    line.wait_line("alice: late ✓")
    line.close_stdin()
    equal(line.wait_exit(), 0, "exit code")
    equal(texts(alice.history("#lobby")), ["before", "next", "late"], "what stands in the room")


@test
def an_unknown_post_that_was_stored_after_all_is_shown_so(scene):
    broker, (alice, bob) = room(scene, "alice", "bob")
    line = alice.start("--timeout", "1s")
    line.write("before\n")
    line.wait_line("alice: before ✓")
    broker.process.signal(signal.SIGSTOP)
    line.write("heard\n/msg @bob psst\n")
    line.wait_line("! no answer yet for #lobby: heard (/retry 2)")
    line.wait_line("! no answer yet for @bob: psst (/retry 3)")
    broker.process.signal(signal.SIGCONT)
    line.wait_line("alice: heard ✓")
    line.wait_line("→ bob: psst ✓")
    line.close_stdin()
    equal(line.wait_exit(), 0, "exit code")
    equal(texts(alice.history("#lobby")), ["before", "heard"], "what stands in the room")
    equal(texts(bob.history("@bob")), ["psst"], "what Bob has")


def one_round(dice, broker, alice, history, said, kept):
    """A run of the client that says something; client and broker are killed at some time."""
    line = talk(alice, "--history", history)
    words = [f"words {len(said) + n} {dice.randrange(10**9)}" for n in range(dice.randrange(1, 9))]
    said += words
    if dice.random() < 0.3:
        broker.kill9()
    line.write("".join(f"{word}\n" for word in words))
    time.sleep(dice.random() * 0.05)  # the moment of the kill is what varies
    if dice.random() < 0.5:
        wait_until(lambda: in_outbox(alice, words[-1]) or any(words[-1] in shown for shown in line.out),
                   "the last words were taken")
        kept += words
    if broker.process.is_running() and dice.random() < 0.5:
        broker.kill9()
    line.kill9()
    if not broker.process.is_running():
        broker.start()


@test
def client_and_broker_may_be_killed_at_any_time_and_the_histories_keep_every_promise(scene):
    seed = int(os.environ.get("ZCHAT_SEED", time.time_ns() % 10**9))
    print(f"# seed {seed}")
    dice = random.Random(seed)
    broker, (alice, carol) = room(scene, "alice", "carol")
    histories = {nick: str(scene.folder / f"{nick}.history") for nick in ("alice", "carol")}
    tail = carol.start("tail", "#lobby", "--json", "--since", "all", "--history", histories["carol"])
    said, kept = [], []
    for _ in range(ROUNDS):
        one_round(dice, broker, alice, histories["alice"], said, kept)
    while outboxes(alice):
        alice.ok(*PATIENT, "--history", histories["alice"])
    alice.ok(*PATIENT, "--history", histories["alice"], stdin=b"the end\n")
    tail.wait_event(text="the end")
    told = texts(tail.json())
    equal(told, [word for word in said if word in set(told)] + ["the end"], "once, and in the order they were said")
    equal([word for word in kept if word not in set(told)], [], "words that were taken and never sent")
    judged = scene.run([program("zchat-check"), "--complete", *histories.values()])
    equal(judged.code, 0, f"the checker: {judged}")


if __name__ == "__main__":
    run_tests()
