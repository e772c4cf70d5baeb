#!/usr/bin/python3
"""Which streams zchat-logger archives: patterns and excludes, private rooms, kicks, its own stream. See test_archive.py for
the rest."""
from zchat_test import check, check_no_hole, equal, messages, read_log, run_tests, test, texts, wait_until


def wait_for_text(logger, stream, text):
    wait_until(lambda: text in texts(read_log(logger.out_folder, stream)), f"'{text}' is archived in {stream}")


def names(logger):
    return sorted(path.name for path in logger.out_folder.glob("*"))


def line_of(logger, *parts):
    """The line on stderr that has all of these."""
    def found():
        return [line for line in logger.err if all(part in line for part in parts)]
    return wait_until(found, f"a line with {parts}")[-1]


def private_room(scene, broker, room="#lab"):
    bob = scene.person("bob", broker)
    bob.ok("room", "create", room, "--private", "--persistent")
    bob.ok("send", room, "first")
    return bob


@test
def excluded_rooms_are_left_out(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    for room in ("#one", "#secret-plans", "#Zwei"):
        alice.ok("join", room)
    logger = scene.logger(broker, "--streams", "#*,!#Secret*")
    wait_until(lambda: len(names(logger)) >= 2, "two rooms have their files")
    alice.ok("send", "#one", "last word")
    wait_for_text(logger, "#one", "last word")
    equal(names(logger), ["%23one.jsonl", "%23zwei.jsonl"], "files")


@test
def a_private_room_is_archived_when_it_was_asked_for_and_the_logger_is_let_in(scene):
    broker = scene.broker()
    bob = private_room(scene, broker)
    bob.ok("join", "#lobby")
    logger = scene.logger(broker, "--streams", "#*,#lab,#later")
    line_of(logger, "stream.closed", "stream=#lab", "private", 'need="an operator of the room invites the logger')
    line_of(logger, "stream.closed", "stream=#later", "no such room")
    bob.ok("send", "#lobby", "in the open")
    wait_for_text(logger, "#lobby", "in the open")
    check("%23lab.jsonl" not in names(logger), "a file of a room that it may not read")
    bob.ok("room", "invite", "#lab", "logger")
    line_of(logger, "stream.invited", "#lab")
    bob.ok("send", "#lab", "second")
    wait_for_text(logger, "#lab", "second")
    equal(texts(read_log(logger.out_folder, "#lab")), ["first", "second"], "what was said")
    equal(read_log(logger.out_folder, "#lab")[-2]["type"], "join", "members see that it comes in")
    equal(len([line for line in logger.err if "stream=#lab" in line and "stream.closed" in line]), 1, "times it says so")
    bob.ok("join", "#later")
    wait_until(lambda: "%23later.jsonl" in names(logger), "the room that came later has its file")
    equal(logger.stop(), 0, "exit code")


@test
def without_streams_private_rooms_are_left_alone(scene):
    broker = scene.broker()
    bob = private_room(scene, broker)
    bob.ok("join", "#lobby")
    member = scene.person("logger", broker, home=scene.folder / "home-logger")
    member.ok("ping")
    bob.ok("room", "invite", "#lab", "logger")
    member.ok("join", "#lab")
    logger = scene.logger(broker)
    line_of(logger, "stream.private", "stream=#lab", "--streams")
    bob.ok("send", "#lobby", "in the open")
    wait_for_text(logger, "#lobby", "in the open")
    equal(names(logger), ["%23lobby.jsonl"], "files")


@test
def a_logger_that_is_put_out_says_so_and_goes_on_with_the_others(scene):
    broker = scene.broker()
    bob = private_room(scene, broker)
    bob.ok("join", "#lobby")
    logger = scene.logger(broker, "--streams", "#*", "--format", "both")
    logger.wait_line("link.up", where="err")
    bob.ok("room", "invite", "#lab", "logger")
    bob.ok("send", "#lab", "second")
    wait_for_text(logger, "#lab", "second")
    bob.ok("room", "kick", "#lab", "logger", "no records")
    line = line_of(logger, "stream.closed", "stream=#lab", "invites the logger", "the others go on")
    check("place=" in line, line)
    bob.ok("send", "#lab", "among us")
    bob.ok("send", "#lobby", "the others")
    wait_for_text(logger, "#lobby", "the others")
    check("among us" not in texts(read_log(logger.out_folder, "#lab")), "it heard what was said afterwards")
    bob.ok("room", "invite", "#lab", "logger")
    bob.ok("send", "#lab", "together again")
    line_of(logger, "stream.open", "stream=#lab", "place=")
    wait_for_text(logger, "#lab", "together again")
    equal(len([line for line in logger.err if "stream.closed" in line]), 1, "times it says so")
    events = read_log(logger.out_folder, "#lab")
    check(events[0]["seq"] == 1 and events[-1]["seq"] == bob.history("#lab")[-1]["seq"], f"its ends: {events}")
    seen = [number for event in events for number in range(event.get("first", event["seq"]), event["seq"] + 1)]
    equal(seen, list(range(1, seen[-1] + 1)), "every number is there or in a gap")
    equal(logger.stop(), 0, "exit code")


@test
def a_room_that_was_closed_for_a_while_goes_on_behind_a_gap(scene):
    broker = scene.broker()
    bob = scene.person("bob", broker)
    bob.ok("room", "create", "#lab", "--persistent")
    bob.ok("send", "#lab", "open")
    logger = scene.logger(broker, "--format", "both")
    wait_for_text(logger, "#lab", "open")
    bob.ok("room", "private", "#lab")
    bob.ok("send", "#lab", "behind closed doors")
    line_of(logger, "stream.closed", "stream=#lab")
    bob.ok("room", "public", "#lab")
    bob.ok("send", "#lab", "open again")
    wait_for_text(logger, "#lab", "open again")
    events = read_log(logger.out_folder, "#lab")
    gap, = [event for event in events if event["type"] == "gap"]
    check("behind closed doors" not in texts(events), "what was said in private is not archived")
    text = (logger.out_folder / "%23lab.log").read_text()
    check(f"--- Gap {gap['first']} to {gap['last']}" in text and "closed doors" not in text, text)


@test
def the_own_stream_is_archived_and_nobody_is_told_that_it_was_read(scene):
    broker = scene.broker()
    scene.person("logger", broker, home=scene.folder / "home-logger").ok("ping")
    bob = scene.person("bob", broker)
    logger = scene.logger(broker, "--streams", "@Logger,@bob", "--format", "both")
    line_of(logger, "stream.closed", "stream=@bob", "own person")
    bob.ok("send", "@logger", "note this")
    wait_for_text(logger, "@logger", "note this")
    bob.refused(7, "", "send", "@logger", "and this", "--wait", "delivered", "--timeout", "1s")
    wait_for_text(logger, "@logger", "and this")
    check(not [event for event in bob.history("@bob") if event["type"] == "receipt"], "bob has a receipt")
    check("<bob> note this\n" in (logger.out_folder / "%40logger.log").read_text(), "the text form")
    equal(logger.stop(), 0, "exit code")
    again = scene.logger(broker, "--streams", "@logger", "--confirm")
    bob.ok("send", "@logger", "arrived?", "--wait", "delivered")
    equal(texts(read_log(again.out_folder, "@logger")), ["note this", "and this", "arrived?"], "what is archived")
    check_no_hole(messages(read_log(again.out_folder, "@logger")), "the archive")


if __name__ == "__main__":
    run_tests()
