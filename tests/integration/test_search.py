#!/usr/bin/python3
"""Search from end to end: what is found, by whom, and what a killed broker, a damaged index and a switch do to it.
[R-51] [R-52] [R-53] [R-54]."""
import sqlite3
import time

from zchat_test import check, equal, run_tests, test, texts, wait_until


def found(person, *words):
    result = person.ok("search", "--json", *words)
    return texts(result.json())


def lobby(scene, *options):
    broker = scene.broker(*options)
    people = [scene.person(nick, broker) for nick in ("alice", "bob")]
    for person in people:
        person.ok("join", "#lobby")
    return broker, *people


@test
def what_was_said_is_found_by_words_sender_place_and_time_r52(scene):
    broker, alice, bob = lobby(scene)
    alice.ok("send", "#lobby", "The quick brown fox")
    bob.ok("send", "#lobby", "我们今天去北京吃饭, Café")
    alice.ok("send", "@bob", "a fox for you")
    equal(found(alice, "fox"), ["a fox for you", "The quick brown fox"], "a word")
    equal(found(bob, "\"quick brown\""), ["The quick brown fox"], "a phrase")
    equal(found(bob, "\"brown quick\""), [], "another phrase")
    equal(found(bob, "qui*"), ["The quick brown fox"], "a beginning")
    equal(found(bob, "北京"), ["我们今天去北京吃饭, Café"], "a part of a text without spaces")
    equal(found(bob, "cafe"), ["我们今天去北京吃饭, Café"], "a word without its accent")
    equal(found(alice, "fox", "in:#lobby"), ["The quick brown fox"], "in a room")
    equal(found(alice, "fox", "--in", "@bob"), ["a fox for you"], "with somebody")
    equal(found(bob, "--in", "@alice"), ["a fox for you"], "with somebody, any words")
    equal(found(alice, "from:bob", "after:1h"), ["我们今天去北京吃饭, Café"], "of somebody, lately")
    equal(found(alice, "fox", "before:1h"), [], "long ago")
    equal(found(alice, "fox", "-n", "1"), ["a fox for you"], "the newest one")
    lines = alice.ok("search", "fox").lines()
    check("#lobby alice: The quick brown fox" in lines[1], f"{lines}")


@test
def what_cannot_be_asked_says_why(scene):
    broker, alice, bob = lobby(scene)
    bob.ok("send", "#lobby", "hello")
    result = alice.ok("search", "nothing of this kind")
    equal((result.out, b"nothing was found" in result.err), (b"", True), "an empty answer")
    alice.refused(2, "a word", "search")
    alice.refused(2, "a word", "search", "!!!")
    alice.refused(2, "before takes", "search", "x", "before:soon")
    alice.refused(2, "given twice", "search", "x", "in:#lobby", "--in", "#lobby")
    alice.refused(2, "in takes", "search", "x", "in:lobby")
    alice.refused(6, "no_such_room", "search", "x", "in:#none")
    alice.refused(6, "no_such_nick", "search", "from:nobody")
    alice.refused(4, "too_big", "search", *"a b c d e f g h i j k l m n o p q".split())


@test
def private_text_is_found_by_its_people_alone_r51(scene):
    broker, alice, bob = lobby(scene)
    carol = scene.person("carol", broker)
    carol.ok("ping")
    alice.ok("send", "@bob", "the secret of the house")
    alice.ok("room", "create", "#den", "--private")
    alice.ok("send", "#den", "the secret of the den")
    alice.ok("room", "invite", "#den", "bob")
    bob.ok("join", "#den")
    equal(sorted(found(bob, "secret")), ["the secret of the den", "the secret of the house"], "what bob finds")
    equal(found(carol, "secret"), [], "what carol finds")
    carol.refused(4, "private", "search", "secret", "in:#den")
    alice.ok("room", "kick", "#den", "bob")
    alice.ok("send", "#den", "a secret behind the door")
    equal(found(bob, "secret"), ["the secret of the house"], "what bob finds after a kick")
    bob.refused(4, "private", "search", "secret", "in:#den")
    alice.ok("room", "public", "#den")
    alice.ok("send", "#den", "no secret any more")
    equal(found(carol, "secret", "in:#den"), ["no secret any more"], "what carol finds in the opened room")
    equal(len(found(alice, "secret", "in:#den")), 3, "what alice finds there")


def index_rows(broker):
    with sqlite3.connect(f"file:{broker.data / 'search.db'}?mode=ro", uri=True) as index:
        return index.execute("SELECT count(*), count(DISTINCT entry) FROM doc").fetchone()


def post_lines(scene, person, count, word):
    sender = person.start("send", "#lobby", "--lines", "--timeout", "60s")
    sender.write_behind("".join(f"{word} number {n}\n" for n in range(count)).encode())
    return sender


@test
def a_broker_killed_while_it_indexes_misses_and_doubles_nothing(scene):
    broker, alice, bob = lobby(scene, "--account-burst", "1000000")
    count = 12000
    sender = post_lines(scene, alice, count, "needle")
    for share in (0.2, 0.5, 0.8):
        wait_until(lambda: sender.out_count() >= count * share, "lines are acknowledged", 120)
        rows, distinct = index_rows(broker)
        broker.kill9()
        equal(rows, distinct, "rows of the index, and events they are of")
        broker.start()
    equal(sender.wait_exit(120), 0, "the sender's exit code")
    wait_until(lambda: index_rows(broker)[0] == count, "everything is indexed", 60)
    equal(index_rows(broker), (count, count), "rows and events of the index")
    events = bob.ok("search", "--json", "needle", "-n", str(count + 1), "--timeout", "60s", timeout=120).json()
    equal([event["text"] for event in reversed(events)], [f"needle number {n}" for n in range(count)], "what is found")
    equal(len({event["seq"] for event in events}), count, "places")
    broker.stop()
    (broker.data / "search.db").unlink()  # and made anew it is the same
    broker.start()
    wait_until(lambda: index_rows(broker)[0] == count, "everything is indexed again", 60)
    again = bob.ok("search", "--json", "needle", "-n", str(count + 1), "--timeout", "60s", timeout=120).json()
    equal(again, events, "what is found in the index made anew")


@test
def a_hundred_thousand_messages_are_indexed_while_others_talk(scene):
    count = 100000
    broker, alice, bob = lobby(scene, "--account-burst", "100000000", "--account-rate", "100000000", "--room-burst",
                               "100000000", "--room-rate", "100000000")
    begin = time.monotonic()
    sender = post_lines(scene, alice, count, "needle")
    answers = []
    while sender.is_running():
        start = time.monotonic()
        text = f"between {len(answers)}"
        bob.ok("send", "#lobby", text)
        result = bob.ok("search", "--json", "from:bob", f'"{text}"')
        check(text in texts(result.json()) or b"still indexing" in result.err, f"bob does not find '{text}': {result}")
        answers.append(time.monotonic() - start)
    equal(sender.wait_exit(240), 0, f"the sender's exit code, {sender.err[-3:]}")
    posted = time.monotonic() - begin
    wait_until(lambda: index_rows(broker)[0] == count + len(answers), "everything is indexed", 120)
    indexed = time.monotonic() - begin
    equal(index_rows(broker)[0], index_rows(broker)[1], "rows and events")
    start = time.monotonic()
    equal(found(bob, "\"needle number 50000\""), ["needle number 50000"], "one of a hundred thousand")
    one = time.monotonic() - start
    equal(len(found(bob, "needle", "-n", "1000")), 1000, "the newest thousand")
    print(f"# {count} lines posted in {posted:.1f} s ({count / posted:.0f}/s), indexed {indexed - posted:.1f} s later; "
          f"one found in {one * 1000:.0f} ms with the program's start; a post and a search beside it "
          f"{1000 * sum(answers) / len(answers):.0f} ms")


@test
def a_damaged_index_never_stops_the_chat_and_is_made_anew_r54(scene):
    broker, alice, bob = lobby(scene)
    alice.ok("send", "#lobby", "a needle")
    equal(found(bob, "needle"), ["a needle"], "found before")
    broker.stop()
    (broker.data / "search.db").write_bytes(b"this is no database" * 1000)
    broker.start()
    equal(found(bob, "needle"), ["a needle"], "found in the index made anew")
    broker.stop()
    with sqlite3.connect(broker.data / "search.db") as index:
        index.execute("UPDATE found_data SET block = x'00ff00ff'")
    broker.start()
    alice.ok("send", "#lobby", "another needle")

    def is_refused():
        return bob.run("search", "needle").code == 4

    wait_until(is_refused, "searches are refused")
    bob.refused(4, "no_search", "search", "needle")
    alice.ok("send", "#lobby", "a third needle")
    broker.process.wait_line("search.failed", where="err")
    broker.restart()
    equal(len(found(bob, "needle")), 3, "needles after the next start")


@test
def a_broker_that_cannot_write_its_index_still_serves_r54(scene):
    broker = scene.broker()
    broker.stop()
    (broker.data / "search.db").unlink()
    (broker.data / "search.db").mkdir()
    broker.start()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    alice.ok("send", "#lobby", "a needle")
    alice.refused(4, "no_search", "search", "needle")
    broker.process.wait_line("search.not_started", where="err")


@test
def search_off_refuses_and_leaves_no_index_r54(scene):
    broker, alice, bob = lobby(scene)
    alice.ok("send", "#lobby", "a needle")
    equal(found(bob, "needle"), ["a needle"], "found before")
    broker.options += ["--search", "off"]
    broker.restart()
    bob.refused(4, "no_search", "search", "needle")
    equal([path.name for path in broker.data.iterdir() if path.name.startswith("search.db")], [], "what is left")


@test
def line_mode_searches_and_goes_on(scene):
    broker, alice, bob = lobby(scene)
    alice.ok("send", "#lobby", "a needle")
    chat = bob.start("--plain")
    chat.write("/search needle from:alice\n/search nothing-of-this\n/search\nand a line\n")
    chat.close_stdin()
    equal(chat.wait_exit(), 0, "exit code")
    said = "\n".join(chat.out)
    check("#lobby alice: a needle" in said and "and a line" in said, said)
    err = "\n".join(chat.err)
    check("nothing was found" in err and "needs a word" in err, err)


if __name__ == "__main__":
    run_tests()
