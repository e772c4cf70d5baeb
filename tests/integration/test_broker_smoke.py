#!/usr/bin/python3
"""The broker alone, spoken to by hand: what it prints, answers, publishes and keeps."""
import pathlib
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess

import msgpack

from raw_client import DEADLINE_MS, RawClient, unpack
from zchat_test import DEADLINE, Broker, Skipped, check, equal, program, run_tests, test, wait_until


def enter(client, nick, **more):
    """HELLO, and the WELCOME."""
    return client.hello(nick, **more)


def join(client, room, ref=1):
    client.send({"v": "join", "stream": room, "create": True, "ref": ref})
    return client.wait("joined", ref=ref)


def post(client, number, stream, text):
    client.send({"v": "post", "number": number, "stream": stream, "text": text})
    return client.wait("ack", number=number)


def fetch(client, stream, ref=9, **more):
    """All pages of one FETCH: the header of the last one, and the events."""
    client.send({"v": "fetch", "stream": stream, "ref": ref, "credit": 16, **more})
    events = []
    while True:
        maps = client.receive()
        check(maps is not None, f"no answer to FETCH of {stream}")
        if maps[0]["v"] == "events" and maps[0].get("ref") == ref:
            events += maps[1:]
            if maps[0]["done"]:
                return maps[0], events


@test
def a_message_is_acknowledged_published_fetched_and_survives_a_restart(scene):
    broker = scene.broker()
    check(re.fullmatch(r"zchat://127\.0\.0\.1:\d+\?key=[0-9a-f]{64}", broker.url),
          f"address {broker.url}")
    with RawClient(broker.url) as client:
        welcome = enter(client, "Alice", inbox=True, ref=5)
        equal((welcome["nick"], welcome["next"], welcome["stream"], welcome["seq"], welcome["ref"]),
              ("alice", 1, "@alice", 0, 5), "WELCOME")
        equal(join(client, "#Lobby")["stream"], "#lobby", "the canonical name")
        client.subscribe_all()
        ack = post(client, 1, "#lobby", "hello")
        equal((ack["stream"], ack["seq"]), ("#lobby", 2), "the place of the first message")
        frame = client.broadcast()
        while b"hello" not in frame:
            frame = client.broadcast()
        topic, _, body = frame.partition(b"\0")
        equal(topic, b"#lobby", "topic")
        event = unpack(body)[0]
        equal((event["seq"], event["text"], event["from"], event["session"], event["number"]),
              (2, "hello", "alice", client.session, 1), "the event")
        header, events = fetch(client, "#lobby")
        equal((header["seq"], [each["type"] for each in events]), (2, ["join", "message"]), "FETCH")
        key_pair = client.public_key, client.secret_key
        session = client.session
    broker.kill9()
    broker.start()
    with RawClient(broker.url, key_pair=key_pair) as client:
        client.session = session
        equal(enter(client, "alice")["next"], 2, "the session's next number")
        again = post(client, 1, "#lobby", "hello")
        equal((again["seq"], again["ts"]), (ack["seq"], ack["ts"]), "the same answer as before")
        equal(fetch(client, "#lobby")[1], events, "the stream after kill -9")


@test
def private_messages_are_sealed_on_pub(scene):
    broker = scene.broker()
    with RawClient(broker.url) as alice, RawClient(broker.url) as bob:
        enter(alice, "alice")
        enter(bob, "bob", inbox=True)
        alice.subscribe_all()
        ack = post(alice, 1, "@bob", "a secret")
        equal((ack["seq"], ack["own_seq"]), (1, 1), "both places")
        topics = set()
        while topics != {b"@alice", b"@bob"}:
            frame = alice.broadcast()
            check(b"a secret" not in frame, f"in clear on PUB: {frame}")
            if frame.startswith(b"@") and unpack(frame.partition(b"\0")[2])[0]["v"] == "sealed":
                topics.add(frame.partition(b"\0")[0])
        equal(fetch(bob, "@bob")[1][0]["text"], "a secret", "over DEALER it is in clear")
        alice.send({"v": "fetch", "stream": "@bob", "ref": 3})
        equal(alice.wait("error", ref=3)["error"], "denied", "somebody else's stream")


@test
def what_is_not_confirmed_is_published_again(scene):
    broker = scene.broker()
    with RawClient(broker.url) as alice, RawClient(broker.url) as bob:
        enter(alice, "alice")
        enter(bob, "bob", inbox=True)
        bob.subscribe_all()
        post(alice, 1, "@bob", "look")
        boxes = []
        while len(boxes) < 2:
            frame = bob.broadcast()
            check(frame is not None, "the event is not published again")
            if frame.startswith(b"@bob\0"):  # a HEAD may stand in the same frame
                boxes += [each for each in unpack(frame.partition(b"\0")[2]) if each["v"] == "sealed"]
            bob.ping(len(boxes))
        equal(boxes[0], boxes[1], "the same bytes again [R-28] 7.4")


@test
def refused_commands_are_answered_and_the_rest_of_the_frame_is_read(scene):
    broker = scene.broker()
    with RawClient(broker.url) as client:
        client.send({"v": "ping", "ref": 1})
        equal(client.wait("error", ref=1)["error"], "hello_first", "before HELLO [R-17]")
        enter(client, "alice")
        join(client, "#a")
        client.send({"v": "dance", "ref": 2}, {"v": "join", "stream": "#-", "ref": 3},
                    {"v": "fetch", "stream": 7, "ref": 4}, {"v": "ping", "ref": 5})
        equal([(each["v"], each.get("error"), each["ref"]) for each in client.receive()],
              [("error", "unknown_verb", 2), ("error", "bad_name", 3), ("error", "bad_field", 4),
               ("pong", None, 5)], "the answers to one frame, in one frame [R-7]")
        client.send_bytes(b"\xc1 is nothing")
        equal(client.wait("error")["error"], "malformed", "bytes that are no maps [R-8]")
        client.send_bytes(msgpack.packb({"v": "ping"}), b"")
        equal(client.wait("error")["error"], "malformed", "two frames in a message [R-5]")
        client.ping(6)


@test
def refused_posts_use_up_their_numbers(scene):
    broker = scene.broker()
    with RawClient(broker.url) as client:
        enter(client, "alice")
        join(client, "#a")
        for number, (stream, text, name) in enumerate([
                ("#a", "x" * 16385, "too_big"), ("#a", "", "bad_text"), ("not a stream", "x", "bad_name"),
                ("#nowhere", "x", "no_such_room"), ("@nobody", "x", "no_such_nick")], 1):
            client.send({"v": "post", "number": number, "stream": stream, "text": text})
            equal(client.wait("error", number=number)["error"], name, f"number {number}")
            client.send({"v": "post", "number": number, "stream": stream, "text": text})
            equal(client.wait("error", number=number)["error"], name, f"number {number} again [R-21]")
        equal(post(client, 6, "#a", "good")["seq"], 2, "the first good one")


@test
def peers_with_a_routing_id_get_no_answer_and_do_no_harm(scene):
    broker = scene.broker()
    with RawClient(broker.url, routing_id=b"alice") as stranger, RawClient(broker.url) as client:
        stranger.send({"v": "ping", "ref": 1})
        enter(client, "bob")
        client.ping(2)
        check(stranger.receive(300) is None, "an answer to a peer with its own routing id [R-3]")


@test
def claiming_the_routing_id_of_a_coming_peer_does_not_end_the_broker(scene):
    """libzmq numbers peers from two values of rand(): unseeded, the first pair is the ZAP handler's, the second
    one (1681692777, and a bit of 1714636915) the ROUTER's. Those from there on are claimed."""
    broker = scene.broker()
    first = 1681692777 | 1 << 31
    clients = [RawClient(broker.url, routing_id=b"\0" + (first + step).to_bytes(4, "big"))
               for step in range(1, 9)]
    for client in clients:
        try:
            client.send({"v": "ping"})
        finally:
            client.dealer.poll(1)
    for number in range(5):
        with RawClient(broker.url) as client:
            enter(client, f"n{number}")
    for client in clients:
        client.close()
    check(broker.process.is_running(), "the broker ended")


@test
def at_sigterm_it_commits_answers_says_bye_and_exits_with_0(scene):
    broker = scene.broker()
    runtime = broker.runtime / "zchat" / "broker.url"
    equal(runtime.read_text().strip(), broker.url, "the local address")
    equal((broker.data / "broker.url").read_text().strip(), broker.url, "the address in the folder")
    with RawClient(broker.url) as client:
        enter(client, "alice")
        join(client, "#a")
        client.send(*({"v": "post", "number": number, "stream": "#a", "text": "x"}
                      for number in range(1, 101)))
        client.wait("ack", number=1)
        equal(broker.stop(), 0, "exit code")
        equal(client.wait("bye")["retry"], 500, "BYE")
    check(not runtime.exists(), "the local address is still there")
    equal(broker.process.out, [f"ready {broker.url}"], "stdout")


@test
def a_failed_commit_is_never_acknowledged_and_ends_the_broker_with_1(scene):
    if shutil.which("strace") is None:
        raise Skipped("strace is missing")
    broker = Broker(scene)
    process = scene.start(broker.args(0), "broker", stdin=subprocess.DEVNULL,
                          env={"ASAN_OPTIONS": "detect_leaks=0"})  # which cannot be done while traced
    url = process.wait_line("ready ").split()[1]
    with RawClient(url) as client:
        enter(client, "alice")
        join(client, "#a")
        post(client, 1, "#a", "good")
        tracer = scene.start(["strace", "-f", "-qq", "-o", scene.folder / "trace", "-p", str(process.pid), "-e",
                              "inject=fsync,fdatasync:error=EIO"], "strace", stdin=subprocess.DEVNULL)
        tasks = list(pathlib.Path(f"/proc/{process.pid}/task").iterdir())
        wait_until(lambda: not tracer.is_running() or all(
            "TracerPid:\t0\n" not in (task / "status").read_text() for task in tasks), "strace is attached")
        if not tracer.is_running():
            raise Skipped(f"strace cannot attach: {tracer.err}")
        client.send({"v": "post", "number": 2, "stream": "#a", "text": "lost"})
        equal(process.wait_exit(), 1, "exit code")
        maps = client.receive(300)
        check(not maps or all(each["v"] != "ack" for each in maps), f"acknowledged: {maps}")
    equal(len([line for line in process.err if " error " in line]), 1, f"lines that say why: {process.err}")
    with RawClient(broker.start().url) as client:
        enter(client, "bob")
        texts = [each.get("text") for each in fetch(client, "#a")[1] if each["type"] == "message"]
        check(texts in (["good"], ["good", "lost"]), f"what is stored: {texts}")


@test
def the_folder_is_locked_and_the_key_is_private(scene):
    broker = scene.broker()
    equal(stat.S_IMODE((broker.data / "broker.key").stat().st_mode), 0o600, "mode of the key")
    equal(stat.S_IMODE(broker.data.stat().st_mode), 0o700, "mode of the folder")
    second = scene.run([program("zchat-broker"), "--data", broker.data, "--port", "0"])
    equal(second.code, 1, f"a second broker: {second}")
    check(b"another zchat-broker uses" in second.err, f"what it says: {second}")
    secret = (broker.data / "broker.key").read_text().strip()
    check(secret not in "\n".join(broker.process.err + broker.process.out), "the secret key is in the log")


@test
def a_port_in_use_is_said_in_one_line(scene):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = scene.run([program("zchat-broker"), "--data", scene.folder / "d", "--port", port])
    equal(result.code, 1, f"exit code: {result}")
    check(f"tcp://127.0.0.1:{port}: Address already in use".encode() in result.err, f"{result}")


@test
def usage_is_said_on_stderr_and_help_on_stdout(scene):
    def run(*args):
        return scene.run([program("zchat-broker"), *args])
    equal(run("--prot", "1").code, 2, "an unknown option")
    equal(run("--metrics", "127.0.0.1").code, 2, "a page without a port")
    equal(run("--insecure", "--bind", "0.0.0.0").code, 2, "insecure for all")
    result = run("--help")
    equal((result.code, result.err), (0, b""), "--help")
    check(b"--registration" in result.out, f"{result}")
    equal(run("--version").out, b"zchat-broker 0.1.0\n", "--version")
    path = scene.folder / "c"
    path.write_text("port = 1\nrooms = 3\n")
    result = run("--config", str(path), "--check-config")
    equal((result.code, result.err.decode()),
          (2, f"zchat-broker: {path}:2: rooms: there is no such key, see zchat-broker --help\n"), "a bad file")
    path.write_text("port = 4242\n")
    equal(run("--config", str(path), "--check-config").code, 0, "a good file")
    check(b"port = 4242\n" in run("--config", str(path), "--print-config").out, "--print-config")


@test
def signals_reload_the_configuration_and_reopen_the_log(scene):
    log = scene.folder / "log"
    broker = scene.broker(config=f"log-file = {log}\nlog-level = warn\n")
    config = scene.folder / "broker.conf"
    log.rename(scene.folder / "old")
    broker.process.signal(signal.SIGUSR1)
    wait_until(log.exists, "the log is opened anew")
    config.write_text(f"log-file = {log}\nlog-level = info\nrooms-max = 7\n")
    broker.process.signal(signal.SIGHUP)
    wait_until(lambda: "config.reloaded" in log.read_text(), "the configuration is read again")
    check('keys="rooms-max"' in log.read_text(), "what needs a restart is named")
    config.write_text("nonsense\n")
    broker.process.signal(signal.SIGHUP)
    wait_until(lambda: "config.refused" in log.read_text(), "a bad configuration is refused")
    equal(broker.stop(), 0, "exit code")


@test
def the_service_manager_is_told(scene):
    path = scene.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(DEADLINE)
        broker = Broker(scene)
        process = scene.start(broker.args(0), "broker", stdin=subprocess.DEVNULL,
                              env={"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "400000"})
        told = [manager.recv(64) for _ in range(3)]
        equal(told, [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"], "what the manager was told")
        equal(process.stop(), 0, "exit code")
        while told[-1] != b"STOPPING=1":
            told.append(manager.recv(64))


@test
def an_insecure_broker_serves_over_ipc(scene):
    path = scene.folder / "s"
    process = scene.start([program("zchat-broker"), "--data", scene.folder / "d", "--insecure",
                           "--bind", f"ipc://{path}"], "broker", stdin=subprocess.DEVNULL)
    equal(process.wait_line("ready "), f"ready zchat+ipc://{path}", "the ready line")
    import zmq
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.linger = 0
        dealer.connect(f"ipc://{path}")
        dealer.send(msgpack.packb({"v": "hello", "low": 1, "high": 1, "nick": "al",
                                   "session": secrets.randbits(62) + 1}))
        check(dealer.poll(DEADLINE_MS), "no WELCOME")
        equal(unpack(dealer.recv())[0]["v"], "welcome", "the answer")
    equal(process.stop(), 0, "exit code")
    check(not path.exists(), "the socket file is still there")


if __name__ == "__main__":
    run_tests()
