#!/usr/bin/python3
"""Private messages: delivered means that the recipient has it; nobody else reads it.
[R-26] [R-27] [R-35] [R-38]."""
import signal
import time

from raw_client import RawClient, unpack
from zchat_test import SLOW, check, equal, messages, run_tests, test, texts

CANARY = "canary-4711-a-text-that-only-bob-may-read"


def meet(scene, *nicks):
    """People who have accounts."""
    broker = scene.broker()
    people = [scene.person(nick, broker) for nick in nicks]
    for person in people:
        person.ok("ping")
    return broker, people


@test
def delivered_is_said_when_the_recipient_has_it(scene):
    _, (alice, bob) = meet(scene, "alice", "bob")
    inbox = bob.tail()
    result = alice.ok("send", "@bob", "hi", "--wait", "delivered")
    equal(result.lines(), ["@bob 1"], "what send printed")
    equal(texts(inbox.json()), ["hi"], "what bob has when send returns")
    told = alice.ok("send", "@bob", "again", "--wait", "delivered", "--json").json()
    equal([(each["state"], each["stream"], each["seq"], "error" in each) for each in told],
          [("delivered", "@bob", 2, False)], "what send --json printed")
    equal(texts(inbox.json()), ["hi", "again"], "what bob has then")


@test
def a_recipient_that_does_not_run_on_has_not_got_it(scene):
    _, (alice, bob) = meet(scene, "alice", "bob")
    inbox = bob.tail()
    alice.ok("send", "@bob", "one", "--wait", "delivered")
    inbox.signal(signal.SIGSTOP)
    alice.refused(7, "not delivered", "send", "@bob", "two", "--wait", "delivered", "--timeout", "1s")
    inbox.signal(signal.SIGCONT)
    inbox.wait_event(text="two")
    alice.ok("send", "@bob", "three", "--wait", "delivered")
    equal(texts(inbox.json()), ["one", "two", "three"], "what bob has")


@test
def what_was_sent_while_the_recipient_was_away_is_there_once_when_he_returns(scene):
    broker, (alice, bob) = meet(scene, "alice", "bob")
    begin = time.monotonic()
    result = alice.refused(7, "not delivered", "send", "@bob", "while away", "--wait", "delivered",
                           "--timeout", "2s")
    took = time.monotonic() - begin
    equal(result.lines(), ["@bob 1"], "what send printed: it is stored")
    check(2 <= took < 9 * SLOW, f"--timeout 2s took {took:.1f} s")  # without it, 10 s
    alice.ok("send", "@bob", "second")
    broker.kill9()
    broker.start()

    equal(texts(bob.ok("tail", "--json", "--count", "2").json()), ["while away", "second"],
          "what bob finds when he returns")
    inbox = bob.tail()
    alice.ok("send", "@bob", "third", "--wait", "delivered")
    equal(texts(inbox.json()), ["third"], "what bob finds the next time")
    equal(inbox.stop(), 128 + signal.SIGTERM, "exit code of a tail that was ended")
    again = bob.tail()
    alice.ok("send", "@bob", "fourth", "--wait", "delivered")
    equal(texts(again.json()), ["fourth"], "what bob finds the time after")
    equal(texts(bob.history("@bob")), ["while away", "second", "third", "fourth"], "bob's history")


@test
def the_sender_gets_a_receipt_and_a_copy(scene):
    _, (alice, bob) = meet(scene, "alice", "bob")
    own = alice.tail("@alice", "--since", "all")
    alice.ok("send", "@bob", "first")
    alice.ok("send", "@bob", "second")
    copy = own.wait_event(type="message", text="second")
    equal((copy["stream"], copy["from"], copy["to"], copy["peer_seq"]), ("@alice", "alice", "bob", 2),
          "alice's own copy")
    check(not [event for event in own.json() if event["type"] == "receipt"], "a receipt before bob was there")
    bob.tail().wait_event(text="second")
    receipt = own.wait_event(type="receipt", upto=2)
    equal((receipt["stream"], receipt["from"]), ("@alice", "bob"), "the receipt")


@test
def every_device_of_a_person_has_the_message(scene):
    _, (alice, bob) = meet(scene, "alice", "bob")
    inboxes = [bob.tail("@bob", "--since", "all") for _ in range(2)]
    alice.ok("send", "@bob", "to both")
    for inbox in inboxes:
        inbox.wait_event(text="to both")
    alice.ok("send", "@bob", "end")
    for inbox in inboxes:
        inbox.wait_event(text="end")
        equal(texts(inbox.json()), ["to both", "end"], "what a device has")


@test
def a_message_to_oneself_stands_once(scene):
    _, (alice,) = meet(scene, "alice")
    alice.ok("send", "@alice", "note to self")
    equal(texts(alice.history("@alice")), ["note to self"], "alice's stream")


@test
def a_third_person_cannot_ask_for_it(scene):
    _, (alice, bob, carol) = meet(scene, "alice", "bob", "carol")
    alice.ok("send", "@bob", CANARY)
    for words in (("history", "@bob"), ("tail", "@bob", "--since", "all"), ("history", "@alice")):
        result = carol.refused(4, "denied", *words)
        equal(result.out, b"", f"what {words} printed")
    equal(texts(bob.history("@bob")), [CANARY], "bob's history")


@test
def nobody_reads_it_from_the_broadcasts(scene):
    broker, (alice, bob) = meet(scene, "alice", "bob")
    alice.ok("join", "#lobby")
    with RawClient(broker.url) as eve:
        eve.hello("eve")
        eve.subscribe_all()
        inbox = bob.tail()
        alice.ok("send", "@bob", CANARY, "--wait", "delivered")
        alice.ok("send", "#lobby", "everybody may read this")
        frames = []
        while not any(b"everybody may read this" in frame for frame in frames):
            frame = eve.broadcast()
            check(frame is not None, f"the room's event does not reach eve, only {frames}")
            frames.append(frame)
        equal(texts(inbox.json()), [CANARY], "what bob read")
        sealed = [each for frame in frames if frame.startswith((b"@bob\0", b"@alice\0"))
                  for each in unpack(frame.split(b"\0", 1)[1])]
        check({each["stream"] for each in sealed} == {"@bob", "@alice"}, f"sealed frames: {sealed}")
        for each in sealed:
            check(each["v"] in ("sealed", "head"), f"on a person's topic stands {each}")
            check(set(each) <= {"v", "stream", "seq", "epoch", "box"}, f"fields in clear: {each}")
        for frame in frames:
            check(CANARY.encode() not in frame and b"canary" not in frame, f"plain text in {frame}")


@test
def delivered_is_for_people_only(scene):
    _, (alice,) = meet(scene, "alice")
    alice.ok("join", "#lobby")
    alice.refused(2, "delivered", "send", "#lobby", "hi", "--wait", "delivered")
    equal(messages(alice.history("#lobby")), [], "what stands in the room")


if __name__ == "__main__":
    run_tests()
