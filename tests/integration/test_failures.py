#!/usr/bin/python3
"""What goes wrong ends with the exit code that CLI.md promises, and one sentence that says why.
[R-4] [R-13] [R-15] [R-20] [R-21] [R-24]."""
import hashlib
import os
import re
import signal
import socket
import time

from zchat_test import (SLOW, Broker, Skipped, check, equal, program, run_tests, test, texts,
                        wait_until)

NOBODY = 65534


def fingerprint(key):
    digest = hashlib.blake2b(bytes.fromhex(key), digest_size=32).hexdigest()[:32]
    return " ".join(digest[at:at + 4] for at in range(0, 32, 4))


def other_key(key):
    return "".join("0123456789abcdef"[15 - int(digit, 16)] for digit in key)


def start_fails(scene, code, part, *options, **more):
    """A broker that does not start: this exit code, and a line on stderr with this part."""
    result = scene.run([program("zchat-broker"), *options], **more)
    check(result.code == code, f"should exit with {code}: {result}")
    check(part.encode() in result.err, f"should say '{part}': {result}")
    check(b"ready" not in result.out, f"says that it serves: {result}")
    return result


# Getting in


@test
def a_wrong_key_in_the_address_ends_with_5(scene):
    broker = scene.broker()
    url = broker.url.replace(broker.key(), other_key(broker.key()))
    scene.person("alice", url).refused(5, "wrong_broker", "send", "#lobby", "x")


@test
def another_key_of_a_known_broker_is_shown_with_both_fingerprints(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("ping")
    wrong = other_key(broker.key())
    result = alice.refused(5, "wrong_broker", "ping", url=broker.url.replace(broker.key(), wrong))
    for key in (broker.key(), wrong):
        check(fingerprint(key).encode() in result.err, f"fingerprint {fingerprint(key)} misses: {result}")
    equal(alice.ok("status", "--json").json()[0]["broker_fingerprint"], fingerprint(broker.key()),
          "fingerprint in status, afterwards")


@test
def a_broker_that_was_replaced_by_another_is_not_talked_to(scene):
    first = scene.broker()
    alice = scene.person("alice", first)
    alice.ok("join", "#lobby")
    equal(first.stop(), 0, "exit code of the broker")
    second = Broker(scene, name="second")
    second.port = first.port
    second.start()
    alice.refused(5, "wrong_broker", "send", "#lobby", "secret")
    result = alice.refused(5, "wrong_broker", "send", "#lobby", "secret", url=second.url)
    for key in (first.key(), second.key()):
        check(fingerprint(key).encode() in result.err, f"fingerprint {fingerprint(key)} misses: {result}")


@test
def another_key_behind_a_link_that_was_up_is_told_once(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    tail = alice.tail("#lobby")
    wait_until(lambda: alice.ok("send", "#lobby", "one") and tail.out_count() > 0, "the tail follows")
    broker.kill9()
    key = (broker.data / "broker.key").read_bytes()
    (broker.data / "broker.key").unlink()
    broker.start()
    tail.wait_line("wrong_broker", where="err")
    check(tail.is_running(), "a tail gives up what may pass")
    broker.kill9()
    (broker.data / "broker.key").write_bytes(key)
    broker.start()
    tail.wait_line("the link is back", where="err")
    equal(len([line for line in tail.err if "wrong_broker" in line]), 1, f"how often it is told: {tail.err}")


@test
def an_address_without_a_key_is_refused_for_another_machine(scene):
    alice = scene.person("alice", "zchat://192.0.2.1:5670")
    result = alice.run("ping")
    check(result.code in (2, 5), f"should be refused: {result}")
    check(b"key" in result.err, f"should ask for a key: {result}")


@test
def a_nick_of_another_key_is_not_given_away(scene):
    broker = scene.broker()
    scene.person("alice", broker).ok("ping")
    thief = scene.person("alice", broker, home=scene.folder / "thief")
    thief.refused(5, "nick_in_use", "send", "@alice", "x")
    thief.refused(5, "nick_in_use", "ping")


@test
def a_nick_that_looks_like_a_taken_one_is_refused(scene):
    broker = scene.broker()
    scene.person("coco", broker).ok("ping")
    lookalike = scene.person("сосо", broker)  # Cyrillic
    result = lookalike.run("ping")
    check(result.code in (4, 5) and b"confusable" in result.err, f"should be refused: {result}")


@test
def nobody_new_enters_a_closed_broker(scene):
    broker = scene.broker("--registration", "closed")
    scene.person("alice", broker).refused(5, "not_let_in", "ping")
    broker.options = ["--registration", "open"]
    broker.restart()
    scene.person("alice", broker).ok("ping")
    broker.options = ["--registration", "closed"]
    broker.restart()
    scene.person("alice", broker).ok("ping")
    scene.person("bob", broker).refused(5, "not_let_in", "ping")


@test
def a_broker_that_is_down_ends_with_5_within_the_timeout(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    broker.kill9()
    for words in (("send", "#lobby", "x"), ("ping",), ("who",), ("history", "#lobby"), ("join", "#lobby")):
        begin = time.monotonic()
        alice.refused(5, "127.0.0.1", *words, "--timeout", "1s")
        took = time.monotonic() - begin
        check(0.9 < took < 9 * SLOW, f"{words} with --timeout 1s took {took:.1f} s")  # without it, 10 s


@test
def a_key_file_that_others_may_read_is_refused(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("ping")
    key = alice.home / "keys" / "alice.key"
    equal(key.stat().st_mode & 0o777, 0o600, "mode of the key file")
    key.chmod(0o644)
    alice.refused(5, str(key), "ping")
    key.chmod(0o600)
    alice.ok("ping")
    text = key.read_text()
    for damaged in ("", "x", text[:-9], text.replace("secret ", "secret 00"), text + "more\n",
                    text.replace(text[-3], "0" if text[-3] != "0" else "1")):
        key.write_text(damaged)
        alice.refused(5, str(key), "ping")
    key.write_text(text)
    alice.ok("ping")


# Saying something


@test
def a_full_room_refuses_the_next_one(scene):
    broker = scene.broker(config="# small\nroom-members-max = 2\n")
    alice, bob, carol = (scene.person(nick, broker) for nick in ("alice", "bob", "carol"))
    alice.ok("join", "#lobby")
    bob.ok("join", "#lobby")
    carol.refused(4, "room_full", "join", "#lobby")
    carol.refused(4, "room_full", "send", "#lobby", "let me in")
    alice.ok("join", "#lobby")
    bob.ok("leave", "#lobby")
    carol.ok("send", "#lobby", "at last")
    equal(texts(alice.history("#lobby")), ["at last"], "what stands in the room")


@test
def a_text_that_is_too_big_is_refused_and_the_largest_is_not(scene):
    alice = scene.person("alice", scene.broker())
    alice.ok("join", "#lobby")
    alice.refused(4, "too_big", "send", "#lobby", stdin=b"x" * 16385)
    alice.refused(4, "too_big", "send", "#lobby", stdin=b"x" * 3000000)
    alice.refused(4, "too_big", "send", "#lobby", "--lines", stdin=b"x" * 16385 + b"\n")
    alice.ok("send", "#lobby", stdin=b"y" * 16384)
    equal(texts(alice.history("#lobby")), ["y" * 16384], "what stands in the room")


@test
def a_text_that_is_no_utf8_or_empty_is_refused(scene):
    alice = scene.person("alice", scene.broker())
    alice.ok("join", "#lobby")
    for text in (b"\xff", b"a\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"", b"\xf4\x90\x80\x80"):
        alice.refused(4, "bad_text", "send", "#lobby", stdin=text)
    alice.refused(4, "bad_text", "send", "#lobby", "")
    result = alice.refused(4, "bad_text", "send", "#lobby", "--lines", stdin=b"one\ntwo\n\xff\nfour\n")
    equal(len(result.lines()), 2, f"lines that {result} printed")
    check(b"line 3" in result.err, f"should name line 3: {result}")
    equal(texts(alice.history("#lobby")), ["one", "two"], "what stands in the room")


@test
def a_room_or_a_nick_that_does_not_exist_ends_with_6(scene):
    alice = scene.person("alice", scene.broker())
    for words in (("send", "#nowhere", "x"), ("history", "#nowhere"), ("tail", "#nowhere"),
                  ("who", "#nowhere"), ("leave", "#nowhere")):
        alice.refused(6, "no_such_room", *words)
    alice.refused(6, "no_such_nick", "send", "@nobody", "x")
    alice.refused(6, "no_such_nick", "send", "@nobody", "x", "--wait", "delivered")
    equal(alice.ok("rooms", "--json").json(), [], "rooms, afterwards")


@test
def usage_errors_end_with_2_and_say_what_is_wrong(scene):
    alice = scene.person("alice", None)
    for part, words in (("frobnicate", ("frobnicate",)), ("--frob", ("ping", "--frob")),
                        ("usage", ("send",)), ("lobby", ("send", "lobby", "x")), ("usage", ("history",)),
                        ("--timeout", ("ping", "--timeout", "soon")), ("--number", ("send", "@b", "x",
                                                                                    "--session", "0" * 15 + "1")),
                        ("--session", ("send", "@b", "x", "--session", "1", "--number", "1")),
                        ("--wait", ("send", "@b", "x", "--wait", "read")), ("usage", ("ping", "now")),
                        ("-n", ("tail", "-n", "few")), ("--since", ("tail", "--since", "yore")),
                        ("needs a value", ("ping", "--timeout")), ("--lines", ("send", "#a", "x", "--lines")),
                        ("usage: zchat admin purge", ("admin", "purge")), ("does not take", ("who", "--lines")),
                        ("address", ("ping", "--broker", "http://x")), ("nick", ("ping", "--nick", "a b"))):
        result = alice.refused(2, part.lstrip("-"), *words)
        equal(result.out, b"", f"stdout of {words}")
    for name in ("zchat-broker", "zchat-logger"):
        result = scene.run([program(name), "--frobnicate"])
        check(result.code == 2 and b"frobnicate" in result.err and result.out == b"", f"usage: {result}")


@test
def a_post_without_an_answer_can_be_repeated_without_doubling_it(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    for is_killed in (False, True):
        said = f"second, {is_killed}"
        sender = alice.start("send", "#lobby", "--lines", "--timeout", "1s")
        sender.write("first\n")
        sender.wait_count(1)
        broker.process.signal(signal.SIGSTOP)
        sender.write(f"{said}\n")
        sender.close_stdin()
        equal(sender.wait_exit(), 3, f"exit code; {sender.told()}")
        equal(len(sender.out), 1, "lines that were acknowledged")
        match = re.search(r"--session ([0-9a-f]{16}) --number (\d+)", "\n".join(sender.err))
        check(match, f"session and number are not told: {sender.told()}")
        equal(match.group(2), "2", "number of the second post")
        if is_killed:
            broker.kill9()
            broker.start()
        else:
            broker.process.signal(signal.SIGCONT)
        again = ("send", "#lobby", said, "--session", match.group(1), "--number", match.group(2))
        stored = alice.ok(*again).out
        equal(alice.ok(*again).out, stored, "answer to the repeated post")
        equal(alice.ok(*again, "--json").json()[0]["seq"], int(stored.split()[1]), "seq, once more")
        equal(texts(alice.history("#lobby")).count(said), 1, f"how often '{said}' stands there")


@test
def a_message_that_never_went_out_is_not_called_unknown(scene):
    broker = scene.broker()
    alice, bob = scene.person("alice", broker), scene.person("bob", broker)
    alice.ok("join", "#lobby")
    bob.ok("ping")
    broker.stop()
    broker.options += ["--disk-free-min", "1048576"]  # so joining has to wait for room
    broker.start()
    late = bob.run("send", "#lobby", "hello", "--timeout", "1s")
    equal(late.code, 5, f"exit code; {late}")
    check(b"nothing was sent" in late.err, f"what it says: {late}")


@test
def a_limit_on_the_size_of_files_ends_the_broker_with_a_word(scene):
    broker = Broker(scene, ["--ballast", "0"], prefix=["/usr/bin/prlimit", "--fsize=1000000"]).start()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    sent = alice.run("send", "#lobby", "--lines", "--timeout", "2s", stdin=(b"x" * 8000 + b"\n") * 300)
    check(sent.code != 0, f"all was stored: {sent}")
    equal(broker.process.wait_exit(), 1, "exit code of the broker")
    broker.process.wait_line("store.failed", where="err")


@test
def a_session_of_somebody_else_cannot_be_used(scene):
    broker = scene.broker()
    alice, bob = scene.person("alice", broker), scene.person("bob", broker)
    alice.ok("join", "#lobby")
    bob.ok("join", "#lobby")
    session = alice.ok("send", "#lobby", "mine", "--json").json()[0]["session"]
    result = bob.run("send", "#lobby", "forged", "--session", session, "--number", "2")
    check(result.code in (4, 5) and b"session_taken" in result.err, f"should be refused: {result}")
    equal(texts(alice.history("#lobby")), ["mine"], "what stands in the room")


# A broker that cannot start


@test
def a_port_in_use_is_named(scene):
    broker = scene.broker()
    start_fails(scene, 1, str(broker.port), "--data", scene.folder / "other", "--port", broker.port)
    port = scene.free_port(None)
    with socket.socket() as listener:  # the second of the pair
        listener.bind(("127.0.0.1", port + 1))
        listener.listen()
        start_fails(scene, 1, str(port + 1), "--data", scene.folder / "third", "--port", port)
    scene.person("alice", broker).ok("ping")


@test
def a_second_broker_on_the_same_data_is_refused(scene):
    broker = scene.broker()
    start_fails(scene, 1, str(broker.data), "--data", broker.data, "--port", "0")
    scene.person("alice", broker).ok("ping")


@test
def a_data_folder_that_cannot_be_used_is_named(scene):
    scene.folder.chmod(0o755)
    closed = scene.folder / "closed"
    closed.mkdir()
    closed.chmod(0o555)
    user = NOBODY if os.geteuid() == 0 else None
    if user is not None and not os.access("/usr/bin/setpriv", os.X_OK):
        raise Skipped("setpriv is missing")
    for data in (closed / "data", closed):
        start_fails(scene, 1, str(closed), "--data", data, "--port", "0", user=user)
    file = scene.folder / "file"
    file.write_text("x")
    start_fails(scene, 1, str(file), "--data", file, "--port", "0")
    shared = scene.folder / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    start_fails(scene, 1, str(shared), "--data", shared, "--port", "0")


@test
def a_key_of_the_broker_that_is_damaged_or_open_to_others_is_refused(scene):
    broker = scene.broker()
    url = broker.url
    broker.stop()
    key = broker.data / "broker.key"
    equal(key.stat().st_mode & 0o777, 0o600, "mode of the key file")
    key.chmod(0o640)
    start_fails(scene, 1, str(key), "--data", broker.data, "--port", broker.port)
    key.chmod(0o600)
    text = key.read_text()
    for damaged in ("", text[:40], "g" + text[1:], text + text):
        key.write_text(damaged)
        start_fails(scene, 1, str(key), "--data", broker.data, "--port", broker.port)
        equal(key.read_text(), damaged, "the damaged key file: it is evidence")
    key.write_text(text)
    equal(broker.start().url, url, "the address, with the key put back")


@test
def a_bad_line_of_the_configuration_is_named(scene):
    config = scene.folder / "broker.conf"
    data = ("--data", scene.folder / "data")
    for bad, part in (("port = many", "port"), ("no-such-key = 1", "no-such-key"), ("port", "key = value"),
                      ("registration = perhaps", "registration"), ("port = 1\nport = 2", "once")):
        config.write_text(f"# comment\n\nio-threads = 1\n{bad}\n")
        line = 4 + bad.count("\n")
        result = start_fails(scene, 2, f"{config}:{line}", "--config", config, *data)
        check(part.encode() in result.err, f"should say '{part}': {result}")
        equal(len(result.err.splitlines()), 1, f"lines on stderr of {result}")
        check(scene.run([program("zchat-broker"), "--check-config", "--config", config, *data]).code == 2,
              "--check-config lets it pass")
    start_fails(scene, 2, str(config) + "x", "--config", str(config) + "x", *data)
    config.write_text("port = 0\nregistration = closed\n")
    result = scene.run([program("zchat-broker"), "--check-config", "--config", config, *data])
    equal(result.code, 0, f"exit code for a good file of {result}")
    result = scene.run([program("zchat-broker"), "--print-config", "--config", config, *data])
    check(b"registration = closed" in result.out, f"--print-config: {result}")


@test
def insecure_is_for_this_machine_alone(scene):
    data = ("--data", scene.folder / "data", "--port", "0", "--insecure")
    for address in ("0.0.0.0", "192.0.2.1", "::", "*"):
        result = start_fails(scene, 2, "insecure", *data, "--bind", address)
        equal(len(result.err.splitlines()), 1, f"lines on stderr of {result}")
    start_fails(scene, 2, "insecure", *data, "--bind", "127.0.0.1", "--bind", "0.0.0.0")
    broker = scene.broker("--insecure", name="open")
    check("key=" not in broker.url, f"a key in {broker.url}")
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    alice.ok("send", "#lobby", "in clear")
    equal(texts(alice.history("#lobby")), ["in clear"], "what stands in the room")


@test
def a_broker_that_is_stopped_says_so_and_keeps_everything(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    for number in (signal.SIGTERM, signal.SIGINT):
        alice.ok("send", "#lobby", f"before {number}")
        broker.process.signal(number)
        equal(broker.process.wait_exit(), 0, f"exit code at signal {number}")
        broker.start()
    equal(texts(alice.history("#lobby")), ["before 15", "before 2"], "what stands in the room")
    log = scene.folder / "log"
    broker.options = ["--log-file", str(log)]
    broker.restart()
    old = scene.folder / "log.1"
    log.rename(old)
    broker.process.signal(signal.SIGUSR1)
    alice.ok("ping")
    wait_until(lambda: log.exists(), "SIGUSR1 opens the log anew")
    broker.process.signal(signal.SIGHUP)
    wait_until(lambda: "config.reloaded" in log.read_text(), "SIGHUP reloads")
    alice.ok("ping")


if __name__ == "__main__":
    run_tests()
