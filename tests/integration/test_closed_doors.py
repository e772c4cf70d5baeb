#!/usr/bin/python3
"""Closed doors from end to end: an owner, invitations, devices, private rooms, kicks and bans, with real processes.
[R-15] [R-40] [R-41] [R-42] [R-43] [R-44] [R-46] [R-47] [R-48]."""
import os
import pathlib
import re
import sqlite3

from zchat_test import Broker, check, equal, run_tests, test, texts, wait_until


# The connection of a key that was removed or banned is refused before a word is said: its owner is told all that
# can be known then, "was removed, or is banned". Only who was connected may hear which.


def secret_file(scene, name, address):
    path = scene.folder / name
    path.write_text(address + "\n")
    path.chmod(0o600)
    return path


def token(address):
    return re.search(r"invite=([0-9a-f]{32})", address).group(1)


def own(scene, *options, **more):
    """A broker, and alice who owns it."""
    broker = scene.broker(*options, **more)
    alice = scene.person("alice", f"@{broker.data / 'owner.url'}")
    alice.ok("ping")
    alice.url = broker.url
    return broker, alice


def come(scene, broker, *nicks):
    """People who are let in by the open door."""
    return [scene.person(nick, broker) for nick in nicks if scene.person(nick, broker).ok("ping")]


def use(scene, address, nick, home=None):
    """Somebody who uses an invitation; afterwards the address alone."""
    path = secret_file(scene, f"invitation-{len(list(scene.folder.iterdir()))}", address)
    person = scene.person(nick, f"@{path}", home=home)
    person.ok("ping")
    person.url = None  # this home knows the broker now
    return person


def events(person, stream):
    return [(event["type"], event["from"], event.get("to"), event.get("text")) for event in person.history(stream)
            if event["type"] not in ("message", "join", "receipt")]


@test
def the_first_owner_comes_by_the_file_of_the_broker(scene):
    broker = scene.broker()
    path = broker.data / "owner.url"
    equal(path.stat().st_mode & 0o777, 0o600, "the file's mode")
    address = path.read_text().strip()
    alice = scene.person("alice", f"@{path}")
    equal(alice.ok("status", "--json").json()[0]["role"], "owner", "alice's role")
    bob = scene.person("bob", broker)
    equal(bob.ok("status", "--json").json()[0]["role"], "member", "bob's role")
    roles = {row["nick"]: row["role"] for row in alice.ok("admin", "users", "--json").json()}
    equal(roles, {"alice": "owner", "bob": "member"}, "everybody")
    late = scene.person("eve", f"@{secret_file(scene, 'used', address)}")
    late.refused(5, "(bad_invite)", "ping")
    for person in (alice, bob):
        for each in person.home.rglob("*"):
            check(each.is_dir() or token(address).encode() not in each.read_bytes(), f"{each} holds the token")


@test
def on_a_second_address_only_invited_people_are_let_in(scene):
    broker = Broker(scene, ["--bind", "127.0.0.1", "--bind", "127.0.0.2", "--registration", "invite"], address=None)
    broker.start()
    alice = scene.person("alice", f"@{broker.data / 'owner.url'}")
    alice.ok("join", "#lobby")
    alice.url = re.sub(r"//[\d.]+:", "//127.0.0.2:", broker.url)
    alice.ok("ping")
    stranger = scene.person("eve", alice.url)
    stranger.refused(5, "(not_let_in)", "ping")
    told = alice.ok("invite", "bob", "--expires", "1h", "--json").json()[0]
    equal((told["role"], told["nick"]), ("member", "bob"), "the invitation")
    check(told["invitation"].startswith(alice.url), f"it is an address of the way alice came: {told}")
    thief = scene.person("eve", f"@{secret_file(scene, 'stolen', told['invitation'])}")
    thief.refused(5, "(bad_invite)", "ping")  # it is bob's alone
    bob = use(scene, told["invitation"], None, home=scene.folder / "home-bob")
    bob.ok("join", "#lobby")
    tail = bob.tail("#lobby", "--since", "all")
    alice.ok("send", "#lobby", "welcome")
    tail.wait_event(text="welcome", **{"from": "alice"})
    again = scene.person("carol", f"@{secret_file(scene, 'again', told['invitation'])}")
    again.refused(5, "(bad_invite)", "ping")


@test
def an_invitation_that_is_over_is_refused_by_name(scene):
    broker, alice = own(scene, "--registration", "invite")
    address = alice.ok("invite").lines()[0]
    broker.stop()
    with sqlite3.connect(broker.data / "zchat.db") as store:
        tables = {row[0]: [column[1] for column in store.execute(f"PRAGMA table_info({row[0]})")]
                  for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        found = [(table, column) for table, columns in tables.items() if "invit" in table for column in columns
                 if column.startswith("until")]
        check(len(found) == 1, f"one column says when an invitation ends: {tables}")
        store.execute(f"UPDATE {found[0][0]} SET {found[0][1]} = 1000")
    broker.start()
    late = scene.person("bob", f"@{secret_file(scene, 'late', address)}")
    late.refused(5, "(bad_invite)", "ping")


@test
def no_token_is_seen_in_arguments_or_kept_in_a_home(scene):
    _, alice = own(scene, "--registration", "invite")
    address = alice.ok("invite", "bob").lines()[0]
    path = secret_file(scene, "invitation", address)
    bob = scene.person(None, f"@{path}", home=scene.folder / "home-bob")
    line = bob.start()
    line.wait_line("no room yet", where="err")
    for process in os.listdir("/proc"):
        try:
            told = b"" if not process.isdigit() else pathlib.Path(f"/proc/{process}/cmdline").read_bytes()
        except OSError:
            continue  # it has ended
        check(token(address).encode() not in told, f"process {process} shows the token")
    line.write("/join #lobby\nhello\n")
    line.wait_line("bob: hello")
    line.close_stdin()
    equal(line.wait_exit(), 0, "exit code")
    path.unlink()
    scene.person(None, None, home=bob.home).ok("send", "#lobby", "again")  # address and nick are known
    for each in bob.home.rglob("*"):
        check(each.is_dir() or token(address).encode() not in each.read_bytes(), f"{each} holds the token")


@test
def both_devices_of_a_person_have_its_messages_until_one_is_removed(scene):
    broker, alice = own(scene)
    bob, = come(scene, broker, "bob")
    address = bob.ok("device", "add", "laptop").lines()[0]
    laptop = use(scene, address, "bob", home=scene.folder / "home-laptop")
    rows = bob.ok("device", "list", "--json").json()
    equal([(row["name"], row["own"]) for row in rows], [("", True), ("laptop", False)], "devices")
    equal(rows[1]["key"], laptop.ok("key", "--json").json()[0]["key"], "the laptop's key")
    # From the first event on: a tail that comes in late does not miss it.
    home_tail, laptop_tail = bob.tail("@bob", "--since", "all"), laptop.tail("@bob", "--since", "all")
    alice.ok("send", "@bob", "to both")
    for tail in (home_tail, laptop_tail):
        tail.wait_event(text="to both")
    laptop.ok("send", "@alice", "from the laptop")
    home_tail.wait_event(text="from the laptop")
    bob.ok("device", "remove", rows[1]["key"][:8])
    check(laptop_tail.wait_exit() != 0, "the laptop's tail ends")
    check("removed" in "\n".join(laptop_tail.err), f"it says why: {laptop_tail.err}")
    alice.ok("send", "@bob", "to one")
    home_tail.wait_event(text="to one")
    laptop.refused(5, "removed", "ping")
    use_again = scene.person("bob", f"@{secret_file(scene, 'again', address)}", home=laptop.home)
    use_again.refused(5, "removed", "ping")
    check(not [line for line in laptop_tail.out if "to one" in line], "the laptop heard what came later")
    bob.refused(4, "(denied)", "device", "remove", rows[0]["key"])  # the last one
    equal([row["key"] for row in bob.ok("device", "list", "--json").json()], [rows[0]["key"]], "devices afterwards")


@test
def a_private_room_lives_from_invitation_to_the_open_door(scene):
    broker, _ = own(scene)
    bob, carol, eve = come(scene, broker, "bob", "carol", "eve")
    bob.ok("room", "create", "#lab", "--private", "--persistent")
    bob.ok("room", "topic", "#lab", "what we", "build")
    bob.ok("send", "#lab", "first")
    eve.refused(4, "(private)", "join", "#lab")
    eve.refused(4, "(private)", "history", "#lab")
    check("#lab" not in [row["stream"] for row in eve.ok("rooms", "--json").json()], "eve sees the room")
    line = carol.start()
    line.wait_line("no room yet", where="err")
    bob.ok("room", "invite", "#lab", "carol")
    line.wait_line("* bob invites you to #lab: /join #lab")
    line.write("/join #lab\nthank you\n")
    line.wait_line("you are in #lab, with 2 in all: what we build", where="err")
    line.wait_line("carol: thank you")
    equal(texts(carol.history("#lab")), ["first", "thank you"], "what carol reads")
    shown = bob.ok("room", "show", "#lab").out.decode()
    check(re.search(r"^@ #lab +2 +\d+ \[private\] \[persistent\] what we build$", shown, re.M), shown)
    check(re.search(r"^bob .* @#lab$", shown, re.M) and re.search(r"^carol .* #lab$", shown, re.M), shown)
    row, = [row for row in carol.ok("rooms", "--json").json() if row["stream"] == "#lab"]
    equal((row["private"], row["persistent"], row["op"], row["topic"]), (True, True, False, "what we build"), "the row")
    bob.ok("room", "op", "#lab", "carol")
    line.write("/mode public\n")
    line.wait_line("* carol made the room public")
    eve.ok("join", "#lab")
    bob.ok("send", "#lab", "open now")
    equal(texts(eve.history("#lab")), ["open now"], "what was said in private stays closed")
    line.close_stdin()
    equal(line.wait_exit(), 0, "exit code")
    equal([each[:2] for each in events(bob, "#lab")],
          [("topic", "bob"), ("role", "bob"), ("mode", "carol")], "events")


@test
def a_kick_in_the_middle_of_a_talk_ends_it_for_one_and_for_nobody_else(scene):
    broker, _ = own(scene)
    bob, carol, eve = come(scene, broker, "bob", "carol", "eve")
    bob.ok("room", "create", "#lab", "--private")
    for person in (carol, eve):
        bob.ok("room", "invite", "#lab", person.nick)
        person.ok("join", "#lab")
    talk, listener = eve.start(), carol.tail("#lab", "--since", "all")
    talk.wait_line("invites you")
    for number in range(20):
        talk.write(f"eve {number}\n")
        if number == 10:
            talk.wait_line("eve: eve 5")
            bob.ok("room", "kick", "#lab", "eve", "spam")
    talk.wait_line("* bob put you out of #lab: spam")
    talk.wait_line("* you are no longer in #lab", where="err")
    talk.write("hello?\n")
    talk.wait_line("* not sent: you are no longer in #lab", where="err")
    bob.ok("send", "#lab", "among us")
    listener.wait_event(text="among us")
    eve.refused(4, "(private)", "history", "#lab")
    eve.refused(4, "(private)", "join", "#lab")
    told = carol.history("#lab")
    kick = [event["seq"] for event in told if event["type"] == "kick"]
    equal(len(kick), 1, "kicks")
    check(not [event for event in told if event["seq"] > kick[0] and event.get("from") == "eve"],
          f"nothing by eve stands behind it: {told}")
    talk.close_stdin()
    equal(talk.wait_exit(), 4, "exit code")
    check("among us" not in "\n".join(talk.out), "eve heard what was said afterwards")


@test
def what_one_may_not_do_is_refused(scene):
    broker, alice = own(scene)
    bob, carol = come(scene, broker, "bob", "carol")
    bob.ok("join", "#lobby")
    carol.ok("join", "#lobby")
    for words in (("room", "kick", "#lobby", "bob"), ("room", "topic", "#lobby", "mine"), ("room", "private", "#lobby"),
                  ("room", "mute", "#lobby", "bob"), ("admin", "ban", "bob"), ("admin", "role", "carol", "owner"),
                  ("admin", "sessions"), ("invite",), ("admin", "revoke", "bob")):
        carol.refused(4, "(denied)", *words)
    carol.refused(6, "(no_such_nick)", "room", "invite", "#lobby", "nobody")
    bob.refused(6, "(no_such_room)", "room", "kick", "#nowhere", "carol")
    alice.refused(4, "(denied)", "admin", "role", "alice", "member")  # the last owner
    alice.ok("admin", "role", "carol", "operator")
    carol.ok("room", "topic", "#lobby", "now")
    carol.ok("invite")
    carol.refused(4, "(denied)", "invite", "--role", "operator")
    bob.refused(4, "(denied)", "room", "kick", "#lobby", "carol")
    rows = carol.ok("admin", "sessions", "--json").json()
    check("carol" in [row["nick"] for row in rows] and all(len(row["key"]) == 64 for row in rows), f"sessions {rows}")


@test
def a_ban_lasts_as_long_as_it_was_said(scene):
    broker, _ = own(scene)
    bob, eve = come(scene, broker, "bob", "eve")
    bob.ok("join", "#lobby")
    eve.ok("join", "#lobby")
    eve.ok("send", "#lobby", "before")
    bob.ok("room", "mute", "#lobby", "eve", "--for", "1h")
    eve.refused(4, "(muted)", "send", "#lobby", "muted")
    bob.ok("room", "unmute", "#lobby", "eve")
    eve.ok("send", "#lobby", "again")
    told = bob.ok("room", "ban", "#lobby", "eve", "enough", "--for", "1h", "--json").json()[0]
    equal((told["done"], told["nick"], told["text"]), ("ban", "eve", "enough"), "done")
    rows = bob.ok("room", "bans", "#lobby", "--json").json()
    equal([(row["state"], row["nick"]) for row in rows], [("ban", "eve")], "what stands")
    eve.refused(4, "(banned)", "join", "#lobby")
    bob.ok("room", "ban", "#lobby", "eve", "nearly", "over", "--for", "1s")  # another time in the place of the first
    wait_until(lambda: eve.run("join", "#lobby").code == 0, "the ban ends")
    bob.ok("room", "ban", "#lobby", "eve")
    eve.refused(4, "(banned)", "send", "#lobby", "no")
    bob.ok("room", "unban", "#lobby", "eve")
    eve.ok("join", "#lobby")
    equal([each for each in events(bob, "#lobby") if each[0] in ("ban", "unban")],
          [("ban", "bob", "eve", "enough"), ("ban", "bob", "eve", "nearly over"), ("ban", "bob", "eve", None),
           ("unban", "bob", "eve", None)], "events")


def key_of(person):
    return person.ok("key", "--json").json()[0]["key"]


@test
def one_device_is_banned_from_a_room_and_its_person_is_not(scene):
    broker, _ = own(scene)
    bob, eve = come(scene, broker, "bob", "eve")
    laptop = use(scene, eve.ok("device", "add", "laptop").lines()[0], "eve", home=scene.folder / "home-laptop")
    bob.ok("join", "#lobby")
    eve.ok("join", "#lobby")
    laptop.ok("send", "#lobby", "from the laptop")
    key = key_of(laptop)
    bob.ok("room", "ban", "#lobby", "--key", key)
    laptop.refused(4, "(banned)", "send", "#lobby", "no more")
    eve.ok("send", "#lobby", "from the desk")
    eve.ok("leave", "#lobby")
    laptop.refused(4, "(banned)", "join", "#lobby")
    eve.ok("join", "#lobby")
    equal([(row["state"], row["key"]) for row in bob.ok("room", "bans", "#lobby", "--json").json()], [("ban", key)],
          "what stands")
    eve.refused(4, "(denied)", "room", "unban", "#lobby", "--key", key)
    broker.restart()
    laptop.refused(4, "(banned)", "send", "#lobby", "after the restart")
    laptop.ok("send", "@bob", "elsewhere it may")
    bob.ok("room", "unban", "#lobby", "--key", key)
    laptop.ok("send", "#lobby", "again")
    equal(texts(bob.history("#lobby")), ["from the laptop", "from the desk", "again"], "what was said")
    bob.ok("room", "ban", "#lobby", "--key", key, "--for", "1h")
    laptop.refused(4, "(banned)", "send", "#lobby", "for a while")
    bob.ok("room", "ban", "#lobby", "--key", key, "--for", "1s")
    wait_until(lambda: laptop.run("send", "#lobby", "over").code == 0, "the ban ends")


@test
def the_broker_is_closed_to_one_device_and_to_a_key_that_is_nobodys(scene):
    broker, alice = own(scene)
    bob, = come(scene, broker, "bob")
    laptop = use(scene, bob.ok("device", "add", "laptop").lines()[0], "bob", home=scene.folder / "home-laptop")
    tail, desk = (each.tail("@bob", "--since", "all") for each in (laptop, bob))
    alice.ok("send", "@bob", "to both")
    for each in (tail, desk):
        each.wait_event(text="to both")
    bob.refused(4, "(denied)", "admin", "ban", "--key", key_of(laptop))
    alice.ok("admin", "ban", "--key", key_of(laptop))
    check(tail.wait_exit() != 0 and "banned" in "\n".join(tail.err), f"the tail: {tail.told()}")
    laptop.refused(5, "banned", "ping")
    alice.ok("send", "@bob", "to the desk")
    desk.wait_event(text="to the desk")
    equal([row["key"] for row in alice.ok("admin", "bans", "--json").json()], [key_of(laptop)], "bans")
    broker.restart()
    laptop.refused(5, "banned", "ping")
    bob.ok("ping")
    alice.ok("admin", "unban", "--key", key_of(laptop))
    wait_until(lambda: laptop.run("ping").code == 0, "the laptop is let in")

    eve = scene.person("eve", broker)
    alice.ok("admin", "ban", "--key", key_of(eve))  # before she was ever here
    eve.refused(5, "(banned)", "ping")
    alice.ok("admin", "unban", "--key", key_of(eve))
    eve.ok("ping")


@test
def the_broker_itself_is_closed_to_a_person_and_opened_again(scene):
    broker, alice = own(scene)
    bob, = come(scene, broker, "bob")
    tail = bob.tail("@bob")
    wait_until(lambda: "bob" in [row["nick"] for row in alice.ok("admin", "sessions", "--json").json()], "bob is there")
    alice.ok("admin", "ban", "bob", "--for", "1h")
    check(tail.wait_exit() != 0 and "banned" in "\n".join(tail.err), f"the tail: {tail.told()}")
    bob.refused(5, "banned", "ping")
    equal([row["nick"] for row in alice.ok("admin", "bans", "--json").json()], ["bob"], "bans")
    broker.restart()
    bob.refused(5, "banned", "ping")
    alice.ok("admin", "unban", "bob")
    wait_until(lambda: bob.run("ping").code == 0, "bob is let in")
    alice.ok("admin", "revoke", "bob")
    bob.refused(5, "removed", "ping")


@test
def who_is_kicked_from_the_broker_is_cut_and_may_come_back(scene):
    broker, alice = own(scene)
    bob, carol = come(scene, broker, "bob", "carol")
    bob.ok("join", "#lobby")
    tail, other = bob.tail("#lobby"), carol.tail("#lobby", "--since", "all")
    wait_until(lambda: {"bob", "carol"} <= {row["nick"] for row in alice.ok("admin", "sessions", "--json").json()},
               "both are there")
    carol.refused(4, "(denied)", "admin", "kick", "bob")
    alice.ok("admin", "kick", "bob", "too", "loud", "--for", "2s")
    check(tail.wait_exit() != 0 and "banned" in "\n".join(tail.err), f"the tail: {tail.told()}")
    wait_until(lambda: bob.run("ping").code == 0, "bob is let in again")
    bob.ok("send", "#lobby", "still a member")
    other.wait_event(text="still a member")
    equal(alice.ok("admin", "bans", "--json").json(), [], "bans")


if __name__ == "__main__":
    run_tests()
