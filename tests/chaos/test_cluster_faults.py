#!/usr/bin/python3
"""Three brokers over a primary and its standby, in network namespaces, with a fault in every round: one of each of the cheaper kinds;
`scripts/dev cluster-faults` makes hundreds. [R-19] [R-20] [R-63] [R-65] $ZCHAT_SEED: another draw (1)."""
import os

import cluster_report
from cluster_check import Answers, Ledger, Reader, missing, text_of
from cluster_rounds import Bench
from pg_proxy import Messages, Orders
from three_networks import DATABASES, ThreeNetworks
from two_databases import DatabaseHost
from zchat_test import check, equal, run_tests, test

SEED = int(os.environ.get("ZCHAT_SEED", "1"))
KINDS = ("kill", "cut-peers", "lost-answer", "promote")
ROWS = 12


@test
def nothing_is_lost_doubled_or_misplaced_when_parts_of_a_cluster_fail(scene):
    bench = Bench(scene)
    try:
        for number, kind in enumerate(KINDS):
            print("#", cluster_report.line_of(bench.run(number, SEED, [kind])), flush=True)
        records = bench.end()
    finally:
        bench.give_up()
    check(records > bench.load.acknowledged() > len(bench.load.writers), f"{records} records, {bench.load.acknowledged()} acknowledged")


def event(seq, nick, number, kind="message", stream="#lobby"):
    return {"type": kind, "stream": stream, "seq": seq, "from": nick, "text": text_of(nick, number) if kind == "message" else ""}


GOOD = [event(1, "ann1", 0, "join"), event(2, "ann1", 0), event(3, "bob1", 0), event(4, "ann1", 1), event(5, "bob1", 1)]
CLAIMS = [(2, "ann1", 0), (4, "ann1", 1), (3, "bob1", 0), (5, "bob1", 1)]


def problems_of(events, claims=tuple(CLAIMS), second=None, counts=(2, 2)):
    """What the judge says when one reader has these events, another one those, and these lines were acknowledged."""
    ledger = Ledger()
    for nick in ("ann1", "bob1"):
        ledger.add_writer(nick, {"#lobby"})
    for name, shown in (("one", events), ("two", GOOD if second is None else second)):
        reader = Reader(name, ("#lobby",), ledger)
        for each in shown:
            reader.take(each)
    for seq, nick, number in claims:
        ledger.claim("#lobby", seq, nick, text_of(nick, number), nick)
    ledger.judge()
    for nick, count in zip(("ann1", "bob1"), counts):
        ledger.check_said(nick, count)
    return ledger.problems


@test
def the_judge_finds_what_is_lost_doubled_moved_or_shown_to_others(_):
    equal(problems_of(GOOD), [], "what is good")
    other = [dict(each) for each in GOOD]
    other[2]["text"] = text_of("bob1", 7)
    for name, events in {"a hole": GOOD[:2] + GOOD[3:], "twice": GOOD + GOOD[-1:], "two places": GOOD[:3] + [GOOD[4], GOOD[3]],
                         "another text": other, "another author": GOOD[:2] + [{**GOOD[2], "from": "ann1"}] + GOOD[3:],
                         "a gap": GOOD[:4] + [{"type": "gap", "stream": "#lobby", "first": 5, "last": 5}],
                         "a strange room": GOOD + [event(1, "ann1", 2, stream="#attic")]}.items():
        check(problems_of(events), f"{name} is not found")
    for name, both in {"doubled": GOOD + [event(6, "ann1", 1)], "lost in between": GOOD[:4] + [event(5, "bob1", 2)],
                       "out of order": GOOD[:1] + [event(2, "ann1", 1), GOOD[2], event(4, "ann1", 0), GOOD[4]],
                       "invented": GOOD + [event(6, "eve1", 0)], "lost at the end": GOOD[:4]}.items():
        check(problems_of(both, claims=(), second=both), f"{name}, for all readers, is not found")
    check(problems_of(GOOD, [*CLAIMS, (6, "ann1", 2)]), "what was acknowledged and is lost is not found")
    check(problems_of(GOOD, [(3, "ann1", 0)]), "what was acknowledged for another place is not found")
    ledger = Ledger()
    ledger.add_writer("cyd1", {"@cyd1", "@cyd2"})
    Reader("cyd3", ("@cyd3",), ledger).take(event(1, "cyd1", 0, stream="@cyd3"))
    ledger.judge()
    equal(len(ledger.problems), 1, "problems, when private text stands with a third one")
    equal(missing([("ann1", 0), ("ann1", 1)], {("ann1", 1)}), [("ann1", 0)], "what is not on a disk")


@test
def answers_are_judged_in_their_order(_):
    def problems(*told):
        ledger = Ledger()
        answers = Answers("ann1", "stored", ledger)
        for number in range(2):
            answers.say(text_of("ann1", number))
        for seq, state in told:
            answers.take({"stream": "#lobby", "seq": seq, "state": state})
        return ledger.problems
    equal(problems((2, "stored"), (4, "stored")), [], "what is good")
    for told in ([(4, "stored"), (2, "stored")], [(2, "stored"), (3, "failed")], [(2, "stored"), (4, "stored"), (6, "stored")]):
        equal(len(problems(*told)), 1, f"problems of {told}")


def server_says(letter, body):
    return letter + (len(body) + 4).to_bytes(4, "big") + body


@test
def the_proxy_finds_messages_however_they_are_cut_and_carries_an_order_out_once(_):
    stream = b"".join(server_says(*each) for each in ((b"C", b"BEGIN\0"), (b"D", b"x" * 300), (b"C", b"COMMIT\0"), (b"Z", b"I")))
    for size in (1, 2, 5, 7, 300, len(stream)):
        messages = Messages(False)
        found = [each for at in range(0, len(stream), size) for each in messages.take(stream[at:at + size])]
        equal(b"".join(each for _, each in found), stream, f"what is handed on, {size} bytes at a time")
        equal([letter for letter, _ in found], [b"C", b"D", b"C", b"Z"], "its messages")
    first = (len(b"user\0chat\0\0") + 8).to_bytes(4, "big") + b"\0\3\0\0user\0chat\0\0"
    equal([each for each, _ in Messages(True).take(first + server_says(b"P", b"1\0COMMIT\0\0\0"))], [b"", b"P"], "a client's messages")
    orders = Orders()
    orders.add("answer", "198.18.3.1", 5)
    equal([orders.take(*each) for each in (("commit", "198.18.3.1"), ("answer", "198.18.3.2"), ("answer", "198.18.3.1"),
                                          ("answer", "198.18.3.1"))], [None, None, 5, None], "orders taken")


def rows_after_a_cut(scene, network, host, fsync):
    """How many of the committed rows are there when the power is back."""
    database = DatabaseHost(scene, network, host, settings={"fsync": fsync})
    database.say("CREATE TABLE kept (number int)")
    database.say("CHECKPOINT")
    database.sync()
    for number in range(ROWS):
        database.say(f"INSERT INTO kept VALUES ({number})")
    database.cut_power()
    database.start()
    return int(database.say("SELECT count(*) FROM kept"))


@test
def a_power_cut_takes_what_was_not_synced_and_nothing_else(scene):
    """Else the rounds with cuts of power prove nothing."""
    network = ThreeNetworks(scene)
    equal(rows_after_a_cut(scene, network, DATABASES[0], "on"), ROWS, "rows of a server that syncs")
    left = rows_after_a_cut(scene, network, DATABASES[1], "off")
    print(f"# without fsync {left} of {ROWS} committed rows are left")
    check(left < ROWS, "a server that does not sync loses nothing")


if __name__ == "__main__":
    run_tests()
