#!/usr/bin/python3
"""The broker's disk is cared for: backups under load, restoring, retention, purges, export and import, checks.
[R-34] [R-55] [R-56] [R-57] [R-58] [R-59] [R-60]."""
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess

from zchat_test import (Broker, check, equal, program, read_log, run_tests, test, texts, wait_until)

IN_FLIGHT = 64
CANARY = "canarya9f3e1"  # one word, as the index of words has it


def own(scene, *options, **more):
    """A broker, and alice who owns it and is in #lobby."""
    broker = scene.broker(*options, **more)
    alice = scene.person("alice", f"@{broker.data / 'owner.url'}")
    alice.ok("ping")
    alice.url = broker.url
    alice.ok("join", "#lobby")
    return broker, alice


def offline(scene, *options, stdin=b"", code=0):
    result = scene.run([program("zchat-broker"), *options], stdin=stdin)
    equal(result.code, code, f"exit code of zchat-broker {options}: {result}")
    return result


def sound(scene, data):
    """`--check-data` finds nothing."""
    out = offline(scene, "--check-data", "--data", data).out.decode()
    check(out.startswith("sound: "), f"check-data says {out}")
    return out


def restored(scene, broker, name, folder):
    """Another folder with that backup and the broker's key; the broker is gone. It answers at the same address."""
    data = scene.folder / folder
    result = offline(scene, "--restore", broker.data / "backups" / name, "--data", data)
    shutil.copy(broker.data / "broker.key", data / "broker.key")
    sound(scene, data)
    again = Broker(scene, broker.options, data=data, name=folder)
    again.port = broker.port
    return again, result


def history(scene, broker, person, stream):
    return person.run("tail", stream, "--since", "all", "--until-end", "--json").json()


def acknowledged(sender):
    return [int(line.split()[1]) for line in sender.out]


@test
def a_backup_under_load_holds_all_that_was_acknowledged_before(scene):
    broker, alice = own(scene)
    bob = scene.person("bob", broker)
    bob.ok("join", "#lobby")
    senders = [person.start("send", "#lobby", "--lines", "--timeout", "60s") for person in (alice, bob)]
    for sender in senders:  # each keeps a window of posts in flight
        sender.write_behind("".join(f"{sender.name} {n}\n" for n in range(20000)).encode())
    wait_until(lambda: all(sender.out_count() > 2000 for sender in senders), "a load")
    before = {seq for sender in senders for seq in acknowledged(sender)}
    done = alice.ok("admin", "backup", "under-load", "--json").json()[0]
    equal((done["done"], done["name"]), ("backup", "under-load"), "the answer")
    check(not all(sender.out_count() == 20000 for sender in senders), "the load was over before the backup")
    broker.kill9()
    for sender in senders:
        sender.kill9()
    path = broker.data / "backups" / "under-load"
    equal((path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777), (0o600, 0o700), "modes")
    equal(done["size"], path.stat().st_size, "the size that was told")
    equal(sorted(os.listdir(path.parent)), ["under-load"], "files beside it")

    again, _ = restored(scene, broker, "under-load", "restored")
    again.start()
    events = history(scene, again, bob, "#lobby")
    equal(events[-1]["type"], "gap", "what stands behind the copy")
    kept = {event["seq"]: event for event in events[:-1]}
    equal(sorted(kept), list(range(1, len(kept) + 1)), "places of the copy")
    equal(before - set(kept), set(), "acknowledged before the backup, and not in it")
    said = texts(events[:-1])
    equal(len(said), len(set(said)), "texts, each once")
    again.stop()
    sound(scene, again.data)


@test
def only_an_owner_makes_backups_and_only_of_a_plain_name(scene):
    broker, alice = own(scene)
    bob = scene.person("bob", broker)
    bob.ok("ping")
    equal(bob.run("admin", "backup", "mine").code, 4, "exit code for a member")
    for name in ("../out", ".hidden", "a/b", "-x", "ü", "x" * 65):
        result = alice.run("admin", "backup", "--", name)
        check(result.code in (2, 4), f"{name} is refused: {result}")
    equal(os.listdir(broker.data / "backups"), [], "backups")
    alice.ok("admin", "backup", "one.db")
    result = alice.run("admin", "backup", "one.db")
    equal(result.code, 4, "exit code of the second of that name")
    check(b"(exists)" in result.err, f"what is said: {result}")


@test
def a_full_disk_refuses_a_backup_and_leaves_nothing(scene):
    broker, alice = own(scene)
    alice.ok("send", "#lobby", "hello")
    broker.stop()
    broker.options += ["--disk-free-min", "1000G", "--ballast", "0"]
    broker.start()
    result = alice.run("admin", "backup", "full", "--timeout", "2s")
    equal(result.code, 3, f"exit code: {result}")
    equal(os.listdir(broker.data / "backups"), [], "backups")
    broker.process.wait_line("backup.failed", where="err")


@test
def a_restore_refuses_what_would_do_harm(scene):
    broker, alice = own(scene)
    alice.ok("send", "#lobby", "hello")
    alice.ok("admin", "backup", "one")
    backup = broker.data / "backups" / "one"

    def refused(file, data, word):
        result = offline(scene, "--restore", file, "--data", data, code=1)
        check(word in result.err, f"{word} is said: {result}")
        return result

    refused(backup, broker.data, b"another zchat-broker")
    broker.stop()
    refused(backup, broker.data, b"is there")
    fresh = scene.folder / "fresh"
    refused(broker.data / "broker.key", fresh, b"not a database")
    torn = scene.folder / "torn"
    torn.write_bytes(backup.read_bytes()[:-4096])
    refused(torn, fresh, b"")
    other = scene.folder / "other.db"
    sqlite3.connect(other).execute("CREATE TABLE t (x)")
    refused(other, fresh, b"not a zchat log")
    refused(scene.folder / "nothing", fresh, b"nothing")
    equal([name for name in os.listdir(fresh) if name != "lock"], [], "what is left of them")
    (fresh / "broker.key").write_bytes(b"kept")
    (fresh / "broker.key").chmod(0o600)
    (fresh / "search.db").write_bytes(b"old")
    (fresh / "search.db").chmod(0o600)
    offline(scene, "--restore", backup, "--data", fresh)
    equal((fresh / "broker.key").read_bytes(), b"kept", "the key that was there")
    check(not (fresh / "search.db").exists(), "an old index is gone")


@test
def clients_that_were_further_than_the_copy_are_told_of_a_gap_and_go_on(scene):
    broker, alice = own(scene)
    bob = scene.person("bob", broker)
    bob.ok("join", "#lobby")
    logger = scene.logger(broker)
    tail = bob.tail("#lobby", "--since", "all")
    line = alice.start("--plain", "--json")
    line.write("/join #lobby\n")
    alice.ok("send", "#lobby", "before the copy")
    tail.wait_event(text="before the copy")
    line.write("first of the line\n")
    tail.wait_event(text="first of the line")
    alice.ok("admin", "backup", "copy")
    line.write("second of the line\n")
    lost = tail.wait_event(text="second of the line")
    wait_until(lambda: texts(read_log(logger.out_folder, "#lobby"))[-1:] == ["second of the line"], "an archive")
    broker.kill9()

    again, _ = restored(scene, broker, "copy", "restored")
    line.write("while it was away\n")
    again.start()
    gap = tail.wait_event(type="gap")
    equal(gap["first"], lost["seq"] + 1, "the gap's first")
    equal(gap["last"] % 1000000000, 0, "the gap's last")
    said = tail.wait_event(text="while it was away")  # the session goes on, though the copy knows less of it
    check(said["seq"] > gap["last"], f"{said} is behind {gap}")
    line.write("and more\n")
    tail.wait_event(text="and more")
    wait_until(lambda: texts(read_log(logger.out_folder, "#lobby"))[-1:] == ["and more"], "the archive goes on")
    archive = read_log(logger.out_folder, "#lobby")
    equal([event["last"] for event in archive if event["type"] == "gap"], [gap["last"]], "gaps in the archive")
    equal(texts(archive), texts(tail.json()), "archive and tail")
    # The last N are those before the hole and behind it.
    result = bob.ok("history", "#lobby", "-n", "4", "--json").json()
    equal(texts(result), ["before the copy", "first of the line", "while it was away", "and more"][-len(texts(result)):],
          "the last ones")
    check("first of the line" in texts(result), f"history reaches over the hole: {result}")
    # Private messages go on too, though a hole lies in the mailbox.
    alice.ok("send", "@bob", "still there?")
    inbox = bob.start("--plain", "--json")
    inbox.wait_event(text="still there?")


@test
def what_is_kept_no_longer_is_told_as_a_gap_everywhere(scene):
    broker, alice = own(scene, "--keep-events", "10")
    bob = scene.person("bob", broker)
    bob.ok("join", "#lobby")
    logger = scene.logger(broker)
    alice.ok("send", "#lobby", "archived")
    wait_until(lambda: texts(read_log(logger.out_folder, "#lobby"))[-1:] == ["archived"], "an archive")
    logger.stop()
    feed = "".join(f"line {n}\n" for n in range(1, 41)).encode()
    alice.ok("send", "#lobby", "--lines", stdin=feed)
    events = wait_until(lambda: (found := history(scene, broker, bob, "#lobby"))[0]["type"] == "gap" and
                        len(found) == 11 and found, "cleaning")
    equal(texts(events), [f"line {n}" for n in range(31, 41)], "what is kept")
    wait_until(lambda: sorted(row["text"] for row in alice.ok("search", "line", "--json").json() if "text" in row) ==
               sorted(texts(events)), "what is found")
    equal((events[0]["first"], events[0]["last"]), (1, events[1]["seq"] - 1), "the gap")
    plain = bob.ok("tail", "#lobby", "--since", "all", "--until-end").out.decode()
    check("are no longer kept" in plain, f"people are told: {plain}")
    logger = scene.logger(broker)
    wait_until(lambda: texts(read_log(logger.out_folder, "#lobby"))[-1:] == ["line 40"], "the archive goes on")
    equal([(e["first"], e["last"]) for e in read_log(logger.out_folder, "#lobby") if e["type"] == "gap"],
          [(4, events[1]["seq"] - 1)], "gaps in the archive")
    broker.stop()
    sound(scene, broker.data)


@test
def a_room_has_its_own_time_and_private_messages_wait_for_their_reader(scene):
    broker, alice = own(scene, "--keep-days", "1")
    bob = scene.person("bob", broker)
    bob.ok("join", "#lobby")
    bob.ok("join", "#bobs")
    alice.ok("send", "#lobby", "passes")
    alice.ok("send", "@bob", "waits")
    equal(bob.run("room", "keep", "#bobs", "2d").code, 4, "longer than usual, by a room's operator")
    equal(bob.run("room", "keep", "#bobs", "for-ever").code, 4, "for ever, by a room's operator")
    bob.ok("room", "keep", "#bobs", "1h")
    alice.ok("room", "keep", "#lobby", "1s")
    rooms = {row["stream"]: row.get("keep") for row in alice.ok("rooms", "--json").json()}
    equal(rooms, {"#lobby": 1, "#bobs": 3600}, "what rooms say")
    wait_until(lambda: texts(history(scene, broker, bob, "#lobby")) == [], "the room is cleaned")
    inbox = bob.start("--plain", "--json")
    inbox.wait_event(text="waits")
    alice.ok("room", "keep", "#lobby", "as-usual")
    alice.ok("send", "#lobby", "stays")
    broker.stop()
    broker.start()  # and is remembered
    rooms = {row["stream"]: row.get("keep") for row in alice.ok("rooms", "--json").json()}
    equal(rooms, {"#lobby": None, "#bobs": 3600}, "what rooms say after a restart")


@test
def a_log_that_is_too_large_loses_its_oldest_and_its_file_shrinks(scene):
    broker, alice = own(scene)
    feed = "".join(f"{n} {'x' * 8000}\n" for n in range(1, 1801)).encode()
    alice.ok("send", "#lobby", "--lines", stdin=feed, timeout=60)
    broker.stop()
    path = broker.data / "zchat.db"
    large = path.stat().st_size
    check(large > 12_000_000, f"{large} is large")
    broker.options += ["--keep-size", "3M"]
    broker.start()
    wait_until(lambda: len(texts(history(scene, broker, alice, "#lobby"))) * 8000 < 3 << 20, "the size is kept", 60)
    alice.ok("send", "#lobby", "the last")
    broker.stop()
    check(path.stat().st_size < 6_000_000, f"{path.stat().st_size} are left")  # up to 2.4 MB lie free
    check("the last" in texts_of_export(scene, broker), "the newest is there")
    sound(scene, broker.data)


def texts_of_export(scene, broker, room="#lobby"):
    out = offline(scene, "--export", room, "--data", broker.data).out.decode()
    return texts(json.loads(line) for line in out.splitlines())


def files_with(folder, needle):
    found = []
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            with open(path, "rb") as file:
                if needle.encode() in file.read():
                    found.append(name)
    return found


@test
def what_is_purged_is_in_no_file_of_the_broker(scene):
    broker, alice = own(scene)
    bob = scene.person("bob", broker)
    bob.ok("join", "#lobby")
    logger = scene.logger(broker)
    bob.ok("send", "#lobby", f"{CANARY} in the room")
    bob.ok("send", "@alice", f"{CANARY} in private")
    bob.ok("send", "#lobby", f"{CANARY} {'long ' * 3000}")  # on pages of its own
    alice.ok("send", "#lobby", "hers")
    wait_until(lambda: {"zchat.db", "search.db"} <= {name.split("-")[0] for name in files_with(broker.data, CANARY)},
               "it is there before, in the index too")
    equal(len(alice.ok("search", CANARY, "--json").json()), 3, "found before")
    equal(bob.run("admin", "purge", "@alice").code, 4, "exit code for a member")
    done = alice.ok("admin", "purge", "@bob", "--json").json()[0]
    equal(done, {"done": "purge", "nick": "bob", "events": 4}, "the answer")
    wait_until(lambda: files_with(broker.data, CANARY) == [], "the text has left all files")
    equal(alice.ok("search", CANARY).out, b"", "found after")
    wait_until(lambda: alice.ok("search", "hers", "--json").json(), "the index made anew")
    events = history(scene, broker, alice, "#lobby")
    equal([event["type"] for event in events], ["join", "join", "purged", "purged", "message"], "what stands there")
    check(all("text" not in event for event in events if event["type"] == "purged"), f"no text: {events}")
    plain = alice.ok("tail", "#lobby", "--since", "all", "--until-end").out.decode()
    equal(plain.count("bob wrote something that was removed"), 2, f"what people read: {plain}")
    wait_until(lambda: len(read_log(logger.out_folder, "#lobby")) == 5, "the archive")
    check(files_with(logger.out_folder, CANARY), "who has it keeps it")

    for text in (f"{CANARY} once more", "hers again"):
        alice.ok("send", "#lobby", text)
    done = alice.ok("admin", "purge", "#lobby", "--json").json()[0]
    equal(done, {"done": "purge", "stream": "#lobby", "events": 7}, "the answer for the room")
    wait_until(lambda: files_with(broker.data, CANARY) == [], "the room's texts have left all files")
    alice.ok("send", "#lobby", "a new page")
    equal([event["type"] for event in history(scene, broker, bob, "#lobby")], ["gap", "message"], "the room now")
    equal(alice.ok("admin", "purge", "#lobby", "--before", "2001-01-01").out,
          b"0 events of #lobby are gone\n", "before anything was said")
    broker.stop()
    sound(scene, broker.data)


@test
def a_room_moves_to_another_broker_by_a_file(scene):
    broker, alice = own(scene)
    alice.ok("send", "#lobby", "one \u2028 \"two\" \\ three")
    alice.ok("room", "topic", "#lobby", "a topic")
    alice.ok("send", "#lobby", "--notice", "four")
    online = alice.ok("tail", "#lobby", "--json", "--since", "all", "--until-end").out
    broker.stop()
    exported = offline(scene, "--export", "#lobby", "--data", broker.data).out
    equal(exported, online, "offline and online")
    path = scene.folder / "room.jsonl"
    path.write_bytes(exported)

    other, dora = own(scene, name="other")
    other.stop()
    offline(scene, "--import", path, "--room", "#history", "--data", other.data)
    sound(scene, other.data)
    other.start()
    moved = dora.ok("tail", "#history", "--json", "--since", "all", "--until-end").json()
    for was, event in zip([json.loads(line) for line in exported.splitlines()], moved):
        for key in ("seq", "ts", "type", "from", "text", "kind"):
            equal(event.get(key), was.get(key), key)
    dora.ok("join", "#history")
    equal(dora.ok("send", "#history", "and on").lines(), [f"#history {len(moved) + 2}"], "numbers go on behind the join")
    equal(offline(scene, "--export", "#none", "--data", broker.data, code=1).out, b"", "a room that is not there")


@test
def a_damaged_line_is_named_and_nothing_is_imported(scene):
    broker, alice = own(scene)
    alice.ok("send", "#lobby", "hello")
    broker.stop()
    good = {"stream": "#a", "seq": 1, "ts": "2020-01-01T00:00:00.123Z", "type": "message", "from": "old", "text": "x"}

    def line(**changes):
        return json.dumps({key: value for key, value in {**good, **changes}.items() if value is not None})

    cases = [("{", "no JSON"), ("[1]", "no JSON"), ("", "no JSON"), (line(type="nonsense"), '"type"'),
             (line(ts="yesterday"), '"ts"'), (line(ts=12), '"ts"'), (line(ts="2019-12-31T00:00:00Z"), "never run back"),
             (line(**{"from": None}), '"from"'), (line(**{"from": "no name"}), "no name"), (line(text=None), '"text"'),
             (line(text="y" * 16385), "16384"), (line(text=""), "empty"), (line(text="\ud800"), "UTF-8"),
             (line(text="bytes").replace("bytes", "\udcff"), "UTF-8"), (line(stream="#b"), '"stream"')]
    for bad, word in cases:
        feed = f"{line()}\n{line(text='second')}\n{bad}\n{line()}\n".encode("utf-8", "surrogateescape")
        result = offline(scene, "--import", "-", "--room", "#a", "--data", broker.data, stdin=feed, code=1)
        check("line 3: " in result.err.decode() and word in result.err.decode(), f"{bad[:80]!r} is named: {result}")
        check(b"nothing was imported" in result.err, f"and it is said: {result}")
        offline(scene, "--export", "#a", "--data", broker.data, code=1)  # not even the room
    result = offline(scene, "--import", "-", "--room", "#lobby", "--data", broker.data,
                     stdin=line().encode(), code=1)
    check("never run back" in result.err.decode(), f"older than the room: {result}")
    feed = "\n".join([line(), line(type="gap", first=2, last=9), line(type="kick", to="carol", text="why")])
    result = offline(scene, "--import", "-", "--room", "#a", "--data", broker.data, stdin=feed.encode())
    check(b"2 events are in #a now, 1 gaps left out" in result.err, f"what is said: {result}")
    sound(scene, broker.data)
    equal(offline(scene, "--import", "-", "--data", broker.data, code=2).out, b"", "without a room")


@test
def damage_is_found_and_told(scene):
    broker, alice = own(scene)
    bob = scene.person("bob", broker)
    bob.ok("join", "#lobby")
    for number in range(5):
        alice.ok("send", "#lobby", f"text {number}")
    result = offline(scene, "--check-data", "--data", broker.data, code=1)
    check(b"another zchat-broker" in result.err, f"a running broker's folder: {result}")
    broker.stop()
    sound(scene, broker.data)
    whole = (broker.data / "zchat.db").read_bytes()
    damages = {
        "DELETE FROM event WHERE id = (SELECT max(id) - 2 FROM event)": "missing events between kept ones",
        "DELETE FROM event WHERE id = (SELECT max(id) FROM event)": "missing events before the head",
        "UPDATE place SET head = 3 WHERE head > 4": "behind the head of their stream",
        "UPDATE event SET ts = 1 WHERE id = (SELECT max(id) FROM event)": "times that run back",
        "UPDATE event SET wire = x'80' WHERE id = (SELECT max(id) FROM event)": "cannot be read",
        "UPDATE session SET account = 99": "sessions of nobody",
        "UPDATE session SET entry = entry + 1000 WHERE entry > 0": "last answer is behind",
        "UPDATE standing SET account = 77 WHERE account = 3": "members, bans and mutes",
        "UPDATE device SET account = 77": "devices of nobody",
        "UPDATE place SET confirmed = head + 1": "below what is confirmed",
        "UPDATE stream SET stream_key = x'00' WHERE id > 0": "wrong length",
    }
    for sql, word in damages.items():
        with sqlite3.connect(broker.data / "zchat.db") as handle:
            changed = handle.execute(sql).rowcount
        handle.close()
        check(changed > 0, f"{sql} damages something")
        result = offline(scene, "--check-data", "--data", broker.data, code=1)
        check(word in result.out.decode(), f"{sql} is found: {result}")
        check("NOT sound" in result.out.decode(), f"and summed up: {result}")
        for name in ("zchat.db-wal", "zchat.db-shm"):
            (broker.data / name).unlink(missing_ok=True)
        (broker.data / "zchat.db").write_bytes(whole)
    torn = bytearray(whole)
    torn[8192:12288] = b"\xff" * 4096
    (broker.data / "zchat.db").write_bytes(bytes(torn))
    offline(scene, "--check-data", "--data", broker.data, code=1)


@test
def a_backup_that_is_interrupted_leaves_no_file_and_the_next_start_works(scene):
    broker, alice = own(scene)
    feed = "".join(f"{n} {'x' * 8000}\n" for n in range(1, 2001)).encode()
    alice.ok("send", "#lobby", "--lines", stdin=feed, timeout=60)
    backup = alice.start("admin", "backup", "cut", "--timeout", "5s")
    wait_until(lambda: os.listdir(broker.data / "backups"), "a copy that begins")
    equal(broker.stop(), 0, "exit code when it is stopped meanwhile")
    check(set(os.listdir(broker.data / "backups")) <= {"cut"}, "no part is left")
    backup.wait_exit()
    for name in os.listdir(broker.data / "backups"):
        (broker.data / "backups" / name).unlink()
    broker.start()
    alice.ok("admin", "backup", "whole", "--timeout", "60s")
    equal(os.listdir(broker.data / "backups"), ["whole"], "backups")


@test
def a_restore_that_is_killed_anywhere_is_whole_or_was_never_there(scene):
    broker, alice = own(scene)
    alice.ok("send", "#lobby", "--lines", stdin="".join(f"{n} {'x' * 300}\n" for n in range(200)).encode())
    alice.ok("admin", "backup", "one")
    broker.kill9()
    backup = broker.data / "backups" / "one"
    deaths = 0
    for size in range(4096, backup.stat().st_size + 60000, 12 * 1024):
        data = scene.folder / f"restored-{size}"
        done = subprocess.run(  # it ends by SIGXFSZ at the first byte of any file beyond `size`
            [program("zchat-broker"), "--restore", backup, "--data", data], check=False, stderr=subprocess.DEVNULL,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))  # pylint: disable=cell-var-from-loop
        died, is_there = done.returncode == -signal.SIGXFSZ, (data / "zchat.db").exists()
        check(died != is_there, f"limit {size}: it died: {died}, the log is there: {is_there}")
        deaths += died
        if died:
            offline(scene, "--restore", backup, "--data", data)  # nothing is in the way
        sound(scene, data)
    check(deaths > 0, "it died")
    check(not died, "it came through")


@test
def an_import_that_is_killed_anywhere_is_whole_or_was_never_there(scene):
    broker, alice = own(scene)
    alice.ok("send", "#lobby", "--lines", stdin="".join(f"{n} {'x' * 300}\n" for n in range(500)).encode())
    broker.stop()
    exported = offline(scene, "--export", "#lobby", "--data", broker.data).out
    half = exported[:exported.index(b"\n", len(exported) // 2) + 1]
    fates = set()
    for number, delay in enumerate((None, 0, 0.004, 0.008, 0.012, 0.02, 0.04, 2)):
        room = f"#copy{number}"
        work = scene.start([program("zchat-broker"), "--import", "-", "--room", room, "--data", broker.data], room)
        work.write(half if delay is None else exported)
        if delay is not None:
            work.close_stdin()
            try:
                work.popen.wait(delay)
            except subprocess.TimeoutExpired:
                pass
        work.kill9()
        export = scene.run([program("zchat-broker"), "--export", room, "--data", broker.data])
        is_there = export.code == 0
        equal(len(export.out.splitlines()), len(exported.splitlines()) if is_there else 0, f"events, after {delay}")
        fates.add(is_there)
        sound(scene, broker.data)
    equal(fates, {True, False}, "some were killed in time, and some were not")


if __name__ == "__main__":
    run_tests()
