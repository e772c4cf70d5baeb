#!/usr/bin/python3
"""Programs of two versions work together, whichever is the older. $OLD_BIN and $NEW_BIN hold them; `scripts/dev compat` builds
the older one. Not in the normal test run."""
import contextlib
import os
import sys

from cluster import Talk
from postgres import Postgres
from zchat_test import Broker, Skipped, check, check_no_hole, equal, messages, program, read_log, run_tests, test, texts, wait_until


@contextlib.contextmanager
def version(which):
    """What is started in here is of that version."""
    before = os.environ.get("ZCHAT_BIN")
    os.environ["ZCHAT_BIN"] = os.environ[f"{which.upper()}_BIN"]
    try:
        yield
    finally:
        if before is None:
            del os.environ["ZCHAT_BIN"]
        else:
            os.environ["ZCHAT_BIN"] = before


def talk(scene, of_broker, of_clients):
    """Rooms, private messages, receipts, repair, sealed rooms and an archive, over a restart and a kill."""
    with version(of_broker):
        broker = scene.broker()
    with version(of_clients):
        alice = scene.person("alice", f"@{broker.data / 'owner.url'}")
        alice.ok("ping")
        alice.url = broker.url
        bob = scene.person("bob", broker)
        for person in (alice, bob):
            person.ok("join", "#lobby")
        tail = bob.tail("#lobby", "--since", "all")
        logger = scene.logger(broker)
        inbox = bob.start("--plain", "--json")
        alice.ok("send", "#lobby", "one")
        tail.wait_event(text="one")
        alice.ok("send", "@bob", "psst", "--wait", "delivered")
        inbox.wait_event(text="psst")
        alice.ok("room", "create", "#sealed", "--private")
        alice.ok("room", "invite", "#sealed", "bob")
        bob.ok("join", "#sealed")
        closed = bob.tail("#sealed", "--since", "all")
        alice.ok("send", "#sealed", "closed")
        closed.wait_event(text="closed")
        sender = alice.start("send", "#lobby", "--lines", "--timeout", "60s")
        sender.write_behind("".join(f"line {number}\n" for number in range(3000)).encode())
        wait_until(lambda: sender.out_count() > 1000, "a load")
    broker.kill9()
    with version(of_broker):
        broker.start()
    equal(sender.wait_exit(60), 0, "exit code of the sender")
    with version(of_clients):
        alice.ok("send", "#sealed", "closed again")
        closed.wait_event(text="closed again", timeout=60)
        alice.ok("send", "#lobby", "the end")
        tail.wait_event(text="the end", timeout=60)
        said = texts(tail.json())
        equal(said, ["one"] + [f"line {number}" for number in range(3000)] + ["the end"], "what bob saw")
        check_no_hole(tail.json(), "the tail")
        equal(bob.ok("history", "#lobby", "--json", "-n", "100000").json(), tail.json(), "history")
        wait_until(lambda: texts(read_log(logger.out_folder, "#lobby"))[-1:] == ["the end"], "the archive", 60)
        equal(read_log(logger.out_folder, "#lobby"), tail.json(), "the archive")
        equal([row["nick"] for row in alice.ok("who", "#lobby", "--json").json()], ["alice", "bob"], "who")
        equal(len(messages(tail.json())), 3002, "messages")
    return broker, alice, bob


@test
def old_clients_work_with_the_new_broker(scene):
    talk(scene, "new", "old")


@test
def new_clients_work_with_the_old_broker_and_say_what_it_cannot(scene):
    _, alice, _ = talk(scene, "old", "new")
    with version("new"):
        equal(alice.run("admin", "backup", "one").code, 4, "exit code of what it does not know")
        equal(alice.run("room", "keep", "#lobby", "1h").code, 4, "exit code of what it cannot")


@test
def old_and_new_clients_talk_with_each_other(scene):
    with version("new"):
        broker = scene.broker()
        new = scene.person("new", broker)
        new.ok("join", "#lobby")
        shown = new.tail("#lobby", "--since", "all")
    with version("old"):
        old = scene.person("old", broker)
        old.ok("join", "#lobby")
        seen = old.tail("#lobby", "--since", "all")
        old.ok("send", "#lobby", "from the old")
    with version("new"):
        new.ok("send", "#lobby", "from the new")
        new.ok("room", "keep", "#lobby", "1h")  # an event whose words the old one does not know
        new.ok("send", "#lobby", "behind it")
    for tail in (shown, seen):
        tail.wait_event(text="behind it")
    equal(shown.json(), seen.json(), "what they saw")


@test
def what_is_told_of_other_brokers_is_nothing_to_old_clients(scene):
    with version("new"):
        broker = scene.broker()
        broker.options += ["--brokers", f"{broker.url},zchat://127.0.0.1:9?key={'ab' * 32}"]
        broker.restart()
    with version("old"):
        old = scene.person("old", broker)
        old.ok("join", "#lobby")
        tail = old.tail("#lobby", "--since", "all")
        old.ok("send", "#lobby", "one")
        tail.wait_event(text="one")
    broker.kill9()
    with version("new"):
        broker.start()
    with version("old"):
        old.ok("send", "#lobby", "two")
        tail.wait_event(text="two", timeout=60)
        equal(texts(tail.json()), ["one", "two"], "what is shown")


@test
def several_addresses_of_one_old_broker_are_as_good_as_one(scene):
    with version("old"):
        broker = scene.broker()
    with version("new"):
        new = scene.person("new", f"zchat://127.0.0.1:9?key={broker.key()},{broker.url}")
        new.ok("join", "#lobby")
        tail = new.tail("#lobby", "--since", "all")
        new.ok("send", "#lobby", "one")
        tail.wait_event(text="one")
    broker.kill9()
    with version("old"):
        broker.start()
    with version("new"):
        new.ok("send", "#lobby", "two")
        tail.wait_event(text="two", timeout=60)
        equal(texts(tail.json()), ["one", "two"], "what is shown")


@test
def the_new_broker_takes_over_the_old_ones_data_and_the_old_one_refuses_the_new(scene):
    broker, alice, bob = talk(scene, "old", "old")
    with version("old"):
        before = bob.ok("tail", "#lobby", "--json", "--since", "all", "--until-end").out
    broker.stop()
    with version("new"):
        broker.start()
        equal(bob.ok("tail", "#lobby", "--json", "--since", "all", "--until-end").out, before, "what is stored")
        alice.ok("send", "#lobby", "by the new one")
        alice.ok("admin", "backup", "one")
        broker.stop()
    with version("old"):
        refused = Broker(scene, data=broker.data, name="again")
        result = scene.run(refused.args(broker.port))
        if result.code == 0:
            print("# the schema is the same: the old broker serves it")
        else:
            check(b"newer zchat" in result.err, f"it says why: {result}")


@test
def brokers_of_one_database_are_replaced_one_by_one(scene):
    """A rolling upgrade: while two people talk, each broker is stopped in good order and started as the other version."""
    with version("old"):
        if b"--cluster" not in scene.run([program("zchat-broker"), "--help"]).out:
            raise Skipped("the old broker works alone")
        server = Postgres(scene)
        brokers = [scene.broker("--store", server.url(), "--cluster", "on", data=scene.folder / f"broker-{n}", name=f"broker-{n}") for n in range(2)]
        urls = [broker.url for broker in brokers]
        people = [scene.person("alice", ",".join(urls)), scene.person("bob", ",".join(reversed(urls)))]
        for person in people:
            person.ok("join", "#lobby")
        tails = [people[0].tail("#lobby", "--since", "all")]
        talks = [Talk(people[0], 1000)]
    with version("new"):
        tails.append(people[1].tail("#lobby", "--since", "all"))
        talks.append(Talk(people[1], 1000))

    def more():
        upto = [talk.process.out_count() + 500 for talk in talks]
        wait_until(lambda: all(talk.process.out_count() >= least for talk, least in zip(talks, upto)), "both go on", 120)
    more()
    for broker in brokers:
        equal(broker.stop(), 0, "exit code of the old broker")
        more()
        with version("new"):
            broker.start()
        more()
    for talk in talks:
        talk.end()
    people[0].ok("send", "#lobby", "the end")
    for tail in tails:
        tail.wait_event(text="the end", timeout=60)
    events = [[event for event in tail.json() if "seq" in event] for tail in tails]
    check_no_hole(events[0], "the tail")
    equal([(event["seq"], event.get("text")) for event in events[0]], [(event["seq"], event.get("text")) for event in events[1]], "what both saw")
    for talk in talks:
        equal([text for text in texts(events[0]) if text.startswith(talk.nick + " ")], talk.lines(), f"{talk.nick}'s lines")


if __name__ == "__main__":
    if not {"OLD_BIN", "NEW_BIN"} <= set(os.environ):
        sys.exit("compat.py: scripts/dev compat runs it")
    run_tests()
