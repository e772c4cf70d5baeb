#!/usr/bin/python3
"""People on a bad network: five of the sixteen profiles; `scripts/dev chaos` runs them all.
[R-20] [R-23] [R-28] [R-30] [R-32]. $ZCHAT_PROFILES: others, with commas."""
import os

import network
import profiles
from zchat_test import check, run_tests, test

SECONDS = 15
LONGER = {"loss30": 60}  # coming in takes 7 s at the median there: in 15 s one person tries, and may not make it
TIMED = ("loss5", "loss10", "loss20")  # beyond it, so short a run tells little about the hundredth part
CHOSEN = os.environ.get("ZCHAT_PROFILES", ",".join(profiles.SHORT)).split(",")


def add(name):
    def try_it(scene):
        figures = network.run_profile(scene, profiles.BY_NAME[name], LONGER.get(name, SECONDS))
        print("#", network.sentence(name, figures), flush=True)
        late = network.too_slow(profiles.BY_NAME[name], figures)
        check(late is None or name not in TIMED, late)
    try_it.__name__ = f"everybody_is_told_the_truth_under_{name}"
    test(try_it)


@test
def the_judge_finds_a_lost_and_a_doubled_message(scene):
    """Else all others prove nothing."""
    broker = scene.broker()
    load = network.Load(scene, None, broker, has_visitor=False)
    load.start()
    load.finish()
    load.judge()
    history = load.people["judge"].history
    for damage in (lambda events: events[:5] + events[6:], lambda events: events[:6] + events[5:],
                   lambda events: events[:5] + [events[6], events[5]] + events[7:],
                   lambda events: events[:5] + [{**events[5], "text": "something else"}] + events[6:]):
        load.people["judge"].history = lambda stream, damage=damage: damage(history(stream))
        try:
            load.judge()
        except Exception as problem:
            print(f"# found: {str(problem)[:100]}")
            continue
        check(False, "a damaged history is found good")


for each in CHOSEN:
    add(each)

if __name__ == "__main__":
    run_tests()
