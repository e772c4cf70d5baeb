#!/usr/bin/python3
"""Peers that do not keep the protocol hurt nobody: the broker answers ERROR or cuts them off, and serves on.
[R-1] [R-2] [R-3] [R-5] [R-6] [R-7] [R-8] [R-17] [R-18]."""
import os
import socket
import threading

import msgpack
import zmq

from raw_client import RawClient, endpoints
from zchat_test import Broker, check, equal, run_tests, test, texts

SHORT_MS = 500  # after which silence counts as silence; another peer has been answered meanwhile


def serve_on(broker, alice):
    """The same process still answers somebody else, old and new."""
    check(broker.process.is_running(), "the broker has ended")
    alice.ok("ping")
    with RawClient(broker.url) as fresh:
        fresh.send({"v": "ping", "ref": 1})
        fresh.wait("error", error="hello_first", ref=1)


def meet(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    return broker, alice


@test
def damaged_frames_are_answered_with_an_error(scene):
    broker, alice = meet(scene)
    nested = b"\x81\xa1x" + b"\x91" * 4000 + b"\xc0"
    cases = {
        b"": None, b"\x00": "malformed", b"\xc1": "malformed", b"\x82\xa1v\xa4ping": "malformed",
        b"\x81\xa1v\xdb\xff\xff\xff\xff": "malformed", b"\xdf\xff\xff\xff\xff": None, nested: None,
        b"\x81\xa1v\xa4pi\xff\xff": None, msgpack.packb({"v": "frobnicate", "ref": 9}): "unknown_verb",
        msgpack.packb({"v": "welcome"}): "unknown_verb", msgpack.packb({"ref": 1}): None,
        msgpack.packb({"v": "post", "number": 1, "stream": "#lobby"}): "bad_field",
        msgpack.packb({"v": "post", "number": "1", "stream": "#lobby", "text": "x"}): "bad_field",
        msgpack.packb({"v": "join", "stream": "#" + "x" * 60000}): None,
        msgpack.packb({"v": "join", "stream": "#\x1b[2J"}): "bad_name",
        msgpack.packb({"v": "post", "number": 2, "stream": "#lobby", "text": "x" * 16385}): "too_big",
        b"\x81\xa1v\xa4ping" * 1025: None, os.urandom(5000): None,
        msgpack.packb({f"k{n}": n for n in range(40)} | {"v": "ping"}): None,
    }
    with RawClient(broker.url) as eve:
        eve.hello("eve")
        for ref, (payload, error) in enumerate(cases.items(), 100):
            eve.send_bytes(payload)
            if error is not None:
                eve.wait("error", error=error)
            eve.ping(ref)
        # what stands behind an unknown verb in the same frame is still read
        eve.send({"v": "frobnicate"}, {"v": "ping", "ref": 7, "unknown": [1, {"a": [2]}]})
        eve.wait("pong", ref=7)
    serve_on(broker, alice)
    equal(alice.history("#lobby")[1:], [], "what came into the room by it")


@test
def a_message_of_many_frames_is_refused(scene):
    broker, alice = meet(scene)
    with RawClient(broker.url) as eve:
        eve.hello("eve")
        ping = msgpack.packb({"v": "ping", "ref": 1})
        eve.send_bytes(ping, ping)
        eve.wait("error", error="malformed")
        eve.send_bytes(*[ping] * 1000)
        eve.wait("error", error="malformed")
        eve.ping(2)
    serve_on(broker, alice)


@test
def a_frame_that_is_too_large_cuts_the_connection(scene):
    broker, alice = meet(scene)
    with RawClient(broker.url) as eve:
        eve.hello("eve")
        eve.send_bytes(b"x" * 70000)
        eve.send_bytes(b"x" * 5000000)
        serve_on(broker, alice)
        eve.hello("eve")  # the library has connected anew
    serve_on(broker, alice)


@test
def a_client_with_a_routing_id_of_its_own_is_refused(scene):
    broker, alice = meet(scene)
    for routing_id in (b"me", b"\x01\x02\x03\x04\x05", b"A" * 255):
        with RawClient(broker.url, routing_id=routing_id) as eve:
            eve.send({"v": "hello", "low": 1, "high": 1, "nick": "eve", "session": eve.session})
            serve_on(broker, alice)
            check(eve.receive(SHORT_MS) is None, f"{routing_id} is answered")
    equal([row["nick"] for row in alice.ok("who", "--json").json()], ["alice"], "who has an account")


@test
def nothing_is_done_before_hello(scene):
    broker, alice = meet(scene)
    with RawClient(broker.url) as eve:
        for ref, each in enumerate(({"v": "join", "stream": "#lobby"}, {"v": "who"}, {"v": "rooms"},
                                    {"v": "fetch", "stream": "#lobby"}, {"v": "head", "stream": "#lobby"},
                                    {"v": "mark", "name": "x", "stream": "#lobby", "seq": 1}), 1):
            eve.send({**each, "ref": ref})
            eve.wait("error", error="hello_first", ref=ref)
        eve.send({"v": "post", "number": 1, "stream": "#lobby", "text": "x"})
        eve.wait("error", error="hello_first")
        eve.send({"v": "hello", "low": 7, "high": 9, "nick": "eve", "session": eve.session})
        eve.wait("error", error="version")
    serve_on(broker, alice)


@test
def who_speaks_is_who_proved_the_key(scene):
    broker, alice = meet(scene)
    with RawClient(broker.url) as eve:
        eve.send({"v": "hello", "low": 1, "high": 1, "nick": "alice", "session": eve.session})
        eve.wait("error", error="nick_in_use")
        eve.hello("eve")
        eve.send({"v": "hello", "low": 1, "high": 1, "nick": "mallory", "session": eve.session})
        eve.wait("error", error="wrong_nick")
        eve.send({"v": "join", "stream": "#lobby", "ref": 1})
        eve.wait("joined", ref=1)
        eve.send({"v": "post", "number": 1, "stream": "#lobby", "text": "x", "from": "alice", "nick": "alice"})
        eve.wait("ack", number=1)
    equal([event["from"] for event in alice.history("#lobby") if event["type"] == "message"], ["eve"],
          "who said it")


@test
def the_same_session_on_a_new_connection_takes_over(scene):
    broker, alice = meet(scene)
    with RawClient(broker.url) as old:
        old.hello("eve")
        old.send({"v": "join", "stream": "#lobby", "ref": 1})
        old.wait("joined", ref=1)
        old.send({"v": "post", "number": 1, "stream": "#lobby", "text": "one"})
        first = old.wait("ack", number=1)
        with RawClient(broker.url, key_pair=(old.public_key, old.secret_key)) as new:
            new.session = old.session
            equal(new.hello("eve")["next"], 2, "number that the broker expects")
            new.send({"v": "post", "number": 1, "stream": "#lobby", "text": "one, again"})
            equal(new.wait("ack", number=1), first, "the repeated post's answer")
            new.send({"v": "post", "number": 3, "stream": "#lobby", "text": "three"})
            equal(new.wait("expect")["next"], 2, "number that is expected")
            old.send({"v": "ping", "ref": 5})
            old.wait("error", error="hello_first", ref=5)
    equal(texts(alice.history("#lobby")), ["one"], "what stands in the room")


@test
def a_client_without_encryption_gets_nowhere(scene):
    broker, alice = meet(scene)
    with RawClient(broker.url, with_key=False) as eve:
        eve.send({"v": "hello", "low": 1, "high": 1, "nick": "eve", "session": eve.session})
        eve.sub.subscribe(b"")
        alice.ok("send", "#lobby", "not for eve")
        serve_on(broker, alice)
        check(eve.receive(SHORT_MS) is None, "a client without a key is answered")
        check(eve.broadcast(1) is None, "a client without a key hears the broadcasts")
    wrong = zmq.curve_keypair()[0]
    with RawClient(broker.url, server_key=wrong) as eve:
        eve.send({"v": "hello", "low": 1, "high": 1, "nick": "eve", "session": eve.session})
        serve_on(broker, alice)
        check(eve.receive(SHORT_MS) is None, "a client that takes the broker for another is answered")
    equal([row["nick"] for row in alice.ok("who", "--json").json()], ["alice"], "who has an account")


@test
def noise_on_both_ports_hurts_nobody(scene):
    broker, alice = meet(scene)
    commands, broadcasts, _ = endpoints(broker.url)
    for endpoint in (commands, broadcasts):
        host, port = endpoint.removeprefix("tcp://").split(":")
        for noise in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(100000), b"\xff" + b"\0" * 8 + b"\x7f\x03",
                      b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL" + b"\xff" * 1000, b""):
            with socket.create_connection((host, int(port)), timeout=5) as peer:
                try:
                    peer.sendall(noise)
                except OSError:
                    pass  # cut off in the middle: that is one way
    serve_on(broker, alice)


@test
def a_peer_that_never_reads_does_not_hold_up_the_others(scene):
    broker, alice = meet(scene)
    with RawClient(broker.url) as deaf:
        deaf.hello("deaf")
        deaf.sub.rcvhwm = 1
        deaf.subscribe_all()
        deaf.send({"v": "join", "stream": "#lobby", "ref": 1})
        deaf.wait("joined", ref=1)
        lines = [f"line {number} " + "x" * 1000 for number in range(3000)]
        for _ in range(300):  # it asks and asks, and takes no answer
            deaf.send({"v": "fetch", "stream": "#lobby", "credit": 16}, {"v": "who"}, {"v": "rooms"})
        alice.ok("send", "#lobby", "--lines", stdin="\n".join(lines).encode(), timeout=60)
        for _ in range(300):
            deaf.send({"v": "fetch", "stream": "#lobby", "credit": 16}, {"v": "who"}, {"v": "rooms"})
        bob = scene.person("bob", broker)
        equal(texts(bob.history("#lobby")), lines, "what bob reads beside it")
    serve_on(broker, alice)


@test
def a_peer_that_asks_without_end_does_not_shut_others_out(scene):
    broker, alice = meet(scene)
    floods = ({"v": "mark", "name": "x", "stream": "#lobby", "seq": 1}, {"v": "who"},
              {"v": "hello", "low": 1, "high": 1, "nick": "eve", "session": 1})
    stop = threading.Event()

    def flood(each):
        with RawClient(broker.url) as eve:
            eve.dealer.sndhwm = 100
            eve.hello("eve" + each["v"])
            frame = msgpack.packb({**each, "nick": "eve" + each["v"]}) * 1000
            while not stop.is_set():
                if eve.dealer.poll(10, zmq.POLLOUT):
                    eve.dealer.send(frame)
                while eve.dealer.poll(0):
                    eve.dealer.recv()

    threads = [threading.Thread(target=flood, args=(each,)) for each in floods]
    for thread in threads:
        thread.start()
    try:
        for number in range(3):  # a new connection each time: it has to get in as well
            alice.ok("send", "#lobby", f"line {number}")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    equal(texts(alice.history("#lobby")), ["line 0", "line 1", "line 2"], "what alice said")


@test
def routing_ids_of_two_starts_differ(scene):
    """A peer that could guess the id of the next connection could bring the broker down."""
    broker = Broker(scene).start()
    alice = scene.person("alice", broker)
    peers = []
    for _ in range(2):
        alice.ok("ping")
        peers += [word for line in broker.process.err for word in line.split() if word.startswith("peer=")]
        broker.restart()
    check(len(peers) >= 2 and len(set(peers)) == len(peers), f"ids of the first peers: {peers}")


if __name__ == "__main__":
    run_tests()
