#!/usr/bin/python3
"""What a person sees: two who talk, a link that drops, messages that wait, fail and arrive."""
import re

from terminal import chat
from zchat_test import check, equal, run_tests, test, texts, wait_until


def pair(scene, *options):
    broker = scene.broker(*options)
    alice, bob = scene.person("alice", broker), scene.person("bob", broker)
    for each in (alice, bob):
        each.ok("join", "#lobby")
    return broker, alice, bob


def talk(scene, columns, rows):
    _, alice, bob = pair(scene)
    alice.ok("room", "topic", "#lobby", "Plans 计划")
    one = chat(scene, alice, columns=columns, rows=rows)
    two = chat(scene, bob, columns=columns, rows=rows)
    for each in (one, two):
        each.wait("#lobby>")
        each.wait("2 people")
    one.say("Hello bob, is the 船 ready?")
    two.wait("ready?")
    two.say("你好，alice！明天早上可以出发，我们需要把所有的东西都搬到码头去。")
    one.wait("你好")
    two.say("e\u0301te\u0301 and 👍 too")
    one.wait("too")
    one.wait("✓")
    two.wait(lambda text: text.count("✓") == 2)
    one.golden(f"talk-alice-{columns}x{rows}")
    two.golden(f"talk-bob-{columns}x{rows}")


@test
def two_people_talk_on_80x24(scene):
    talk(scene, 80, 24)


@test
def two_people_talk_on_120x40(scene):
    talk(scene, 120, 40)


@test
def two_people_talk_on_40x10(scene):
    talk(scene, 40, 10)


@test
def a_message_waits_while_the_link_is_down_and_is_stored_once(scene):
    broker, alice, bob = pair(scene)
    one = chat(scene, alice)
    one.wait("online")
    one.say("before")
    one.wait(re.compile(r"✓ +alice before"))
    broker.kill9()
    one.wait("offline")
    one.say("during")
    one.wait(re.compile(r"· +alice during"))
    one.wait("1 unsent")
    broker.start()
    one.wait(re.compile(r"✓ +alice during"))
    one.wait("online")
    equal(sum("during" in line for line in one.lines()), 1, "lines of the message")
    equal(texts(bob.history("#lobby")), ["before", "during"], "what is stored")


@test
def what_is_refused_is_marked_and_retried(scene):
    _, alice, bob = pair(scene)
    alice.ok("room", "mute", "#lobby", "bob")
    two = chat(scene, bob)
    two.wait("#lobby>")
    two.say("may I?")
    two.wait(re.compile(r"! +bob may I\?"))
    two.wait("/retry")
    alice.ok("room", "unmute", "#lobby", "bob")
    two.wait("lets bob write again")
    two.say("/retry")
    two.wait(re.compile(r"✓ +bob may I\?"))
    equal(texts(alice.history("#lobby")), ["may I?"], "what is stored")


@test
def a_message_of_before_arrives_at_the_start_and_is_confirmed(scene):
    _, alice, bob = pair(scene)
    alice.ok("send", "@bob", "call me")
    two = chat(scene, bob)
    two.wait(re.compile(r"@alice +1"))
    alice.ok("send", "@bob", "--wait", "delivered", "are you there?")
    two.keys("M-a")
    two.wait("call me")
    two.wait("are you there?")
    two.wait("@alice>")
    two.say("yes")
    two.wait(re.compile(r"✓ +bob yes"))
    one = chat(scene, alice)
    one.wait(re.compile(r"@bob +1"))
    two.wait(re.compile(r"✓✓ +bob yes"))


@test
def a_link_that_comes_back_at_another_broker_says_so(scene):
    broker, alice, _ = pair(scene)
    port = scene.free_port("127.0.0.1")
    alice.url = f"{broker.url},zchat://127.0.0.1:{port}?key={broker.key()}"
    one = chat(scene, alice, columns=120)
    one.wait("online")
    broker.kill9()
    one.wait("offline")
    one.say("between the two")
    broker.port = port
    broker.start()
    one.wait(f"the link is back (another broker: 127.0.0.1:{port})")
    one.wait(re.compile(r"✓ +alice between the two"))
    equal(texts(alice.history("#lobby")), ["between the two"], "what was said")


@test
def paging_up_fetches_what_is_older(scene):
    _, alice, bob = pair(scene)
    bob.ok("send", "#lobby", "--lines", stdin="\n".join(f"line {n}" for n in range(1, 401)).encode())
    one = chat(scene, alice)
    one.wait("line 400")
    check("line 300\n" not in one.text(), "the end is shown")
    for _ in range(40):
        one.keys("PgUp")
        if re.search(r"line 1\n", one.text()):
            break
        one.wait("looking back")
    one.wait(re.compile(r"line 1\n"), "the first line")
    one.wait(re.compile(r"line 1\n.*line 2\n.*line 3\n", re.S), "in order")
    one.keys("M->")
    one.wait("line 400")


@test
def tab_completes_commands_rooms_and_nicks(scene):
    _, alice, bob = pair(scene)
    bob.ok("send", "#lobby", "hi")
    one = chat(scene, alice)
    one.wait("hi")
    one.type("bo")
    one.keys("Tab")
    one.wait("#lobby> bob:")
    one.keys("C-u")
    one.type("/joi")
    one.keys("Tab")
    one.wait("#lobby> /join")
    one.type("#lo")
    one.keys("Tab")
    one.wait("/join #lobby")


@test
def a_paste_of_lines_is_asked_about(scene):
    _, alice, bob = pair(scene)
    one = chat(scene, alice)
    one.wait("2 people")
    one.paste("first\nsecond\nthird\n")
    one.wait("3 lines pasted")
    one.golden("paste-80x24")
    one.keys("c")
    one.wait_gone("3 lines pasted")
    one.paste("one\ntwo\n")
    one.wait("2 lines pasted")
    one.keys("m")
    one.wait(re.compile(r"✓ +alice one"))
    one.paste("three\nfour\n")
    one.wait("2 lines pasted")
    one.keys("l")
    one.wait(re.compile(r"✓ +alice four"))
    equal(texts(bob.history("#lobby")), ["one\ntwo", "three", "four"], "what was said")


@test
def hostile_text_moves_nothing(scene):
    _, alice, bob = pair(scene)
    one = chat(scene, alice)
    one.wait("2 people")
    bob.ok("send", "#lobby", "-", stdin="a\x1b[2J\x1b[H\x1b]0;owned\x07b\u202eabc\rx\u009b5mz".encode())
    bob.ok("send", "#lobby", "behind it")
    one.wait("behind it")
    one.golden("hostile-80x24")
    check(one.state("#{pane_title}") != "owned", "the title is not taken")


@test
def mentions_are_counted_in_rooms_that_are_not_shown(scene):
    _, alice, bob = pair(scene)
    for each in (alice, bob):
        each.ok("join", "#ops")
    one = chat(scene, alice)
    one.wait("#ops")
    one.keys("M-1")
    one.wait("#lobby>")
    bob.ok("send", "#ops", "one")
    bob.ok("send", "#ops", "Alice: two")
    one.wait(re.compile(r"#ops +2!"))
    one.keys("M-2")
    one.wait("#ops>")
    one.wait("unread")
    one.golden("unread-80x24")


@test
def joins_and_leaves_are_one_line(scene):
    broker, alice, _ = pair(scene)
    one = chat(scene, alice)
    one.wait("2 people")
    carol = scene.person("carol", broker)
    carol.ok("join", "#lobby")
    one.wait("3 people")
    carol.ok("leave", "#lobby")
    one.wait("2 people")
    one.wait("carol left")
    check("carol joined" not in one.text(), "folded")


@test
def sizes_change_and_too_small_is_said(scene):
    _, alice, _ = pair(scene)
    one = chat(scene, alice)
    one.wait("2 people")
    one.say("hello there")
    one.wait("✓")
    one.resize(40, 10)
    one.wait(lambda text: "▸" not in text and "hello there" in text)
    one.resize(30, 8)
    one.wait("zchat needs 40x10")
    one.resize(100, 30)
    one.wait("hello there")
    one.wait("▸#lobby")


@test
def without_utf8_the_signs_are_ascii(scene):
    _, alice, _ = pair(scene)
    one = chat(scene, alice, env={"LC_ALL": "C"})
    one.wait("2 people")
    one.say("plain")
    one.wait(re.compile(r"\+ +alice plain"))
    check(all(ord(char) < 128 for char in one.text()), f"ASCII only:\n{one.text()}")


@test
def the_card_of_keys_fits_one_screen(scene):
    _, alice, _ = pair(scene)
    one = chat(scene, alice)
    one.wait("2 people")
    one.keys("F2")
    one.wait(re.compile(r"│alice\n.*│bob\n", re.S))
    one.keys("F2")
    one.keys("F1")
    one.wait("any key closes this")
    one.golden("keys-80x24")
    one.keys("q")
    one.wait("#lobby>")
    check("#lobby> q" not in one.text(), "the key is swallowed")


@test
def words_are_found_in_what_was_said(scene):
    _, alice, bob = pair(scene)
    bob.ok("send", "#lobby", "--lines", stdin="\n".join(["the needle"] + [f"hay {n}" for n in range(45)]).encode())
    one = chat(scene, alice)
    one.wait("hay 44")
    one.keys("C-r")
    one.wait("search:")
    one.type("NEEDLE")
    one.wait("the needle")
    one.keys("Escape")
    one.wait("#lobby>")


@test
def commands_answer_on_the_screen(scene):
    _, alice, _ = pair(scene)
    one = chat(scene, alice)
    one.wait("2 people")
    one.say("/who")
    one.wait(re.compile(r"bob +gone"))
    one.say("/rooms")
    one.wait(re.compile(r"\* #lobby|@ #lobby"))
    one.say("/nonsense")
    one.wait("there is no such command")
    one.say("/ignore bob")
    one.wait("bob is not heard")
    one.say("/topic All about it")
    one.wait("#lobby: All about it")
    one.say("/quit")
    equal(one.wait_end(), "0", "exit code")


@test
def unread_places_are_kept_for_the_next_start(scene):
    _, alice, bob = pair(scene)
    one = chat(scene, alice)
    one.wait("2 people")
    bob.ok("send", "#lobby", "seen")
    one.wait("seen")
    one.say("/quit")
    one.wait_end()
    bob.ok("send", "#lobby", "missed")
    again = chat(scene, alice)
    again.wait(re.compile(r"seen.*unread.*missed", re.S))


@test
def a_text_is_written_in_the_editor_of_ones_choice(scene):
    _, alice, bob = pair(scene)
    editor = scene.folder / "write it"
    editor.write_text("#!/bin/sh\nprintf 'from outside\\nwith two lines\\n' >\"$1\"\n")
    editor.chmod(0o700)
    link = scene.folder / "editor"
    link.symlink_to(editor)
    one = chat(scene, alice, env={"EDITOR": str(link), "VISUAL": ""})
    one.wait("2 people")
    one.keys("C-x", "C-e")
    one.wait("with two lines")
    one.keys("Enter")
    one.wait("✓")
    equal(texts(bob.history("#lobby")), ["from outside\nwith two lines"], "what was said")


@test
def a_mention_starts_the_program_that_the_configuration_names(scene):
    _, alice, bob = pair(scene)
    told = scene.folder / "told"
    program = scene.folder / "tell"
    program.write_text(f"#!/bin/sh\nprintf '%s|%s' \"$1\" \"$2\" >{told}.new && mv {told}.new {told}\n")
    program.chmod(0o700)
    config = scene.folder / "my.conf"
    config.write_text(f"notify.command = {program} %t %b\n")
    one = chat(scene, alice, "--config", config)
    one.wait("2 people")
    one.say("/query bob")
    one.wait("@bob>")
    bob.ok("send", "#lobby", "hey alice; $(touch x) `id`")
    wait_until(told.exists, "the program has run")
    equal(told.read_text(), "#lobby|bob: hey alice; $(touch x) `id`", "its words")


@test
def the_client_may_be_started_before_the_broker(scene):
    broker, alice, bob = pair(scene)
    bob.ok("send", "@alice", "early")
    broker.stop()
    one = chat(scene, alice, "--timeout", "1s")
    one.wait("cannot connect")
    one.say("/query bob")
    one.wait("@bob>")
    one.say("who is there?")
    one.wait(re.compile(r"! +alice who is there"))  # a second is over, and so is that of the question for rooms
    broker.start()
    one.wait("#lobby")
    one.wait(re.compile(r"bob early"))
    one.say("/retry")
    one.wait(re.compile(r"✓ +alice who is there"))


@test
def what_lies_under_the_card_is_not_confirmed(scene):
    _, alice, bob = pair(scene)
    two = chat(scene, bob)
    two.wait("2 people")
    two.keys("F1")
    two.wait("any key closes this")
    alice.refused(7, "", "send", "@bob", "--wait", "delivered", "--timeout", "1500ms", "hidden")
    two.keys("q")
    two.wait(re.compile(r"@alice +1"))
    one = chat(scene, alice)
    one.wait(re.compile(r"@bob"))
    one.say("/query bob")
    one.wait(re.compile(r"✓✓ +alice hidden"))


if __name__ == "__main__":
    run_tests()
