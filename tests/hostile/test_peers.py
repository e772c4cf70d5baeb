#!/usr/bin/python3
"""Peers that attack, byte by byte: each is refused as docs/protocol.md says, others talk on, nothing of it stays.
[R-1] [R-2] [R-3] [R-5] [R-9] [R-16] [R-18] [R-26] [R-35] [R-38]."""
import re

import zmtp
from witness import ROOM, Attacker, Listener, Witness, pack
from raw_client import endpoints, unpack
from zchat_test import Failed, check, equal, run_tests, test

CUT_S = 5.0  # what is wrong in itself is not waited out


def gets_nowhere(peer, about):
    """The broker ends the connection, or says nothing; it does not let in."""
    peer.timeout = CUT_S
    check(peer.is_cut(CUT_S), f"{about}: the connection stands")


def is_let_in(peer, initiate):
    """Greeting to INITIATE, as given; whether READY is the answer."""
    peer.greet()
    peer.send(peer.hello())
    peer.take_welcome()
    peer.send(initiate(peer))
    try:
        return peer.take_ready(CUT_S) == b"READY"
    except (zmtp.Cut, zmtp.Late):
        return False


# Somebody else's name


@test
def what_a_message_says_of_its_sender_is_not_believed(scene):
    witness = Witness(scene)
    witness.talk()
    with Attacker(witness.broker) as eve:
        eve.enter("eve")
        eve.tell({"v": "join", "stream": ROOM, "ref": 1})
        eve.wait("joined", ref=1)
        eve.tell({"v": "post", "number": 1, "stream": ROOM, "text": "I am alice", "from": "alice", "nick": "alice",
                  "session": witness.alice.session, "type": "receipt", "to": "bob", "seq": 1, "ts": 1, "upto": 99,
                  "peer_seq": 1, "own_seq": 1})
        seq = eve.wait("ack", number=1)["seq"]
        event = witness.events(witness.alice, ROOM)[seq - 1]
        equal((event["from"], event["session"], event["number"], event["type"], event["seq"]),
              ("eve", eve.session, 1, "message", seq), "who said it")
        check(event["ts"] > 1 and "upto" not in event and "to" not in event, f"fields that eve chose: {event}")
        for verb in ("event", "sealed", "ack", "welcome", "events", "joined", "pong", "expect", "gone", "person"):
            eve.refused("unknown_verb", {"v": verb, "stream": ROOM, "seq": 1, "ts": 1, "type": "message",
                                         "from": "alice", "text": "forged", "epoch": 1, "box": b"x" * 60})
    witness.check_nothing_else("eve", by_others=["I am alice"])


@test
def the_name_session_and_key_of_somebody_else_are_not_to_be_had(scene):
    witness = Witness(scene)
    with Attacker(witness.broker) as eve:
        eve.enter("eve")
        hello = {"v": "hello", "low": 1, "high": 1, "session": eve.session}
        eve.refused("session_taken", {**hello, "nick": "eve", "session": witness.alice.session})
        eve.refused("wrong_nick", {**hello, "nick": "mallory"})
        eve.tell({**hello, "nick": "alice", "ref": 3})
        error = eve.wait("error", ref=3)["error"]
        check(error in ("nick_in_use", "wrong_nick"), f"HELLO as alice is answered with {error}")
        witness.talk()
    commands, _, key = endpoints(witness.broker.url)
    for about, public, vouched in (("another's long key", bytes.fromhex(hex_key(witness.alice)), None),
                                   ("another's short key", None, zmtp.key_pair()[0]), ("no key", bytes(32), None)):
        with zmtp.CurvePeer(commands, key) as eve:
            check(not is_let_in(eve, lambda peer: peer.initiate(public=public, vouched=vouched)),
                  f"let in with {about}")
    witness.check_nothing_else("eve")


def hex_key(client):
    """A RawClient's public key: Z85 in, hexadecimal out."""
    digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    text, out = client.public_key.decode(), b""
    for at in range(0, len(text), 5):
        value = 0
        for digit in text[at:at + 5]:
            value = value * 85 + digits.index(digit)
        out += value.to_bytes(4, "big")
    return out.hex()


@test
def a_user_id_in_the_metadata_is_not_the_one_that_was_proved(scene):
    """libzmq hands the application what the peer wrote beside what ZAP answered, under one name."""
    witness = Witness(scene)
    claimed = hex_key(witness.alice).encode()
    for name in ("User_Id", "User-Id"):
        about = zmtp.metadata(Socket_Type=b"DEALER", Identity=b"", **{name: claimed})
        with Attacker(witness.broker, about=about) as eve:
            eve.tell({"v": "hello", "low": 1, "high": 1, "nick": "alice", "session": 5})
            error = eve.wait("error")["error"]
            check(error in ("nick_in_use", "wrong_nick"), f"HELLO as alice is answered with {error}")
            eve.tell({"v": "ping", "ref": 1})
            eve.wait("error", error="hello_first", ref=1)
    witness.check_nothing_else()


# Somebody else's messages


@test
def confirming_is_for_the_recipient_alone(scene):
    witness = Witness(scene)
    witness.bob.send({"v": "bye"})  # so that nothing is confirmed by himself
    number = witness.alice.hello("alice")["next"]
    witness.alice.send({"v": "post", "number": number, "stream": "@bob", "text": "for bob"})
    seq = witness.alice.wait("ack", number=number)["seq"]
    witness.told.append("for bob")
    with Attacker(witness.broker) as eve:
        eve.enter("eve", inbox=True)
        eve.tell({"v": "confirm", "stream": "@bob", "seq": seq})
        eve.wait("error", error="denied")
        for stream, error in (("@eve", "bad_field"), (ROOM, "denied"), ("@nobody", None), ("@alice", "denied")):
            eve.tell({"v": "confirm", "stream": stream, "seq": 999})
            eve.wait("error", **({"error": error} if error else {}))
    with Attacker(witness.broker) as eve:
        eve.enter("mallory", inbox=False)
        eve.tell({"v": "confirm", "stream": "@mallory", "seq": 0})
        eve.wait("error", error="denied")
    receipts = [each for each in witness.events(witness.alice, "@alice") if each["type"] == "receipt"]
    equal(receipts, [], "alice's receipts before bob is there")
    equal(witness.bob.hello("bob", inbox=True)["confirmed"], 0, "what counts as confirmed by bob")
    witness.check_nothing_else("eve", "mallory")


@test
def another_persons_stream_is_read_by_no_verb(scene):
    witness = Witness(scene)
    witness.talk()
    with Attacker(witness.broker) as eve:
        eve.enter("eve")
        for each in ({"v": "fetch", "stream": "@bob"}, {"v": "fetch", "stream": "@bob", "first": 1, "last": 1},
                     {"v": "fetch", "stream": "@BOB", "since": 0}, {"v": "fetch", "stream": "@ｂｏｂ", "credit": 16}, {"v": "fetch", "stream": "@\u202ebob"},
                     {"v": "head", "stream": "@bob"}, {"v": "mark", "name": "x", "stream": "@bob"},
                     {"v": "mark", "name": "x", "stream": "@bob", "seq": 1}, {"v": "fetch", "stream": "@alice"}):
            eve.refused("denied", each)
        for each in ({"v": "join", "stream": "@bob"}, {"v": "join", "stream": "@bob", "create": True},
                     {"v": "leave", "stream": "@bob"}):
            eve.tell({**each, "ref": 5})
            eve.wait("error", ref=5)
        for name in ("@bob\0", "@", "@al%", "~" + "0" * 16, "#", "bob", "@bob#lobby", ""):
            eve.tell({"v": "fetch", "stream": name, "ref": 6})
            check(eve.wait("error", ref=6)["error"] in ("bad_name", "bad_field", "no_such_nick", "no_such_room"),
                  f"FETCH of {name!r}")
        check(not [each for each in eve.heard if each["v"] in ("event", "events", "gone")], f"read: {eve.heard}")
    witness.check_nothing_else("eve")


@test
def who_listens_to_everything_reads_no_private_text(scene):
    witness = Witness(scene)
    keys = zmtp.key_pair()
    with Attacker(witness.broker, keys) as eve, \
            Listener(witness.broker, b"", b"@", b"~", b"#", b"@ali", b"@bob\0", keys=keys) as ears:
        own_key = eve.enter("eve")["key"]
        be_sure_of_hearing(eve, ears)
        witness.talk()
        eve.tell({"v": "probe", "token": 424242})
        frames = ears.hear_all(lambda data: data.startswith(b"~%016x\0" % eve.session) and
                               unpack(data.split(b"\0", 1)[1])[0]["token"] == 424242)
        told = witness.told[-1].encode()
        check(not [data for data in frames if told in data], "the private text stands in a broadcast")
        check([data for data in frames if witness.said[-1].encode() in data], "the listener hears nothing at all")
        boxes = [each for data in frames if data.startswith(b"@") for each in unpack(data.split(b"\0", 1)[1])]
        check({each["stream"] for each in boxes if each["v"] == "sealed"} >= {"@alice", "@bob"}, f"boxes: {boxes}")
        for each in boxes:
            check(each["v"] in ("sealed", "head"), f"on a person's topic stands {each}")
            if each["v"] == "sealed":
                for epoch in (0, 1, 2, each["epoch"]):
                    equal(zmtp.open_sealed(own_key, each["stream"], epoch, each["seq"], each["box"]), None,
                          "a box that eve's key opens")
        # what can be read along: sessions, in the topics of probes. They are of no use.
        eve.refused("session_taken", {"v": "hello", "low": 1, "high": 1, "nick": "eve",
                                      "session": witness.bob.session})
    witness.check_nothing_else("eve")


def be_sure_of_hearing(eve, ears):
    """Probe until the subscription has reached the broker [R-32]."""
    for token in range(1, 100):
        eve.tell({"v": "probe", "token": token})
        try:
            ears.hear_all(lambda data: data.startswith(b"~%016x\0" % eve.session), timeout=0.3)
            return
        except zmtp.Late:
            pass
    raise Failed("the subscription to everything has no effect")


@test
def a_box_opens_in_its_own_place_and_epoch_only(scene):
    witness = Witness(scene)
    key = witness.bob.hello("bob", inbox=True)["key"]
    with Listener(witness.broker, b"@bob") as ears:  # without the NUL: a prefix
        witness.talk()
        frames = []
        for _ in range(20):  # its subscription may have come behind the first line
            try:
                frames = ears.hear_all(lambda data: b"sealed" in data, timeout=1)
                break
            except zmtp.Late:
                witness.talk()
    check(frames, "nothing sealed comes for bob")
    sealed = [each for each in unpack(frames[-1].split(b"\0", 1)[1]) if each["v"] == "sealed"][0]
    stream, epoch, seq, box = (sealed[name] for name in ("stream", "epoch", "seq", "box"))
    check(b"private" in zmtp.open_sealed(key, stream, epoch, seq, box), "bob's key does not open his box")
    flipped = box[:30] + bytes([box[30] ^ 1]) + box[31:]
    for about, wrong in (("epoch + 1", (key, stream, epoch + 1, seq, box)), ("epoch 0", (key, stream, 0, seq, box)),
                         ("another place", (key, stream, epoch, seq + 1, box)),
                         ("another stream", (key, "@alice", epoch, seq, box)),
                         ("another box", (key, stream, epoch, seq, flipped)),
                         ("another key", (bytes(32), stream, epoch, seq, box))):
        equal(zmtp.open_sealed(*wrong), None, f"a box with {about}")
    with Attacker(witness.broker) as eve:  # the box, back to the broker: under its own and other epochs
        eve.enter("eve")
        for other in (epoch, epoch + 1, 0):
            eve.refused("unknown_verb", {**sealed, "epoch": other})
    witness.check_nothing_else("eve")


@test
def a_name_that_is_anothers_beginning_gets_nothing_of_the_other(scene):
    witness = Witness(scene)
    with Attacker(witness.broker) as al, Listener(witness.broker, b"@al\0", b"#lob\0") as ears:
        key = al.enter("al", inbox=True)["key"]
        al.tell({"v": "join", "stream": "#lob", "create": True, "ref": 1})
        al.wait("joined", ref=1)
        witness.talk()
        al.tell({"v": "post", "number": 1, "stream": "@al", "text": "to myself"},
                {"v": "post", "number": 2, "stream": "#lob", "text": "in my room"})
        al.wait("ack", number=2)
        frames = ears.hear_all(lambda data: b"in my room" in data)
        while not any(data.startswith(b"@al\0") for data in frames):
            frames.append(ears.hear())
        equal({data.split(b"\0", 1)[0] for data in frames}, {b"@al", b"#lob"}, "topics that al hears")
        sealed = [each for data in frames if data.startswith(b"@al\0") for each in unpack(data.split(b"\0", 1)[1])]
        for each in sealed:
            if each["v"] == "sealed":
                check(b"to myself" in zmtp.open_sealed(key, "@al", each["epoch"], each["seq"], each["box"]),
                      "al's own box")
    witness.check_nothing_else("al")


# Said again


@test
def bytes_that_were_recorded_let_nobody_in_and_say_nothing_twice(scene):
    witness = Witness(scene)
    with Attacker(witness.broker) as eve:
        eve.enter("eve")
        eve.tell({"v": "join", "stream": ROOM, "ref": 1})
        eve.wait("joined", ref=1)
        eve.tell({"v": "post", "number": 1, "stream": ROOM, "text": "once"})
        eve.wait("ack", number=1)
        recorded, endpoint = list(eve.sent), endpoints(witness.broker.url)[0]
        with zmtp.Wire(endpoint) as replay:  # while the first connection stands
            try:
                for data in recorded:
                    replay.send(data)
            except zmtp.Cut:
                pass
            gets_nowhere(replay, "a recorded connection")
        eve.tell({"v": "ping", "ref": 2})
        eve.wait("pong", ref=2)
        try:
            eve.send(recorded[-1])  # within its own connection: the nonce has been used
        except zmtp.Cut:
            pass
        gets_nowhere(eve, "a message said again")
    with Attacker(witness.broker, keys=(eve.public, eve.secret)) as again:
        equal(again.enter("eve")["version"], 1, "version")
        try:
            again.send(again.message(pack({"v": "ping"}), nonce=bytes(8)))
        except zmtp.Cut:
            pass
        gets_nowhere(again, "a nonce that runs back")
    with zmtp.Wire(endpoint) as replay:  # after its end
        try:
            replay.send(b"".join(recorded))
        except zmtp.Cut:
            pass
        gets_nowhere(replay, "a recorded connection, later")
    witness.check_nothing_else("eve", by_others=["once"])


@test
def a_damaged_message_cuts_its_connection_only(scene):
    witness = Witness(scene)
    keys = zmtp.key_pair()
    for about, spoil in (("a flipped bit", lambda data: data[:-1] + bytes([data[-1] ^ 1])),
                         ("a box that is cut short", lambda data: zmtp.frame(data[2:-8])),
                         ("no box", lambda data: zmtp.frame(b"\x07MESSAGE")),
                         ("plain text", lambda data: zmtp.frame(pack({"v": "ping", "ref": 1}))),
                         ("an empty frame", lambda data: zmtp.frame(b""))):
        with Attacker(witness.broker, keys) as eve:
            eve.enter("eve", session=5)
            try:
                eve.send(spoil(eve.message(pack({"v": "ping", "ref": 1}))))
            except zmtp.Cut:
                pass
            gets_nowhere(eve, about)
        witness.talk()
    witness.check_nothing_else("eve")


# Routing ids


@test
def nobody_takes_anothers_place_by_its_routing_id(scene):
    witness = Witness(scene, "--log-level", "debug")
    taken = re.search(r"peer=(\d+) nick=alice", "\n".join(witness.broker.process.err)).group(1)
    for routing_id in (b"\0" + int(taken).to_bytes(4, "big"), b"twin", b"twin", b"A" * 255):
        about = zmtp.metadata(Socket_Type=b"DEALER", Identity=routing_id)
        peers = [Attacker(witness.broker, about=about) for _ in range(2)]
        for peer in peers:
            try:
                peer.tell({"v": "hello", "low": 1, "high": 1, "nick": "eve", "session": 5}, {"v": "ping", "ref": 1})
            except zmtp.Cut:
                pass
        witness.talk()
        for peer in peers:
            try:
                data = peer.hear(0.3)
                raise Failed(f"{routing_id[:8]} is answered with {data}")
            except (zmtp.Late, zmtp.Cut):
                peer.close()
    witness.check_nothing_else()


# Before and in the handshake


@test
def mechanisms_and_versions_that_are_not_ours_are_cut(scene):
    witness = Witness(scene)
    commands, broadcasts, _ = endpoints(witness.broker.url)
    for endpoint in (commands, broadcasts):
        for mechanism in (b"NULL", b"PLAIN", b"GSSAPI", b"CURVEX", b"curve", b"", b"\xff" * 20, b"CURVE\0X"):
            with zmtp.Wire(endpoint) as peer:
                peer.send(zmtp.greeting(mechanism))
                gets_nowhere(peer, mechanism)
        for version in ((0, 0), (1, 0), (2, 0), (3, 0)):
            # an old peer would not encrypt; 3.0 would, and is met by a handshake like 3.1
            with zmtp.Wire(endpoint) as peer:
                peer.send(zmtp.greeting(b"NULL", version) + zmtp.frame(pack({"v": "ping", "ref": 1})))
                gets_nowhere(peer, f"version {version}")
    for short in (b"\x01\0", b"\x05\0hello"):  # ZMTP 1.0 has no greeting: a length, flags, an identity
        with zmtp.Wire(commands) as peer:
            try:
                peer.send(short + b"\x30\0" + pack({"v": "hello", "low": 1, "high": 1, "nick": "eve", "session": 5}))
            except zmtp.Cut:
                pass
            gets_nowhere(peer, "ZMTP 1.0")
    for about in (zmtp.metadata(Socket_Type=b"DEALER", Identity=b""), b""):
        with zmtp.Wire(commands) as peer:  # CURVE is promised, NULL is spoken
            peer.send(zmtp.greeting() + zmtp.command(b"READY", about))
            gets_nowhere(peer, "READY instead of HELLO")
    witness.check_nothing_else()


@test
def damaged_handshakes_are_cut(scene):
    witness = Witness(scene)
    commands, _, key = endpoints(witness.broker.url)

    def start(steps, keys=None, server_key=None):
        peer = zmtp.CurvePeer(commands, server_key or key, keys)
        peer.greet()
        if steps > 0:
            peer.send(peer.hello())
            peer.take_welcome()
        return peer

    with start(0) as good:
        hello = good.hello()
    cases = {"a HELLO cut short": (0, lambda peer: zmtp.frame(hello[2:-10], zmtp.COMMAND)),
             "a HELLO of another version": (0, lambda peer: hello[:8] + b"\x09\x09" + hello[10:]),
             "a HELLO with a bad signature": (0, lambda peer: hello[:-1] + bytes([hello[-1] ^ 1])),
             "INITIATE at once": (0, lambda peer: zmtp.command(b"INITIATE", bytes(300))),
             "a MESSAGE at once": (0, lambda peer: zmtp.frame(b"\x07MESSAGE" + bytes(40))),
             "a command without a name": (0, lambda peer: zmtp.frame(b"", zmtp.COMMAND)),
             "a name longer than the command": (0, lambda peer: zmtp.frame(b"\xffHELLO", zmtp.COMMAND)),
             "HELLO twice": (1, lambda peer: peer.hello()),
             "another's cookie": (1, lambda peer: spoil_cookie(peer)),
             "metadata that ends early": (1, lambda peer: peer.initiate(b"\x0bSocket-Type\0\0\xff\xffDEALER")),
             "metadata of nothing but names": (1, lambda peer: peer.initiate(b"\xff" * 200)),
             "a socket of another kind": (1, lambda peer: peer.initiate(zmtp.metadata(Socket_Type=b"PUB"))),
             "metadata of 100,000 bytes": (1, lambda peer: peer.initiate(zmtp.metadata(Socket_Type=b"DEALER",
                                                                                      X_Big=bytes(100000))))}
    for about, (steps, data) in cases.items():
        with start(steps) as peer:
            try:
                peer.send(data(peer))
            except zmtp.Cut:
                continue
            gets_nowhere(peer, about)
    with zmtp.CurvePeer(commands, zmtp.key_pair()[0]) as peer:  # takes the broker for another
        peer.greet()
        peer.send(peer.hello())
        gets_nowhere(peer, "another broker's key")
    witness.check_nothing_else()


def spoil_cookie(peer):
    peer.cookie = peer.cookie[:-1] + bytes([peer.cookie[-1] ^ 1])
    return peer.initiate()


@test
def who_is_slow_is_served_when_it_is_good(scene):
    witness = Witness(scene)
    commands, _, key = endpoints(witness.broker.url)
    with zmtp.CurvePeer(commands, key) as slow:
        slow.send_byte_by_byte(zmtp.greeting())
        slow.read(64)
        slow.send_byte_by_byte(slow.hello())
        slow.take_welcome()
        slow.send_byte_by_byte(slow.initiate())
        equal(slow.take_ready(), b"READY", "answer to INITIATE")
        slow.send_byte_by_byte(slow.message(pack({"v": "hello", "low": 1, "high": 1, "nick": "snail", "session": 9})))
        equal(unpack(slow.hear())[0]["v"], "welcome", "answer to HELLO")
    witness.check_nothing_else("snail")


# Frames without an end


@test
def a_length_that_no_message_has_cuts_the_connection(scene):
    witness = Witness(scene)
    keys = zmtp.key_pair()
    for size in (66000, 1 << 24, 1 << 32, (1 << 63) - 1, (1 << 64) - 1):
        with Attacker(witness.broker, keys) as eve:
            eve.enter("eve", session=5)
            try:
                eve.send(zmtp.frame(b"\x07MESSAGE" + bytes(1000), size=size))
            except zmtp.Cut:
                continue
            gets_nowhere(eve, f"{size} bytes")
        witness.talk()
    witness.check_nothing_else("eve")


@test
def messages_of_many_frames_are_refused_and_their_memory_returns(scene):
    witness = Witness(scene)
    pid = witness.broker.process.pid
    with Attacker(witness.broker) as eve:
        eve.enter("eve")
        ping = pack({"v": "ping", "ref": 1})
        for count in (2, 200, 5000):
            eve.send(b"".join(eve.message(ping, more=True) for _ in range(count)) + eve.message(ping))
            eve.wait("error", error="malformed")
        witness.talk()
        before = rss_kib(pid)
        for _ in range(20):  # 20,000 parts and no end
            eve.send(b"".join(eve.message(bytes(200), more=True) for _ in range(1000)))
        witness.talk()
    witness.talk()
    for _ in range(200):
        if rss_kib(pid) < before + 20000:
            break
        witness.talk()
    check(rss_kib(pid) < before + 20000, f"memory: {before} KiB before, {rss_kib(pid)} KiB after")
    check(not [each for each in eve.heard if each["v"] == "pong"], "a part of a long message was answered")
    witness.check_nothing_else("eve")


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))


@test
def what_a_subscriber_says_is_heard_up_to_its_limit_and_by_nobody(scene):
    witness = Witness(scene)
    with Listener(witness.broker) as ears:
        ears.subscribe(b"#" + b"x" * 199)
        ears.say(pack({"v": "post", "number": 1, "stream": ROOM, "text": "through the back door"}))
        ears.say(b"\x02nonsense")
        ears.say(b"\x00never subscribed")
        witness.talk()
        try:
            ears.say(b"\x01" + bytes(400))
        except zmtp.Cut:
            pass
        gets_nowhere(ears, "a subscription of 400 bytes")
    witness.check_nothing_else()


if __name__ == "__main__":
    run_tests()
