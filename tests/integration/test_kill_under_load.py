#!/usr/bin/python3
"""The main promise: what was acknowledged is there, once, in one order, whatever happens to the broker.
[R-19] [R-20] [R-23] [R-29] [R-30]. $ZCHAT_LINES: how many lines a sender has (10000)."""
from load import NICKS, begin, check_end, kill_in_the_middle
from zchat_test import equal, run_tests, test


@test
def nothing_is_lost_doubled_or_out_of_order_when_the_broker_is_killed_twice(scene):
    broker = scene.broker()
    people = [scene.person(nick, broker) for nick in NICKS]
    readers = [scene.person(nick, broker) for nick in ("carol", "dave")]
    senders, tails, logger = begin(scene, broker, people, readers)

    kill_in_the_middle(broker, senders, 1 / 3)
    kill_in_the_middle(broker, senders, 2 / 3)

    check_end(senders, readers, tails, logger)
    equal(logger.stop(), 0, "exit code of the logger")
    equal(broker.stop(), 0, "exit code of the broker")


if __name__ == "__main__":
    run_tests()
