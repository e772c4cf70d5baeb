#!/usr/bin/python3
"""What zchat asks and tells, against a broker that says what the test wants: verbs and line mode at bad times."""
import itertools
import pathlib

from told_broker import ToldBroker
from zchat_test import check, equal, run_tests, test

TOKEN = "00112233445566778899aabbccddeeff"
KEY = "00112233445566778899aabbccddeeff" * 2


def person(scene):
    broker = ToldBroker(scene)
    return broker, scene.person("alice", broker.url)


def line_in(scene, room="#lab"):
    """A running line mode that is in the room, and its broker."""
    broker, alice = person(scene)
    line = alice.start()
    line.write(f"/join {room}\n")
    line.wait_line(f"you are in {room}", where="err")
    line.wait_line("alice joined")
    return broker, line


def end(line, code):
    line.close_stdin()
    equal(line.wait_exit(), code, f"exit code; {line.told()}")


@test
def all_pages_of_the_figures_are_asked_for(scene):
    broker, alice = person(scene)

    def page(asked, _):
        first = asked.get("cursor", 0)
        rows = [{"v": "stat", "name": f"figure_{n}", "value": n, "ref": asked["ref"]} for n in range(first, min(first + 128, 300))]
        return rows + [{"v": "end", "ref": asked["ref"], **({"cursor": first + 128} if first + 128 < 300 else {})}]

    broker.answers["stats"] = page
    rows = alice.ok("admin", "stats", "--json").json()
    equal([(row["name"], row["value"]) for row in rows], [(f"figure_{n}", n) for n in range(300)], "rows of three pages")
    equal([asked.get("cursor", 0) for asked in broker.asked_of("stats")], [0, 128, 256], "what was asked")


@test
def each_order_says_what_it_is_about(scene):
    broker, alice = person(scene)
    orders = {
        ("room", "topic", "#lab", "all", "news"): {"v": "topic", "stream": "#lab", "topic": "all news"},
        ("room", "topic", "#lab", ""): {"v": "topic", "stream": "#lab", "topic": ""},
        ("room", "private", "#lab"): {"v": "mode", "stream": "#lab", "private": True},
        ("room", "public", "#lab"): {"v": "mode", "stream": "#lab", "private": False},
        ("room", "passing", "#lab"): {"v": "mode", "stream": "#lab", "persistent": False},
        ("room", "invite", "#lab", "bob"): {"v": "invite", "stream": "#lab", "nick": "bob"},
        ("room", "kick", "#lab", "@bob", "too", "loud"): {"v": "kick", "stream": "#lab", "nick": "bob",
                                                          "text": "too loud"},
        ("room", "ban", "#lab", "bob", "--for", "90m"): {"v": "ban", "stream": "#lab", "nick": "bob", "seconds": 5400},
        ("room", "ban", "#lab", "--key", KEY): {"v": "ban", "stream": "#lab", "key": bytes.fromhex(KEY)},
        ("room", "unmute", "#lab", "bob"): {"v": "unmute", "stream": "#lab", "nick": "bob"},
        ("admin", "ban", "bob", "spam"): {"v": "ban", "nick": "bob", "text": "spam"},
        ("admin", "unban", "--key", KEY): {"v": "unban", "key": bytes.fromhex(KEY)},
        ("admin", "revoke", "bob"): {"v": "revoke", "nick": "bob"},
        ("admin", "role", "bob", "operator"): {"v": "role", "nick": "bob", "role": "operator"},
        ("device", "remove", KEY): {"v": "revoke", "key": bytes.fromhex(KEY)},
    }
    for words, want in orders.items():
        equal(alice.ok(*words).out, b"", f"{words} prints nothing")
        got = {key: value for key, value in broker.asked_of(want["v"])[-1].items() if key != "ref"}
        equal(got, want, " ".join(words))


@test
def a_refused_order_says_what_was_asked_and_ends_by_its_code(scene):
    broker, alice = person(scene)
    broker.answers["kick"] = lambda each, peer: [{"v": "error", "code": 18, "error": "denied", "text": "no"}]
    alice.refused(4, "zchat: room kick #lab bob: you may not do that (denied)", "room", "kick", "#lab", "bob")
    broker.answers["kick"] = lambda each, peer: [{"v": "error", "code": 12, "error": "no_such_nick", "text": "no"}]
    alice.refused(6, "(no_such_nick)", "room", "kick", "#lab", "bob")
    broker.answers["kick"] = lambda each, peer: []
    alice.refused(3, "(timeout)", "room", "kick", "#lab", "bob", "--timeout", "1s")
    alice.refused(2, "#room", "room", "kick", "lab", "bob")
    alice.refused(2, "whom?", "admin", "ban")
    alice.refused(2, "a role is", "admin", "role", "bob", "king")


@test
def orders_in_json_tell_what_was_done(scene):
    broker, alice = person(scene)
    broker.answers["kick"] = lambda each, peer: [{"v": "done", "stream": "#lab", "nick": "bob", "seq": 7}]
    equal(alice.ok("room", "kick", "#lab", "bob", "spam", "--json").json(),
          [{"done": "kick", "stream": "#lab", "nick": "bob", "text": "spam", "seq": 7}], "kick")


@test
def a_device_is_removed_by_the_beginning_of_its_key(scene):
    broker, alice = person(scene)
    keys = ["abcd" + "0" * 60, "abcd" + "1" * 60, "ef01" + "2" * 60]
    broker.answers["devices"] = lambda each, peer: [
        {"v": "device", "key": bytes.fromhex(key), "ts": 1795425710123, "name": "a\x1bb", "member": key == keys[2]}
        for key in keys] + [{"v": "end"}]
    rows = alice.ok("device", "list", "--json").json()
    equal([(row["key"], row["name"], row["own"], row["ts"]) for row in rows],
          [(key, "a\x1bb", key == keys[2], "2026-11-23T09:21:50.123Z") for key in keys], "rows")
    told = alice.ok("device", "list").out
    check(b"\x1b" not in told and told.splitlines()[2].startswith(b"* ef01"), f"the human form: {told}")
    alice.ok("device", "remove", "EF01")
    equal(broker.asked_of("revoke")[0]["key"].hex(), keys[2], "the key")
    alice.refused(2, "2 devices", "device", "remove", "abcd")
    alice.refused(6, "begins with 9999", "device", "remove", "9999")
    alice.refused(2, "is not a key", "device", "remove", "abc")
    alice.refused(2, "is not a key", "device", "remove", "work")
    equal(len(broker.asked_of("revoke")), 1, "nothing else was removed")


@test
def an_invitation_is_alone_on_stdout_and_how_to_use_it_on_stderr(scene):
    broker, alice = person(scene)
    broker.answers["admit"] = lambda each, peer: [
        {"v": "invitation", "invite": bytes.fromhex(TOKEN), "role": each.get("role", "member"), "until": 1795425710123,
         **({"nick": each["nick"]} if "nick" in each else {})}]
    result = alice.ok("invite", "bob", "--role", "operator", "--expires", "2h")
    equal(result.out.decode(), f"{broker.url}?invite={TOKEN}&nick=bob\n", "the address")
    check(b"lets bob in as operator, once, until 2026-11-23 09:21:50" in result.err and b"chmod 600" in result.err,
          f"advice: {result}")
    equal({key: value for key, value in broker.asked_of("admit")[-1].items() if key != "ref"},
          {"v": "admit", "nick": "bob", "role": "operator", "seconds": 7200}, "what was asked")
    told = alice.ok("invite", "--json")
    equal((told.json(), told.err), ([{"invitation": f"{broker.url}?invite={TOKEN}", "role": "member",
                                      "until": "2026-11-23T09:21:50.123Z"}], b""), "in JSON")
    alice.ok("device", "add", "laptop")
    equal({key: value for key, value in broker.asked_of("admit")[-1].items() if key not in ("ref", "seconds")},
          {"v": "admit", "device": True, "name": "laptop"}, "a device")


@test
def an_invitation_in_a_file_stands_in_no_argument_and_in_no_file_afterwards(scene):
    broker = ToldBroker(scene)
    path = scene.folder / "invitation"
    path.write_text(f"{broker.url}?invite={TOKEN}&nick=bob\n")
    path.chmod(0o600)
    bob = scene.person(None, f"@{path}", home=scene.folder / "home-bob")
    line = bob.start("--verbose")
    line.wait_line("no room yet", where="err")
    arguments = pathlib.Path(f"/proc/{line.pid}/cmdline").read_bytes()
    environment = pathlib.Path(f"/proc/{line.pid}/environ").read_bytes()
    check(TOKEN.encode() not in arguments + environment, f"arguments: {arguments}")
    end(line, 0)
    hello = broker.asked_of("hello")[0]
    equal((hello["nick"], hello["invite"].hex()), ("bob", TOKEN), "HELLO")
    told = [bob.ok("status"), bob.ok("status", "--json"), bob.ok("key")]
    for each in told:
        check(TOKEN.encode() not in each.out + each.err, f"told: {each}")
    for each in bob.home.rglob("*"):
        check(each.is_dir() or TOKEN.encode() not in each.read_bytes() and
              bytes.fromhex(TOKEN) not in each.read_bytes(), f"{each} holds the token")
    scene.person("bob", None, home=bob.home).ok("ping")  # the address was kept
    check("invite" not in broker.asked_of("hello")[-1], f"the last HELLO: {broker.asked_of('hello')[-1]}")
    path.chmod(0o644)
    refused = scene.person(None, f"@{path}", home=bob.home).run("ping")
    check(refused.code == 1 and b"chmod 600" in refused.err and TOKEN.encode() not in refused.err,
          f"a file that others may read: {refused}")


@test
def who_is_not_let_in_is_told_why_and_what_to_do(scene):
    broker, alice = person(scene)
    for code, name in ((7, "not_let_in"), (8, "nick_in_use"), (26, "bad_invite"), (27, "revoked"), (28, "banned")):
        broker.answers["hello"] = lambda each, peer, code=code, name=name: [
            {"v": "error", "code": code, "error": name, "text": name}]
        alice.refused(5, f"({name})", "ping")
    broker.answers["hello"] = lambda each, peer: [
        {"v": "error", "code": 7, "error": "not_let_in", "text": "say\x1b[2Jno"}]
    refused = alice.run("ping").err
    check(b"by invitation: ask one of its operators" in refused and b"\x1b" not in refused, f"what to do: {refused}")


@test
def a_broker_that_puts_one_off_is_waited_for_and_named(scene):
    broker, alice = person(scene)
    tries = itertools.count()
    broker.answers["hello"] = lambda each, peer: None if next(tries) > 2 else [
        {"v": "error", "code": 17, "error": "disk_full", "text": "full", "retry": 60}]
    equal(alice.ok("ping").err.decode(),
          "zchat: not let in yet: the broker's disk is full; nothing new is accepted (disk_full); trying again\n",
          "told once")


@test
def bans_sessions_and_rooms_are_tables_and_objects(scene):
    broker, alice = person(scene)
    until = 1795425710123
    broker.answers["bans"] = lambda each, peer: [
        {"v": "banned", "state": "ban", "stream": "#lab", "nick": "bob", "until": until},
        {"v": "banned", "state": "ban", "stream": "#lab", "key": bytes.fromhex(KEY)}, {"v": "end"}]
    equal(alice.ok("room", "bans", "#lab", "--json").json(),
          [{"state": "ban", "stream": "#lab", "nick": "bob", "until": "2026-11-23T09:21:50.123Z"},
           {"state": "ban", "stream": "#lab", "key": KEY}], "bans")
    equal([line.split() for line in alice.ok("room", "bans", "#lab").lines()],
          [["ban", "2026-11-23", "09:21:50", "bob"], ["ban", "for", "ever", KEY]], "the human form")
    broker.answers["sessions"] = lambda each, peer: [
        {"v": "session", "nick": "bob", "session": 255, "state": "online", "ts": until, "key": bytes.fromhex(KEY)},
        {"v": "end"}]
    equal(alice.ok("admin", "sessions", "--json").json(),
          [{"nick": "bob", "session": "00000000000000ff", "state": "online", "ts": "2026-11-23T09:21:50.123Z",
            "key": KEY}], "sessions")
    broker.answers["rooms"] = lambda each, peer: [
        {"v": "room", "stream": "#lab", "seq": 9, "people": 2, "member": True, "topic": "a\x1b[2Jb", "private": True,
         "persistent": True, "op": True}, {"v": "end"}]
    equal(alice.ok("rooms").lines(), ["@ #lab                          2         9 [private] [persistent] a\ufffd[2Jb"],
          "the human form of rooms")
    equal(alice.ok("room", "topic", "#lab").out.decode(), "a\ufffd[2Jb\n", "the topic alone")
    alice.refused(6, "no_such_room", "room", "topic", "#other")


@test
def who_is_put_out_is_told_and_what_is_typed_then_goes_nowhere(scene):
    broker, line = line_in(scene)
    line.write("/join #other\n")
    line.wait_line("you are in #other", where="err")
    line.write("/query #lab\nbefore\n")
    line.wait_line("alice: before")
    broker.append("@alice", "kick", **{"from": "bob"}, to="alice", room="#lab", text="spam")
    broker.append("#lab", "kick", **{"from": "bob"}, to="alice", text="spam")
    line.wait_line("* you are no longer in #lab", where="err")
    line.wait_line("* bob put you out of #lab: spam")
    line.write("after\n")
    line.wait_line("* not sent: you are no longer in #lab", where="err")
    line.write("/query #other\nthere\n")
    line.wait_line("#other alice: there")
    equal([post["text"] for post in broker.asked_of("post")], ["before", "there"], "what was posted")
    broker.answers["head"] = lambda each, peer: [{"v": "error", "code": 13, "error": "not_member", "text": "no"}] \
        if each["stream"] == "#other" else None
    broker.append("#other", "kick", **{"from": "bob"}, to="alice")
    line.wait_line("* you are no longer in #other", where="err")
    line.write("/msg @bob bye\n")
    broker.wait_asked("post", text="bye")
    equal([each for each in line.err if "join the room first" in each], [], "it is said once")
    check(not [each for each in line.out if "put alice out" in each], f"it is told once: {line.out}")
    end(line, 4)


@test
def a_room_that_may_not_be_read_any_more_is_left(scene):
    broker, line = line_in(scene)
    broker.answers["head"] = lambda each, peer: [{"v": "error", "code": 30, "error": "private", "text": "no"}] \
        if each["stream"] == "#lab" else None
    line.wait_line("* you are no longer in #lab", where="err")
    line.write("after\n")
    line.wait_line("* not sent", where="err")
    equal(broker.asked_of("post"), [], "posts")
    end(line, 4)


@test
def tail_goes_on_with_what_it_may_still_read(scene):
    broker, alice = person(scene)
    broker.members = {"#lab": {"alice"}, "#other": {"alice"}}
    for room in broker.members:
        broker.append(room, "join", **{"from": "alice"})
    tail, alone = alice.tail("#lab", "#other", "--since", "all"), alice.tail("#lab", "--since", "all")
    for each, count in ((tail, 2), (alone, 1)):
        each.wait_count(count)
    broker.answers["head"] = broker.answers["fetch"] = lambda each, peer: [
        {"v": "error", "code": 13, "error": "not_member", "text": "no"}] if each["stream"] == "#lab" else None
    broker.append("#lab", "kick", **{"from": "bob"}, to="alice")
    tail.wait_event(type="kick")
    tail.wait_line("#lab: join the room first (not_member)", where="err")
    broker.append("#other", "message", **{"from": "bob"}, text="still")
    tail.wait_event(text="still")
    equal(alone.wait_exit(), 4, "nothing is left to follow")
    alice.refused(4, "(not_member)", "tail", "#other", "#lab", "--until-end")  # it never could be read


@test
def being_put_out_long_ago_does_not_count(scene):
    broker, alice = person(scene)
    broker.members["#lab"] = {"alice"}
    broker.append("#lab", "join", **{"from": "alice"})
    broker.append("#lab", "kick", **{"from": "bob"}, to="alice")
    broker.append("#lab", "join", **{"from": "alice"})
    broker.append("@alice", "kick", **{"from": "bob"}, to="alice", room="#lab")
    line = alice.start()
    line.wait_line("bob put alice out")
    line.wait_line("bob put you out of #lab")
    line.write("still here\n")
    line.wait_line("alice: still here")
    check(not [each for each in line.err if "no longer" in each], f"remarks: {line.err}")
    end(line, 0)


@test
def commands_run_the_room_that_lines_go_to(scene):
    broker, line = line_in(scene)
    line.write("/topic\n/topic all news\n/topic -\n/mode private\n/mode red\n/kick @bob too loud\n/ban bob 1h spam\n"
               "/ban bob 10 times warned\n/mute bob 2d\n/unban bob\n/op bob\n/deop bob\n/invite carol\n/kick\n/who\n")
    line.wait_line("* carol is invited", where="err")
    line.wait_line("* whom? /kick NICK", where="err")
    line.wait_line("* which? /mode private", where="err")
    line.wait_line("* #lab has no topic", where="err")
    said = [{key: value for key, value in each.items() if key not in ("ref", "stream")} for each in broker.asked
            if each.get("stream") == "#lab" and each["v"] in ("topic", "mode", "kick", "ban", "unban", "mute", "op",
                                                              "deop", "invite")]
    equal(said, [{"v": "topic", "topic": "all news"}, {"v": "topic", "topic": ""}, {"v": "mode", "private": True},
                 {"v": "kick", "nick": "bob", "text": "too loud"},
                 {"v": "ban", "nick": "bob", "seconds": 3600, "text": "spam"},
                 {"v": "ban", "nick": "bob", "text": "10 times warned"}, {"v": "mute", "nick": "bob", "seconds": 172800},
                 {"v": "unban", "nick": "bob"}, {"v": "op", "nick": "bob"}, {"v": "deop", "nick": "bob"},
                 {"v": "invite", "nick": "carol"}], "what was asked")
    end(line, 0)


@test
def what_happens_in_a_room_is_told_in_sentences(scene):
    broker, line = line_in(scene)
    broker.append("#lab", "topic", **{"from": "bob"}, text="news\x1b[2J")
    broker.append("#lab", "mute", **{"from": "bob"}, to="eve", until=1795425710123)
    broker.append("#lab", "kick", **{"from": "bob"}, to="eve", text="spam")
    broker.append("@alice", "invite", **{"from": "bob"}, to="alice", room="#den")
    line.wait_line("#lab * bob set the topic: news\ufffd[2J")
    line.wait_line("#lab * bob muted eve until 2026-11-23 09:21:50")
    line.wait_line("#lab * bob put eve out: spam")
    line.wait_line("* bob invites you to #den: /join #den")
    line.write("/topic\n")
    line.wait_line("* #lab: news\ufffd[2J", where="err")
    end(line, 0)


def refuse_first(count, code, name):
    """Refuse the first posts as a broker does that takes none now, then be ordinary."""
    tries = itertools.count()

    def answer(each, peer):
        if next(tries) >= count:
            return None
        return [{"v": "error", "code": code, "error": name, "text": name, "number": each["number"], "retry": 60}]
    return answer


@test
def a_message_that_waits_says_why_once_and_goes_out_under_its_number(scene):
    for code, name, sentence in ((25, "too_fast", "you send too fast"), (17, "disk_full", "the broker's disk is full")):
        broker, line = line_in(scene)
        broker.answers["post"] = refuse_first(3, code, name)
        line.write("hello\n")
        line.wait_line("alice: hello")
        equal([each for each in line.out if "waiting: " in each], [f"· waiting: {sentence}"], "told once")
        equal({post["number"] for post in broker.asked_of("post")}, {1}, "numbers")
        equal(len(broker.asked_of("post")), 4, "tries")
        end(line, 0)


@test
def send_that_ends_with_3_names_what_it_waited_for(scene):
    broker, alice = person(scene)
    broker.answers["post"] = refuse_first(10000, 17, "disk_full")
    result = alice.run("send", "#lab", "hello", "--timeout", "1s")
    equal(result.code, 3, "exit code")
    lines = result.err.decode().splitlines()
    equal(lines[0], "zchat: waiting: the broker's disk is full (disk_full)", "while it waits")
    check(lines[1].startswith("zchat: the broker's disk is full (disk_full): no answer in time") and
          "--session" in lines[1], lines)
    equal(alice.run("send", "#lab", "hello", "--timeout", "1s", "--json").json()[0]["error"], "disk_full", "in JSON")


if __name__ == "__main__":
    run_tests()
