"""load.py - what two people say, line by line, and what everybody must have of it. $ZCHAT_LINES: how many lines a sender
has (10000)."""
import os
import re

from zchat_test import check, check_no_hole, equal, read_log, texts, wait_until

LINES = int(os.environ.get("ZCHAT_LINES", "10000"))
NICKS = ("alice", "bob")
PATIENCE = 120  # seconds, for the whole of the load
END = "the end of the test"


def lines_of(nick):
    return [f"{nick} says line {number} of {LINES}" for number in range(1, LINES + 1)]


def acknowledged(senders):
    return sum(sender.out_count() for sender in senders)


def kill_in_the_middle(broker, senders, share):
    """kill -9 when that share of the lines is acknowledged, and start again."""
    wait_until(lambda: acknowledged(senders) >= 2 * LINES * share, f"{share:.2f} of the lines acknowledged",
               PATIENCE)
    broker.kill9()
    check(acknowledged(senders) < 2 * LINES, "the broker was killed too late: all was acknowledged")
    broker.start()


def check_acknowledgements(sender, lines, event_of):
    """Every line printed `#lobby SEQ`, and SEQ holds that line."""
    equal(len(sender.out), LINES, f"lines that {sender.name} printed")
    before = 0
    for line, said in zip(sender.out, lines):
        match = re.fullmatch(r"#lobby (\d+)", line)
        check(match, f"{sender.name} printed '{line}', not '#lobby SEQ'")
        seq = int(match.group(1))
        check(seq > before, f"{sender.name}: {seq} was acknowledged behind {before}")
        equal(event_of[seq]["text"], said, f"text of the acknowledged {seq}")
        before = seq


def check_reader(name, events):
    """Everything once, in order, without a hole; returns {seq: event}."""
    check_no_hole(events, name)
    equal(events[0]["seq"], 1, f"the first seq at {name}")
    for nick in NICKS:
        got = [event["text"] for event in events if event["type"] == "message" and event["from"] == nick]
        want = lines_of(nick)
        missing, doubled = set(want) - set(got), len(got) - len(set(got))
        check(not missing, f"{name} misses {len(missing)} of {nick}'s lines, as {sorted(missing)[:3]}")
        equal(doubled, 0, f"{nick}'s lines that {name} has more than once")
        equal(got, want, f"order of {nick}'s lines at {name}")
    return {event["seq"]: event for event in events}


def begin(scene, broker, people, readers):
    """Everybody in #lobby, the readers and a logger follow, the people write. Returns senders, tails and the logger."""
    for person in people + readers:
        person.ok("join", "#lobby")
    tails = [person.tail("#lobby", "--since", "all") for person in readers]
    logger = scene.logger(broker)
    for tail in tails:
        tail.wait_event(type="join", **{"from": readers[-1].nick})
    senders = [person.start("send", "#lobby", "--lines", "--timeout", "60s") for person in people]
    for sender, nick in zip(senders, NICKS):
        sender.write_behind("".join(line + "\n" for line in lines_of(nick)).encode())
    return senders, tails, logger


def check_end(senders, readers, tails, logger):
    """Wait for all of it: what was acknowledged is there once, in one order, at every reader."""
    for sender in senders:
        equal(sender.wait_exit(PATIENCE), 0, f"exit code of {sender.name}, which said {sender.err[-3:]}")
    readers[0].ok("send", "#lobby", END)  # whoever has this has all before it
    for tail in tails:
        tail.wait_line(END, PATIENCE)
    wait_until(lambda: END in texts(read_log(logger.out_folder, "#lobby"))[-1:], "the log holds the end", 60)

    logged = read_log(logger.out_folder, "#lobby")
    kept = readers[0].history("#lobby")
    views = [check_reader(name, events) for name, events in
             (("the first tail", tails[0].json()), ("the second tail", tails[1].json()), ("the log", logged),
              ("the broker's history", kept))]
    for view in views[1:]:
        equal(sorted(view), sorted(views[0]), "numbers that two readers have")
        for seq, event in view.items():
            equal(event, views[0][seq], f"event {seq} at two readers")
    for sender, nick in zip(senders, NICKS):
        check_acknowledgements(sender, lines_of(nick), views[0])
