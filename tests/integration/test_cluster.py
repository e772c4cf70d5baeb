#!/usr/bin/python3
"""Several brokers on one PostgreSQL database: one chat, whoever is where. What was said at one is seen at all, once and in one
order; who may do what holds everywhere; a broker that dies, stands still or is started anew misses nothing. [R-19] [R-20]"""
import re
import signal
import time

from cluster import Show
from postgres import Postgres
from standby import brokers_with_hints
from zchat_test import check, check_no_hole, equal, messages, program, run_tests, test, texts, wait_until

LINES = 200
BURSTS, BURST = 60, 60
LOOKED_FOR_S = 30  # a server that is away
END_S = 10  # others look every second; a busy machine is slower


def cluster(scene, count=2, *options):
    """A database, and that many brokers over it, which look there every second."""
    server = Postgres(scene)
    return server, [scene.broker("--store", server.url(), "--cluster", "on", *options, data=scene.folder / f"broker-{number}")
                    for number in range(count)]


def with_hints(scene, count=2):
    """The same, and they tell each other; each has an address of its own."""
    server = Postgres(scene)
    return server, brokers_with_hints(scene, server.url(), count)


def figure(person, name, **more):
    """Of `zchat admin stats`, by the owner."""
    said = {row["name"]: row["value"] for row in person.run("admin", "stats", "--json", **more).json()}
    return said[name]


def owner(scene, broker, nick="root"):
    """Whoever has read the invitation in the broker's folder."""
    person = scene.person(nick, broker)
    person.ok("status", url=f"@{broker.data}/owner.url")
    return person


def stop(brokers):
    for broker in brokers:
        equal(broker.stop(), 0, "exit code of a broker")


def seen(person, stream, want):
    wait_until(lambda: texts(person.history(stream)) == want, f"{person.nick} reads {want} in {stream}")


@test
def what_is_said_at_one_broker_is_seen_at_all_once_and_in_one_order(scene):
    _, brokers = cluster(scene, 3)
    people = [scene.person(nick, broker) for nick, broker in zip(("alice", "bob", "carol"), brokers)]
    for person in people:
        person.ok("join", "#lobby")
    tails = [person.tail("#lobby", "--since", "all") for person in people]
    for tail in tails:
        tail.wait_event(type="join", **{"from": "carol"})
    senders = [person.start("send", "#lobby", "--lines", "--timeout", "60s") for person in people]
    for sender, person in zip(senders, people):
        sender.write_behind("".join(f"{person.nick} says {number}\n" for number in range(LINES)).encode())
    for sender in senders:
        equal(sender.wait_exit(120), 0, f"exit code of {sender.name}, which said {sender.err[-3:]}")
    people[0].ok("send", "#lobby", "that was all")
    for tail in tails:
        tail.wait_line("that was all", 60)
    events = [[event for event in tail.json() if "seq" in event] for tail in tails]
    for person, seen_there in zip(people, events):
        check_no_hole(seen_there, person.nick)
        equal(seen_there, events[0], f"what {person.nick} has seen, and alice")
        said = texts(seen_there)
        for one in people:
            equal([text for text in said if text.startswith(one.nick + " ")], [f"{one.nick} says {number}" for number in range(LINES)],
                  f"{one.nick}'s lines at {person.nick}")
    stop(brokers)


@test
def a_private_message_is_delivered_at_another_broker_and_its_receipt_comes_back(scene):
    _, (here, there) = cluster(scene)
    alice, bob = scene.person("alice", here), scene.person("bob", there)
    alice.ok("join", "#lobby")
    bob.ok("join", "#lobby")
    inbox = bob.tail("@bob")
    result = alice.ok("send", "@bob", "are you there", "--wait", "delivered", "--timeout", "20s")
    check(result, "the receipt came")
    inbox.wait_event(type="message", text="are you there")
    bob.ok("send", "@alice", "I am")
    seen(alice, "@alice", ["are you there", "I am"])
    stop([here, there])


@test
def a_post_that_is_repeated_at_another_broker_is_one_post(scene):
    _, (here, there) = cluster(scene)
    alice = scene.person("alice", here)
    alice.ok("join", "#lobby")
    words = ("send", "#lobby", "once", "--session", "00000000000000aa", "--number", "1")
    first = alice.ok(*words)
    again = alice.ok(*words, url=there.url)
    equal(again.out, first.out, "what the other broker answers")
    alice.ok("send", "#lobby", "twice", "--session", "00000000000000aa", "--number", "2", url=there.url)
    seen(alice, "#lobby", ["once", "twice"])
    stop([here, there])


@test
def who_is_banned_at_one_broker_is_out_at_the_other(scene):
    _, (here, there) = cluster(scene)
    alice, bob = scene.person("alice", here), scene.person("bob", there)
    alice.ok("join", "#lobby")
    bob.ok("join", "#lobby")
    alice.ok("room", "ban", "#lobby", "bob")
    wait_until(lambda: bob.run("send", "#lobby", "still here").code == 4, "bob may not write any more")
    equal(bob.run("join", "#lobby").code, 4, "exit code of bob's join")
    alice.ok("room", "unban", "#lobby", "bob", url=there.url)
    bob.ok("join", "#lobby")
    bob.ok("send", "#lobby", "back again")
    seen(alice, "#lobby", ["back again"])
    stop([here, there])


@test
def a_private_room_is_read_by_its_members_at_every_broker_and_by_nobody_else(scene):
    _, (here, there) = cluster(scene)
    alice, bob, carol = scene.person("alice", here), scene.person("bob", there), scene.person("carol", there)
    alice.ok("join", "#board")
    alice.ok("room", "private", "#board")
    carol.refused(4, "private", "join", "#board")
    bob.ok("join", "#lobby")
    wait_until(lambda: alice.run("room", "invite", "#board", "bob").code == 0, "the first broker has heard of bob")
    bob.ok("join", "#board")
    tail = bob.tail("#board", "--since", "all")
    alice.ok("send", "#board", "a secret", url=there.url)
    alice.ok("send", "#board", "another one")
    tail.wait_event(type="message", text="another one")
    alice.ok("room", "kick", "#board", "bob")
    alice.ok("send", "#board", "not for bob")
    wait_until(lambda: bob.run("history", "#board").code != 0, "bob may not read any more")
    check(not any("not for bob" in line for line in tail.out), "bob was shown what came behind")
    seen(alice, "#board", ["a secret", "another one", "not for bob"])
    stop([here, there])


@test
def a_killed_broker_is_started_again_and_has_missed_nothing(scene):
    _, (here, there) = cluster(scene)
    alice, bob = scene.person("alice", here), scene.person("bob", there)
    alice.ok("join", "#lobby")
    bob.ok("join", "#lobby")
    alice.ok("send", "#lobby", "one")
    there.kill9()
    alice.ok("send", "#lobby", "two")
    alice.ok("send", "@bob", "for later")
    there.start()
    bob.ok("send", "#lobby", "three")
    seen(alice, "#lobby", ["one", "two", "three"])
    seen(bob, "#lobby", ["one", "two", "three"])
    seen(bob, "@bob", ["for later"])
    stop([here, there])


@test
def whose_broker_is_killed_goes_on_at_another_one(scene):
    """Nobody said where the others are: the leases do."""
    _, brokers = cluster(scene, 3)
    alice, bob = scene.person("alice", brokers[0]), scene.person("bob", brokers[1])
    for person in (alice, bob):
        person.ok("join", "#lobby")
    wait_until(lambda: len(alice.ok("status", "--json").json()[0]["brokers"]) == 3, "alice is told of all three")
    line, tail = alice.start("--timeout", "60s"), bob.tail("#lobby", "--since", "all")
    line.write("before\n")
    line.wait_line("alice: before ✓")
    brokers[0].kill9()
    line.wait_line("the link is down", where="err")
    line.write("behind\n")
    line.wait_line(re.compile(r"the link is back \(another broker: "), where="err")
    line.wait_line(re.compile("alice: behind ✓|waiting for the broker: behind"))
    tail.wait_event(text="behind")
    line.close_stdin()
    equal(line.wait_exit(), 0, "exit code")
    equal(texts(bob.history("#lobby")), ["before", "behind"], "what stands in the room, once")
    wait_until(lambda: len(bob.ok("status", "--json").json()[0]["brokers"]) == 2, "of the dead one nobody is told any more")
    stop(brokers[1:])


@test
def a_broker_that_stood_still_hears_what_it_missed(scene):
    _, (here, there) = cluster(scene)
    alice, bob = scene.person("alice", here), scene.person("bob", there)
    alice.ok("join", "#lobby")
    bob.ok("join", "#lobby")
    tail = bob.tail("#lobby", "--since", "all")
    alice.ok("send", "#lobby", "before")
    tail.wait_event(type="message", text="before")
    there.process.signal(signal.SIGSTOP)
    for number in range(10):
        alice.ok("send", "#lobby", f"meanwhile {number}")
    there.process.signal(signal.SIGCONT)
    tail.wait_event(type="message", text="meanwhile 9")
    equal(texts(messages(tail.json())), ["before"] + [f"meanwhile {number}" for number in range(10)], "what bob was shown")
    stop([here, there])


def logged(broker, event):
    return sum(event in line for line in broker.process.err)


@test
def the_clients_of_a_broker_that_is_cut_off_from_the_database_go_on_at_the_others(scene):
    server = Postgres(scene)
    way = scene.folder / "way"
    way.symlink_to(server.folder)
    stores = [server.url(), server.url().replace(str(server.folder), str(way)) + "&application_name=there"]
    here, there = brokers_with_hints(scene, stores, 2)
    alice, bob = scene.person("alice", here), scene.person("bob", there)
    wait_until(lambda: len(bob.ok("status", "--json").json()[0]["brokers"]) == 2, "bob is told of both")
    alice.ok("join", "#lobby")
    bob.ok("join", "#lobby")
    tail = bob.tail("#lobby", "--since", "all")
    alice.ok("send", "#lobby", "before")
    tail.wait_event(type="message", text="before")
    way.unlink()
    server.say("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'there'")
    alice.ok("send", "#lobby", "meanwhile")
    tail.wait_event(type="message", text="meanwhile")
    equal(there.process.wait_exit(), 1, "exit code of the broker that was cut off")
    check(logged(there, "cluster.cut_off") or not logged(there, "store.lost"), "it ends because others reach the database")
    equal(texts(messages(tail.json())), ["before", "meanwhile"], "what bob was shown")
    stop([here])


@test
def brokers_wait_together_for_a_database_that_none_of_them_reaches(scene):
    server, brokers = with_hints(scene)
    alice = scene.person("alice", brokers[0])
    alice.ok("join", "#lobby")
    server.kill9()
    for broker in brokers:
        wait_until(lambda b=broker: logged(b, "store.lost"), "the broker misses its database")
    server.start()
    for broker in brokers:
        wait_until(lambda b=broker: logged(b, "store.reconnected"), "and has it again")
    alice.ok("send", "#lobby", "well?")
    seen(scene.person("bob", brokers[1]), "#lobby", ["well?"])
    stop(brokers)


@test
def a_broker_that_is_stopped_does_not_wait_for_a_database_that_is_away(scene):
    server, brokers = with_hints(scene, 1)
    server.kill9()
    wait_until(lambda: logged(brokers[0], "store.lost"), "the broker misses its database")
    begun = time.monotonic()
    stop(brokers)
    took = time.monotonic() - begun
    check(took < LOOKED_FOR_S - 5, f"it ended after {took:.1f} s")


@test
def brokers_tell_each_other_that_they_have_committed(scene):
    _, (here, there) = with_hints(scene)
    root = owner(scene, there)  # the newest invitation counts
    root.url = here.url
    bob = scene.person("bob", there)
    for broker in (here, there):
        wait_until(lambda b=broker: any("cluster.joined" in line for line in b.process.err), "they know each other")
    root.ok("join", "#lobby")
    bob.ok("join", "#lobby")

    def is_told():
        bob.ok("send", "#lobby", "psst")
        return figure(root, "hints.heard") > 0 and figure(root, "turns") > 0
    wait_until(is_told, "hints are heard, and followed")
    equal(figure(root, "brokers"), 2, "brokers")
    there.kill9()
    wait_until(lambda: any("cluster.gone" in line for line in here.process.err), "the dead one is gone")
    equal(figure(root, "brokers"), 1, "brokers")
    there.start()
    wait_until(lambda: figure(root, "brokers") == 2, "it is there again")
    count = figure(root, "hints.heard")
    wait_until(lambda: bob.run("send", "#lobby", "again").code == 0 and figure(root, "hints.heard") > count, "and is heard again")

    def gone():
        return sum("cluster.gone" in line for line in here.process.err)
    before = gone()
    there.kill9()
    there.start()  # sooner than its lease ends
    wait_until(lambda: gone() > before, "its last life is gone")
    count = figure(root, "hints.heard")
    wait_until(lambda: bob.run("send", "#lobby", "once more").code == 0 and figure(root, "hints.heard") > count, "and it is heard all the same")
    begun = len(there.process.err)
    stop([here])
    wait_until(lambda: any("cluster.gone" in line for line in there.process.err[begun:]), "a broker that ends in good order is gone")
    stop([there])


def state_of(asker, nick):
    """What WHO says of somebody: state, and how many sessions."""
    rows = [row for row in asker.ok("who", "--json").json() if row["nick"] == nick]
    return (rows[0]["state"], rows[0]["devices"]) if rows else None


def sessions_of(asker, nick):
    return [row for row in asker.ok("admin", "sessions", "--json").json() if row["nick"] == nick]


def seen_from_afar(scene, count=2):
    """The owner at the first broker, and bob, who is in a room, at the last one."""
    _, brokers = cluster(scene, count)
    root = owner(scene, brokers[-1])
    root.url = brokers[0].url
    bob = scene.person("bob", brokers[-1])
    bob.ok("join", "#lobby")
    wait_until(lambda: state_of(root, "bob") == ("gone", 0), "bob is known at the other broker, and not there")
    return brokers, root, bob


@test
def people_at_another_broker_are_seen_where_and_how_they_are(scene):
    (here, there), root, bob = seen_from_afar(scene)
    line = bob.start()
    wait_until(lambda: state_of(root, "bob") == ("online", 1), "bob is seen at the other broker")
    line.write("/away\n")
    wait_until(lambda: state_of(root, "bob") == ("away", 1), "bob is away, as seen from the other broker")
    row, = sessions_of(root, "bob")
    equal(row["state"], "away", "state of the session")
    brokers = root.ok("admin", "brokers", "--json").json()
    equal(row["broker"], [broker["name"] for broker in brokers if not broker["own"]][0], "the broker where it is")
    equal(row["key"], bob.ok("key", "--json").json()[0]["key"], "its key")
    check("broker" not in sessions_of(root, "root")[0], "of the own broker none is named")
    check(row["broker"] in root.ok("admin", "sessions").out.decode(), "people are told where somebody is")
    line.close_stdin()
    equal(line.wait_exit(), 0, "exit code")
    wait_until(lambda: state_of(root, "bob") == ("gone", 0), "bob is gone at the other broker too")
    equal(sessions_of(root, "bob"), [], "bob's sessions")
    stop([here, there])


def comes(root, bob):
    """Bob reads a room at his broker; the other one knows it."""
    tail = bob.tail("#lobby")
    wait_until(lambda: state_of(root, "bob") == ("online", 1), "bob is seen at the other broker")
    return tail


@test
def the_people_of_a_broker_that_was_killed_are_gone_with_its_lease(scene):
    (here, there), root, bob = seen_from_afar(scene)
    tail = comes(root, bob)
    tail.kill9()
    there.kill9()
    wait_until(lambda: state_of(root, "bob") == ("gone", 0), "bob is gone with the broker")
    there.start()
    tail = comes(root, bob)
    stop([here, there])


@test
def who_moves_to_another_broker_is_one_session(scene):
    brokers, root, bob = seen_from_afar(scene, 3)
    wait_until(lambda: len(bob.ok("status", "--json").json()[0]["brokers"]) == 3, "bob is told of all three")
    line = bob.start("--timeout", "60s")
    wait_until(lambda: state_of(root, "bob") == ("online", 1), "bob is seen at the other broker")
    session = sessions_of(root, "bob")[0]["session"]
    counts = []
    brokers[-1].kill9()
    line.wait_line(re.compile(r"the link is back \(another broker: "), where="err")

    def is_settled():
        counts.append(len(sessions_of(root, "bob")))
        return len(root.ok("admin", "brokers", "--json").json()) == 3 and \
            [row["state"] for row in root.ok("admin", "brokers", "--json").json()].count("gone") == 1 and state_of(root, "bob") == ("online", 1)
    wait_until(is_settled, "the dead broker is gone, and bob is there")
    equal(sessions_of(root, "bob")[0]["session"], session, "bob's session")
    check(max(counts) <= 1, f"bob's sessions at a time: {counts}")
    line.close_stdin()
    equal(line.wait_exit(), 0, "exit code")
    stop(brokers[:-1])


@test
def an_operator_is_told_which_brokers_there_are_and_who_is_gone(scene):
    (here, there), root, bob = seen_from_afar(scene)
    bob.refused(4, "denied", "admin", "brokers")
    tail = bob.tail("#lobby")

    def rows():
        return {row["address"]: row for row in root.ok("admin", "brokers", "--json").json()}
    wait_until(lambda: rows().get(there.url, {}).get("sessions") == 1, "his broker is known, and bob's session counted there")
    both = {here.url: ("online", True), there.url: ("online", False)}
    said = wait_until(lambda: (found := rows()) and {url: (row["state"], row["own"]) for url, row in found.items()} == both and found, "both are online")
    equal(said[here.url]["sessions"], 1, "the owner's own session, where it is asked")
    for row in said.values():
        check(0 < row["lease_ms"] <= 5000, f"a lease of 5 s: {row}")
        check(row["behind"] >= 0 and row["turn"] > 0 and row["agent"].startswith("zchat-broker/") and row["seen"] >= row["since"], f"figures of {row}")
    check(said[here.url]["id"] != said[there.url]["id"], "each life has an id")
    there.process.signal(signal.SIGSTOP)
    wait_until(lambda: rows()[there.url]["state"] in ("silent", "gone"), "it is silent, unless one looks too late")
    wait_until(lambda: (rows()[there.url]["state"], rows()[there.url]["sessions"], rows()[there.url]["lease_ms"]) == ("gone", 0, 0), "and then gone")
    table = root.ok("admin", "brokers").out.decode().splitlines()
    equal(len(table), 3, f"lines of {table}")
    check(table[1].startswith("* ") and " online " in table[1] and table[2].startswith("  ") and " gone " in table[2] and " over " in table[2],
          f"the table: {table}")
    there.process.signal(signal.SIGCONT)
    wait_until(lambda: rows()[there.url]["state"] == "online", "it only stood still")
    wait_until(lambda: state_of(root, "bob") == ("online", 1), "bob, who has done nothing, is seen there again")
    tail.kill9()
    stop([here, there])


@test
def a_broker_that_is_alone_tells_of_itself(scene):
    broker = scene.broker()
    root = owner(scene, broker)
    row, = root.ok("admin", "brokers", "--json").json()
    equal((row["state"], row["own"], row["sessions"], row["address"]), ("online", True, 1, broker.url), "the only row")
    check("lease_ms" not in row and "turn" not in row, "it has neither lease nor turns")
    equal(len(root.ok("admin", "brokers").out.decode().splitlines()), 2, "lines of the table")


@test
def a_broker_where_nobody_speaks_hears_all_that_is_said_at_another(scene):
    """It is told, asks, and is answered, and one must not hide the sign of the other."""
    _, (here, there) = with_hints(scene)
    alice, bob = scene.person("alice", here), scene.person("bob", there)
    alice.ok("join", "#lobby")
    bob.ok("join", "#lobby")
    tail = bob.tail("#lobby", "--since", "all")
    tail.wait_event(type="join", **{"from": "bob"})
    sender = alice.start("send", "#lobby", "--lines", "--timeout", "120s")
    lines = [f"line {number}" for number in range(BURSTS * BURST)]
    for burst in range(BURSTS):
        for line in lines[burst * BURST:(burst + 1) * BURST]:
            sender.write(line + "\n")
        tail.wait_event(30, type="message", text=lines[(burst + 1) * BURST - 1])
    sender.close_stdin()
    equal(sender.wait_exit(60), 0, f"exit code of {sender.name}, which said {sender.err[-3:]}")
    equal(texts(messages(tail.json())), lines, "what bob was shown")
    stop([here, there])


def is_put_out(tail, word, begun):
    """A client that may not stay says why, and ends, soon."""
    check(tail.wait_exit() != 0, "it ends with a failure")
    took = time.monotonic() - begun
    check(word in "\n".join(tail.err), f"it says why: {tail.told()}")
    check(took < END_S, f"it took {took:.1f} s")


@test
def whose_device_is_removed_at_one_broker_is_cut_off_at_another(scene):
    (here, there), root, bob = seen_from_afar(scene)
    tail = comes(root, bob)
    key = sessions_of(root, "bob")[0]["key"]
    begun = time.monotonic()
    root.ok("admin", "revoke", "bob", key)
    is_put_out(tail, "revoked", begun)
    wait_until(lambda: state_of(root, "bob") == ("gone", 0), "he is gone")
    for url in (there.url, here.url):
        bob.refused(5, "was removed, or is banned", "status", url=url)
    stop([here, there])


@test
def who_is_banned_from_the_chat_at_one_broker_is_cut_off_at_another(scene):
    (here, there), root, bob = seen_from_afar(scene)
    tail = comes(root, bob)
    begun = time.monotonic()
    root.ok("admin", "ban", "bob")
    is_put_out(tail, "banned", begun)
    root.ok("admin", "unban", "bob")
    wait_until(lambda: bob.run("status").code == 0, "he may come back to his broker")
    stop([here, there])


@test
def a_private_room_has_a_new_key_at_every_broker_when_somebody_was_put_out(scene):
    (here, there), root, bob = seen_from_afar(scene)
    carol = scene.person("carol", there)
    root.ok("room", "create", "#board", "--private")
    carol.ok("join", "#lobby")
    for person in (bob, carol):
        wait_until(lambda p=person: root.run("room", "invite", "#board", p.nick).code == 0, "the first broker has heard of them")
        person.ok("join", "#board")
    tails = [person.tail("#board", "--since", "all") for person in (bob, carol)]
    root.ok("send", "#board", "for both")
    for tail in tails:
        tail.wait_event(type="message", text="for both")
    root.ok("room", "kick", "#board", "bob")
    root.ok("send", "#board", "for carol alone")
    tails[1].wait_event(type="message", text="for carol alone")
    check(not any("for carol alone" in line for line in tails[0].out), "bob was shown what came behind")
    equal(texts(carol.history("#board")), ["for both", "for carol alone"], "what carol reads")
    for tail in tails:
        tail.kill9()
    stop([here, there])


@test
def caps_hold_over_all_brokers(scene):
    """What is stored is counted by the store or by all that is known of it, and sessions by what brokers tell of them. [R-50]"""
    _, (here, there) = cluster(scene, 2, "--account-rooms", "2", "--account-invitations", "2", "--account-sessions", "3",
                               "--mailbox-max", "3")
    alice, bob = scene.person("alice", here), scene.person("bob", there)
    alice.ok("join", "#one")
    alice.ok("join", "#two", url=there.url)
    alice.refused(4, "limit", "join", "#three", url=there.url)
    wait_until(lambda: alice.run("join", "#three").code == 4, "the first broker has heard of both rooms")
    for url in (here.url, there.url):
        alice.ok("device", "add", "phone", url=url)
    for url in (here.url, there.url):
        alice.refused(4, "limit", "device", "add", "laptop", url=url)
    bob.ok("join", "#bobs")
    for number, url in enumerate((here.url, there.url, here.url)):
        wait_until(lambda u=url: alice.run("send", "@bob", f"number {number}", url=u).code == 0, "bob is known there")
    wait_until(lambda: alice.run("send", "@bob", "too many").code == 4 and alice.run("send", "@bob", "too many", url=there.url).code == 4,
               "bob's mailbox is full at both")
    tails = [alice.tail("#one"), alice.tail("#one")]
    alice.url = there.url
    tails.append(alice.tail("#one"))
    wait_until(lambda: alice.run("who", "--timeout", "3s").code != 0, "a fourth session is one too many")
    tails.pop(0).kill9()
    wait_until(lambda: alice.run("who", "--timeout", "3s").code == 0, "when one has ended elsewhere there is room again")
    for tail in tails:
        tail.kill9()
    stop([here, there])


@test
def brokers_with_different_keys_hear_no_hints_and_miss_nothing(scene):
    server, (here,) = with_hints(scene, 1)
    other = scene.folder / "other.key"
    equal(scene.run([program("zchat-broker"), "--make-cluster-key", other]).code, 0, "exit code of the key's making")
    equal(scene.run([program("zchat-broker"), "--make-cluster-key", other]).code, 1, "exit code where there is one")
    port = here.options[here.options.index("--cluster-bind") + 1].rpartition(":")[2]
    there = scene.broker("--store", server.url(), "--cluster", "on", "--cluster-bind", f"127.0.0.2:{port}", "--cluster-key", other,
                         data=scene.folder / "there")
    root = owner(scene, there)
    alice, bob = scene.person("alice", here), scene.person("bob", there)
    alice.ok("join", "#lobby")
    bob.ok("join", "#lobby")
    bob.ok("send", "#lobby", "without a hint")
    seen(alice, "#lobby", ["without a hint"])
    equal(figure(root, "hints.heard"), 0, "hints that were heard")
    check(figure(root, "hints.told") > 0, "hints are told")
    stop([here, there])
    result = scene.run([program("zchat-broker"), "--data", scene.folder / "none", "--port", "0", "--store", server.url(), "--cluster", "on",
                        "--cluster-bind", f"127.0.0.3:{port}"])
    equal(result.code, 1, f"exit code of {result}")
    check("--make-cluster-key" in result.err.decode(), "it says how to make one")


@test
def nothing_is_lost_or_doubled_when_a_broker_and_then_the_primary_are_killed(scene):
    show = Show(scene, lines=LINES)
    show.begin()
    show.kill_broker()
    show.kill_primary()
    show.end()
    equal((show.lost, show.doubled, show.orders), (0, 0, 1), "lines lost, doubled, and orders")


@test
def a_broker_without_cluster_and_one_with_it_refuse_each_other(scene):
    server, (first,) = cluster(scene, 1)

    def refused(*options):
        result = scene.run([program("zchat-broker"), "--data", scene.folder / "refused", "--port", "0", "--store", server.url(), *options])
        equal(result.code, 1, f"exit code of {result}")
        return result.err.decode()

    check("cluster = on" in refused(), "it says what would help")
    stop([first])
    alone = scene.broker("--store", server.url())
    check("without cluster works in the database" in refused("--cluster", "on"), "it says who is there")
    stop([alone])


if __name__ == "__main__":
    run_tests()
