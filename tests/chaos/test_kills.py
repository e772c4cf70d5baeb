#!/usr/bin/python3
"""kill -9 of the broker and of whoever talks, reads and archives. [R-19] [R-20] [R-23] [R-30]
$ZCHAT_ROUNDS: how often (20)."""
import os

import kills
from zchat_test import run_tests, test

ROUNDS = int(os.environ.get("ZCHAT_ROUNDS", "20"))


@test
def nothing_is_lost_doubled_or_misplaced_when_anybody_is_killed(scene):
    print("#", kills.sentence(kills.run_kills(scene, ROUNDS)), flush=True)


if __name__ == "__main__":
    run_tests()
