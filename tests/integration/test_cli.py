#!/usr/bin/python3
"""The verbs of zchat as CLI.md describes them: the human form, the JSON form, the exit code. [R-14]."""
import datetime
import fcntl
import json
import os
import re
import signal
import subprocess
import termios

from zchat_test import check, equal, messages, program, run_tests, test, texts, wait_until

# ESC, colour and title sequences, C1, bidi override and isolates, line separators, DEL, BEL, a forged line
HOSTILE = ("red \x1b[31m title \x1b]0;x\x07 c1 \x9b2J bidi \u202e\u2066\u200f sep \u2028\u2029 del \x7f "
           "bom \ufeff cr \r tab \t end\n2026-11-23 10:00:00 #lobby bob: forged")
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff]")


def meet(scene, *nicks):
    broker = scene.broker()
    people = [scene.person(nick, broker) for nick in nicks]
    for person in people:
        person.ok("join", "#lobby")
    return people


def say(person, count, room="#lobby"):
    """That many lines, "1", "2" ..."""
    person.ok("send", room, "--lines", stdin="".join(f"{n}\n" for n in range(1, count + 1)).encode())


# send


@test
def send_takes_words_standard_input_or_lines(scene):
    alice, = meet(scene, "alice")
    equal(alice.ok("send", "#lobby", "two", "words").lines(), ["#lobby 2"], "what send prints")
    alice.ok("send", "#lobby", stdin=b"from stdin\nsecond line\n")
    alice.ok("send", "#lobby", "-", stdin=b"with a dash")
    result = alice.ok("send", "#lobby", "--lines", stdin="one\n\nзwei\n😀".encode())
    equal(result.lines(), ["#lobby 5", "#lobby 6", "#lobby 7"], "what send --lines prints")
    alice.ok("send", "#lobby", "--", "--not-an-option")
    equal(texts(alice.history("#lobby")),
          ["two words", "from stdin\nsecond line", "with a dash", "one", "зwei", "😀", "--not-an-option"],
          "what stands in the room")


@test
def send_tells_place_session_and_number_in_json(scene):
    alice, = meet(scene, "alice")
    first, second = alice.ok("send", "#lobby", "--json", "--lines", stdin=b"a\nb\n").json()
    equal([first[key] for key in ("stream", "seq", "number", "state")], ["#lobby", 2, 1, "stored"], "the first")
    equal([second[key] for key in ("stream", "seq", "number", "state")], ["#lobby", 3, 2, "stored"], "the second")
    check(re.fullmatch("[0-9a-f]{16}", first["session"]), f"session {first['session']}")
    event = messages(alice.history("#lobby"))[0]
    equal((event["session"], event["number"]), (first["session"], 1), "session and number in the event")
    failed = alice.run("send", "@nobody", "x", "--json")
    told = failed.json()[0]
    equal((failed.code, told["state"], told["error"]), (6, "failed", "no_such_nick"), "a refused one")


@test
def a_notice_is_marked_as_one(scene):
    alice, = meet(scene, "alice")
    alice.ok("send", "#lobby", "built", "--notice")
    alice.ok("send", "#lobby", "said")
    equal([event["kind"] for event in messages(alice.history("#lobby"))], ["notice", "message"], "kinds")
    lines = alice.ok("history", "#lobby").lines()[1:]
    check("-alice- built" in lines[0] and "alice: said" in lines[1], f"the human form {lines}")


@test
def names_are_folded_and_any_script_is_good(scene):
    alice, = meet(scene, "alice")
    equal(alice.ok("send", "#LOBBY", "x").lines(), ["#lobby 2"], "a room in capitals")
    for room in ("#小明", "#Ärger", "#привет", "#a-b_c"):
        alice.ok("join", room)
    rooms = {row["stream"] for row in alice.ok("rooms", "--json").json()}
    equal(rooms, {"#lobby", "#小明", "#ärger", "#привет", "#a-b_c"}, "rooms")
    for bad in ("#", "#a b", "#-a", "#" + "a" * 33, "#a/../b", "#a\x1b[0m"):
        check(alice.run("join", bad).code == 2, f"the room {bad!r} should be refused")


# tail and history


@test
def tail_begins_where_it_is_told_to(scene):
    alice, = meet(scene, "alice")
    say(alice, 5)

    def got(*words):
        return texts(alice.ok("tail", "#lobby", "--json", "--until-end", *words).json())
    now = datetime.datetime.now(datetime.timezone.utc)
    hour = datetime.timedelta(hours=1)
    every = ["1", "2", "3", "4", "5"]
    for want, words in ((every, ("--since", "all")), (every[2:], ("--since", "4")), (every[3:], ("-n", "2")),
                        (every[3:], ("-n2",)), ([], ()), ([], ("-n", "0")), (every, ("--since", "10m")),
                        (every, ("--since", (now - hour).isoformat())), ([], ("--since", (now + hour).isoformat())),
                        (every, ("--since", (now - hour).strftime("%Y-%m-%d %H:%M"))), (every, ("-n", "1000"))):
        equal(got(*words), want, f"tail {words}")
    equal(texts(alice.ok("tail", "#lobby", "--json", "--since", "2", "--count", "3").json()), every[:3],
          "tail --count 3")


@test
def tail_follows_what_is_new_and_ends_with_a_signal(scene):
    alice, bob = meet(scene, "alice", "bob")
    tail = bob.tail("#lobby", "-n", "1")
    tail.wait_count(1)  # it is there
    alice.ok("send", "#lobby", "new")
    event = tail.wait_event(text="new")
    equal({key: event[key] for key in ("stream", "seq", "type", "kind", "from")},
          {"stream": "#lobby", "seq": 3, "type": "message", "kind": "message", "from": "alice"}, "the event")
    check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["ts"]), f"ts {event['ts']}")
    equal(tail.stop(), 128 + signal.SIGTERM, "exit code at SIGTERM")
    equal(tail.err, [], "what it says at SIGTERM")


@test
def tail_of_nothing_named_has_all_rooms_of_ones_own(scene):
    alice, bob = meet(scene, "alice", "bob")
    bob.ok("join", "#second")
    alice.ok("join", "#third")
    alice.ok("send", "@bob", "private")
    tail = bob.tail()
    tail.wait_event(text="private")
    alice.ok("join", "#second")
    for room in ("#lobby", "#second", "#third"):
        alice.ok("send", room, f"in {room}")
    alice.ok("send", "@bob", "the end", "--wait", "delivered")
    tail.wait_event(text="in #second")
    tail.wait_event(text="in #lobby")
    check("in #third" not in texts(tail.json()), "a room that bob is not in")


@test
def a_durable_tail_goes_on_where_it_was(scene):
    alice, = meet(scene, "alice")

    def got(*words):
        return texts(alice.ok("tail", "#lobby", "--json", "--durable", "me", *words).json())
    say(alice, 6)
    equal(got("--since", "all", "--count", "3"), ["1", "2"], "the first time")  # and the join
    equal(got("--count", "1"), ["3"], "the second time")
    tail = alice.tail("#lobby", "--durable", "me")
    tail.wait_event(text="6")
    tail.stop()
    equal(texts(tail.json()), ["4", "5", "6"], "the third time")
    equal(got("--until-end"), [], "the fourth time")
    alice.ok("send", "#lobby", "7")
    equal(got("--until-end"), ["7"], "the fifth time")
    equal(texts(alice.ok("tail", "#lobby", "--json", "--durable", "other", "--since", "8",
                         "--until-end").json()), ["7"], "another name")


@test
def history_looks_back(scene):
    alice, bob = meet(scene, "alice", "bob")
    say(alice, 300)  # with two joins: 3 to 302
    equal(texts(alice.ok("history", "#lobby", "--json").json()), [str(n) for n in range(281, 301)], "the last 20")
    equal(texts(alice.ok("history", "#lobby", "--json", "-n", "3").json()), ["298", "299", "300"], "the last 3")
    equal(texts(alice.ok("history", "#lobby", "--json", "-n", "2", "--before", "10").json()), ["6", "7"],
          "two before number 10")
    equal(alice.ok("history", "#lobby", "--before", "1").out, b"", "what stands before the first")
    equal(len(bob.history("#lobby")), 302, "events in all")
    equal(texts(alice.ok("history", "#lobby", "--json", "-n", "5", "--before", "100000").json()),
          [str(n) for n in range(296, 301)], "before a number that is not there yet")


# People, rooms and the link


@test
def who_tells_people_rooms_and_state(scene):
    alice, bob = meet(scene, "alice", "bob")
    bob.ok("join", "#second")
    bob.tail("#lobby", "-n", "1").wait_count(1)
    rows = {row["nick"]: row for row in alice.ok("who", "--json").json()}
    equal(sorted(rows), ["alice", "bob"], "who is there")
    equal(sorted(rows["bob"]["rooms"]), ["#lobby", "#second"], "bob's rooms")
    equal((rows["bob"]["state"], rows["bob"]["devices"]), ("online", 1), "bob's state")
    equal([row["nick"] for row in alice.ok("who", "#second", "--json").json()], ["bob"], "who is in #second")
    lines = alice.ok("who").lines()
    check(any(re.match(r"bob +online +1 +#lobby @#second", line) for line in lines), f"the human form {lines}")


@test
def rooms_tells_people_and_messages(scene):
    alice, bob = meet(scene, "alice", "bob")
    bob.ok("join", "#second")
    rows = {row["stream"]: row for row in alice.ok("rooms", "--json").json()}
    modes = {"topic": "", "private": False, "persistent": False}
    equal(rows, {"#lobby": {"stream": "#lobby", "people": 2, "seq": 2, "member": True, **modes, "op": True},
                 "#second": {"stream": "#second", "people": 1, "seq": 1, "member": False, **modes, "op": False}},
          "rooms")
    lines = alice.ok("rooms").lines()
    check(re.match(r"@ #lobby +2 +2$", lines[0]) and re.match(r"  #second +1 +1$", lines[1]),
          f"the human form {lines}")


@test
def joining_and_leaving_make_one_event_each(scene):
    alice, bob = meet(scene, "alice", "bob")
    equal(bob.ok("join", "#lobby").lines(), ["#lobby 2"], "joining again")
    equal(bob.ok("join", "#lobby", "--json").json(),
          [{"stream": "#lobby", "seq": 2, "people": 2, "member": True, "topic": "", "private": False,
            "persistent": False, "op": False}], "joining in JSON")
    equal(bob.ok("leave", "#lobby", "--json").json(), [{"stream": "#lobby", "member": False}], "leaving in JSON")
    equal(bob.ok("leave", "#lobby").out, b"", "leaving again")
    equal([(event["type"], event["from"]) for event in alice.history("#lobby")],
          [("join", "alice"), ("join", "bob"), ("leave", "bob")], "events")
    lines = alice.ok("history", "#lobby").lines()
    check(lines[1].endswith("#lobby * bob joined") and lines[2].endswith("#lobby * bob left"), f"{lines}")


@test
def ping_status_and_key_tell_of_the_link(scene):
    alice, = meet(scene, "alice")
    check(re.fullmatch(r"answered in \d+ ms", alice.ok("ping").lines()[0]), "ping")
    equal(list(alice.ok("ping", "--json").json()[0]), ["round_trip_ms"], "ping in JSON")
    status = alice.ok("status", "--json").json()[0]
    equal((status["nick"], status["link"], status["broker"], status["unanswered"]),
          ("alice", "up", alice.url, 0), "status")
    key = alice.ok("key", "--json").json()[0]
    equal((key["nick"], key["fingerprint"]), ("alice", status["fingerprint"]), "key")
    check(key["key"] in alice.ok("key").lines()[0], "the key in the human form")
    check(status["fingerprint"] in alice.ok("status").out.decode(), "the fingerprint in the human form")
    check(re.search(r"^link +up", alice.ok("status").out.decode(), re.M), "the link in the human form")
    check("zchat-broker/" in alice.ok("status").out.decode(), "the version of the broker")


@test
def help_and_version_go_to_stdout(scene):
    for name in ("zchat", "zchat-broker", "zchat-logger"):
        told = scene.run([program(name), "--version"])
        check(told.code == 0 and not told.err and re.fullmatch(rf"{name} \d+\.\d+\.\d+\n", told.out.decode()),
              f"version: {told}")
        told = scene.run([program(name), "--help"])
        check(told.code == 0 and not told.err and name.encode() in told.out, f"help: {told}")
        widest = max(len(line) for line in told.out.decode().splitlines())
        check(widest <= 160, f"the help of {name} is {widest} wide")
    for verb in ("send", "tail", "history", "who", "rooms", "join", "leave", "ping", "status", "key", "invite",
                 "device", "room", "admin"):
        told = scene.run([program("zchat"), verb, "--help"])
        check(told.code == 0 and not told.err and verb.encode() in told.out, f"help: {told}")


@test
def the_local_broker_the_last_one_and_the_environment_are_found(scene):
    broker = scene.broker()
    alice = scene.person("alice", None)
    alice.refused(5, "no broker is known", "ping")
    equal((broker.data / "broker.url").read_text(), broker.url + "\n", "broker.url in the data folder")
    alice.ok("ping", env={"XDG_RUNTIME_DIR": str(broker.runtime)})
    alice.ok("ping", env={"ZCHAT_BROKER": broker.url})
    alice.ok("ping", url=broker.url)
    alice.ok("ping")  # the last one
    nobody = scene.person(None, broker, home=alice.home)
    equal(nobody.ok("status", "--json").json()[0]["nick"], "alice", "the last nick")
    told = nobody.ok("status", "--json", env={"ZCHAT_NICK": "Bob"})
    equal(told.json()[0]["nick"], "bob", "the nick of $ZCHAT_NICK")
    equal((broker.runtime / "zchat" / "broker.url").exists(), True, "the local broker's file")
    broker.stop()
    equal((broker.runtime / "zchat" / "broker.url").exists(), False, "that file, when the broker has ended")


@test
def port_zero_takes_free_ports(scene):
    first = scene.start([program("zchat-broker"), "--data", scene.folder / "one", "--port", "0"], "one",
                        stdin=subprocess.DEVNULL)
    second = scene.start([program("zchat-broker"), "--data", scene.folder / "two", "--port", "0"], "two",
                         stdin=subprocess.DEVNULL)
    urls = [each.wait_line("ready").split()[1] for each in (first, second)]
    check(urls[0].split("?")[0] != urls[1].split("?")[0], f"two brokers at {urls}")
    for number, url in enumerate(urls):
        scene.person(f"alice{number}", url).ok("ping")


@test
def a_unix_socket_serves_as_well(scene):
    path = scene.folder / "zchat.sock"
    broker = scene.broker(address=f"ipc://{path}")
    check(broker.url.startswith(f"zchat+ipc://{path}"), f"the address {broker.url}")
    alice, bob = scene.person("alice", broker), scene.person("bob", broker)
    alice.ok("join", "#lobby")
    tail = alice.tail("#lobby", "--since", "all")
    bob.ok("send", "#lobby", "over a file")
    tail.wait_event(text="over a file")
    broker.kill9()
    broker.start()
    bob.ok("send", "#lobby", "and again")
    tail.wait_event(text="and again")


# Other people's text, and other programs


@test
def hostile_text_is_harmless_for_people_and_exact_for_programs(scene):
    alice, bob = meet(scene, "alice", "bob")
    alice.ok("send", "#lobby", stdin=HOSTILE.encode())
    alice.ok("send", "@bob", stdin=HOSTILE.encode())
    for stream in ("#lobby", "@bob"):
        equal(texts(bob.history(stream)), [HOSTILE], f"the text of {stream} in JSON")
        result = bob.ok("history", stream, "--json", "-n", "1")
        equal(len(result.out.splitlines()), 1, "lines of one event in JSON")
        shown = bob.ok("history", stream, "-n", "1").out.decode()
        found = UNSAFE.search(shown)
        check(not found, f"{stream}: {found and found.group()!r} in {shown!r}")
        check(not any(line.startswith("2026-11-23 10:00:00") for line in shown.splitlines()),
              f"a forged line in {shown!r}")
        check("red" in shown and "forged" in shown, f"the text is not shown: {shown!r}")
    line_mode = bob.run("-v", stdin=b"/history 5\n").out.decode()
    check("red" in line_mode and not UNSAFE.search(line_mode), f"line mode: {line_mode!r}")


@test
def a_reader_that_goes_away_is_no_error(scene):
    alice, = meet(scene, "alice")
    say(alice, 3000)
    for words in (("history", "#lobby", "-n", "3000"), ("tail", "#lobby", "--since", "all"),
                  ("tail", "#lobby", "--since", "all", "--json")):
        head = scene.run(["/bin/bash", "-o", "pipefail", "-c", '"$@" | head -1', "bash", *alice.args(words)])
        equal((head.code, len(head.lines()), head.err), (0, 1, b""), f"{words} | head -1: code, lines, stderr")
    quiet = scene.run(["/bin/bash", "-c", '"$@" > /dev/full; echo $?', "bash",
                       *alice.args(("history", "#lobby"))])
    equal(quiet.lines(), ["1"], f"exit code when stdout is a full disk; {quiet}")
    check(b"standard output" in quiet.err, f"what it says then: {quiet}")


@test
def what_could_not_be_written_is_not_confirmed(scene):
    alice, bob = meet(scene, "alice", "bob")
    count = 200
    lines = [f"{n} {'x' * 2000}" for n in range(count)]  # more than a pipe holds
    alice.ok("send", "@bob", "--lines", stdin="\n".join(lines).encode())
    gone = subprocess.Popen(bob.args(["tail", "@bob", "--json"]), env=scene.environment(),
                            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    gone.stdout.readline()
    gone.stdout.close()  # what is written from now on fails
    equal(gone.wait(20), 0, "exit code of a tail whose reader went away")
    rest = bob.ok("tail", "@bob", "--json", "--until-end").json()
    check(0 < len(rest) < count, f"{len(rest)} of {count} are left")
    equal(texts(rest), lines[count - len(rest):], "the rest")


def is_in_pipe(pid):
    """Whether it waits for room in a pipe, as far as the system tells."""
    with open(f"/proc/{pid}/wchan", encoding="ascii") as file:
        where = file.read()
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return "pipe" in where or where in ("", "0") and file.read().rsplit(")", 1)[1].split()[0] == "S"


@test
def what_a_signal_kept_from_being_written_is_not_confirmed(scene):
    alice, bob = meet(scene, "alice", "bob")
    lines = [f"{n} {'x' * 2500}" for n in range(5)]
    alice.ok("send", "@bob", "--lines", stdin="\n".join(lines).encode())
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)  # holds one line and not a part of the next
    tail = subprocess.Popen(bob.args(["tail", "@bob", "--json"]), env=scene.environment(), stdout=writer, stdin=subprocess.DEVNULL)
    os.close(writer)
    wait_until(lambda: len(fcntl.ioctl(reader, termios.FIONREAD, bytes(4)).rstrip(b"\0")) > 0 and is_in_pipe(tail.pid),
               "a line in the pipe, and one that waits")
    tail.send_signal(signal.SIGTERM)
    with os.fdopen(reader, "rb") as pipe:
        printed = [json.loads(line)["text"] for line in pipe.read().splitlines()]
    equal(tail.wait(20), 128 + signal.SIGTERM, "exit code of the tail")
    check(len(printed) < len(lines), f"{len(printed)} lines were printed")
    rest = texts(bob.ok("tail", "@bob", "--json", "--until-end").json())
    equal(printed + rest, lines, "what was printed, and what is left")


@test
def a_tail_that_is_ended_confirms_what_it_printed_and_no_more(scene):
    alice, bob = meet(scene, "alice", "bob")
    count, seen = 3000, []
    alice.ok("send", "@bob", "--lines", stdin="".join(f"{n}\n" for n in range(count)).encode())
    for _ in range(12):
        tail = bob.tail("@bob", "--until-end")
        wait_until(lambda: tail.out_count() > 0 or not tail.is_running(), "a line, or the end")
        tail.stop()
        seen.append([int(event["text"]) for event in tail.json()])
    seen.append([int(text) for text in texts(bob.ok("tail", "@bob", "--json", "--until-end").json())])
    at = 0
    for numbers in seen:
        check(not numbers or numbers[0] <= at, f"{at} to {numbers[:1]} were never printed")
        at = numbers[-1] + 1 if numbers else at
    equal(at, count, "lines printed in all")


@test
def a_message_is_sent_though_nobody_reads_its_place(scene):
    alice, = meet(scene, "alice")
    reader, writer = os.pipe()
    os.close(reader)

    def run(*words, stdin=b""):
        done = subprocess.run(alice.args(words), env=scene.environment(), stdout=writer, stderr=subprocess.PIPE,
                              input=stdin, timeout=30)
        return done.returncode, done.stderr
    equal(run("send", "#lobby", "one"), (0, b""), "code and stderr of one message")
    code, err = run("send", "#lobby", "--lines", stdin=b"two\nthree\n" * 2000)
    check(code in (0, 1), f"{code} {err}")
    check((code == 1) == (b"nobody reads" in err), f"a cut that is told and counts: {code} {err}")
    equal(texts(alice.history("#lobby"))[0], "one", "what is stored")
    os.close(writer)


@test
def input_that_cannot_be_read_is_a_failure(scene):
    alice, = meet(scene, "alice")
    folder = os.open(scene.folder, os.O_RDONLY)
    for words in (("send", "#lobby"), ("send", "#lobby", "--lines")):
        done = subprocess.run(alice.args(words), env=scene.environment(), stdin=folder, capture_output=True,
                              timeout=30)
        equal(done.returncode, 1, f"exit code of {words}; {done.stderr}")
        check(b"cannot read standard input" in done.stderr, f"what {words} says: {done.stderr}")
    os.close(folder)


# Line mode


@test
def line_mode_takes_lines_and_commands(scene):
    alice, bob = meet(scene, "alice", "bob")
    bob.ok("send", "#lobby", "earlier")
    inbox = bob.tail("@bob", "#lobby", "--since", "all")
    inbox.wait_event(text="earlier")
    script = ("/join #second\nhello second\n/join #lobby\nhello lobby\n//slash\n/msg @bob psst\n/who\n/rooms\n"
              "/history 2\n/nonsense\n/msg @nobody x\n/leave #second\n/help\n/quit\nnever said\n")
    result = alice.run(stdin=script.encode(), timeout=30)
    check(result.code in (0, 4), f"exit code of {result}")
    out, err = result.out.decode(), result.err.decode()
    for part in ("hello lobby", "earlier", "/slash", "psst"):  # a room left at once may not show its last line
        check(part in out, f"'{part}' misses on stdout: {out}")
    check(re.search(r"^bob +online", out, re.M), f"/who misses: {out}")
    check(re.search(r"^. #second +1", out, re.M), f"/rooms misses: {out}")
    check("there is nobody of that nick" in out + err, f"the refusal misses: {out} {err}")
    check("/help lists" in err and "/quit" in err, f"remarks: {err}")
    check("never said" not in out, f"what stands behind /quit was said: {out}")
    inbox.wait_event(text="psst", stream="@bob")
    equal(texts(alice.history("#second")), ["hello second"], "what stands in #second")
    equal(texts(alice.history("#lobby")), ["earlier", "hello lobby", "/slash"], "what stands in #lobby")
    equal([event["type"] for event in alice.history("#second")], ["join", "message", "leave"], "events in #second")


@test
def line_mode_shows_what_others_say_while_it_runs(scene):
    alice, bob = meet(scene, "alice", "bob")
    chat = alice.start()
    chat.write("I am here\n")
    chat.wait_line("I am here")
    bob.ok("send", "#lobby", "hello alice")
    chat.wait_line("bob: hello alice")
    bob.ok("send", "@alice", "in private", "--wait", "delivered")
    chat.wait_line("in private")
    chat.write("/msg @bob reply\n")
    chat.wait_line("reply")
    bob.ok("tail", "--count", "2")
    chat.wait_line("has it")
    chat.close_stdin()
    equal(chat.wait_exit(), 0, f"exit code at the end of input; {chat.told()}")
    equal(texts(alice.history("#lobby")), ["I am here", "hello alice"], "what stands in the room")


@test
def line_mode_in_json_gives_events_and_states(scene):
    alice, = meet(scene, "alice")
    result = alice.ok("--json", stdin=b"hello\n/who\n/quit\n")
    rows = [json.loads(line) for line in result.lines()]
    event = [row for row in rows if row.get("type") == "message"]
    states = [row["state"] for row in rows if row.get("type") == "post"]
    equal([row["text"] for row in event], ["hello"], "messages")
    check("stored" in states, f"states {states}")
    check(any(row.get("nick") == "alice" for row in rows), f"/who in {rows}")


@test
def line_mode_goes_on_over_a_broker_that_was_killed(scene):
    broker = scene.broker()
    alice, bob = scene.person("alice", broker), scene.person("bob", broker)
    alice.ok("join", "#lobby")
    bob.ok("join", "#lobby")
    chat = alice.start()
    chat.write("one\n")
    chat.wait_line("one")
    broker.kill9()
    chat.write("two\nthree\n")
    chat.wait_line("link is down", where="err")
    broker.start()
    chat.wait_line("link is back", where="err")
    chat.wait_line("three")
    bob.ok("send", "#lobby", "four")
    chat.wait_line("four")
    chat.write("/quit\n")
    equal(chat.wait_exit(), 0, f"exit code; {chat.told()}")
    equal(texts(bob.history("#lobby")), ["one", "two", "three", "four"], "what stands in the room")


if __name__ == "__main__":
    run_tests()
