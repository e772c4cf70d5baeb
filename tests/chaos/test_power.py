#!/usr/bin/python3
"""The power is cut under the broker; and the control, a store that does not sync, must lose. [R-19]
$ZCHAT_ROUNDS: how often (10)."""
import os

from power import cut_power
from zchat_test import check, run_tests, test

ROUNDS = int(os.environ.get("ZCHAT_ROUNDS", "10"))


@test
def what_was_acknowledged_survives_a_power_cut(scene):
    total = sum(cut_power(scene, seed)[0] for seed in range(ROUNDS))
    print(f"# {ROUNDS} cuts, {total} acknowledged messages, none lost", flush=True)


@test
def a_store_that_does_not_sync_loses_what_was_acknowledged(scene):
    acked, lost = cut_power(scene, 1, "fsync:skip")
    print(f"# {lost} of {acked} acknowledged messages are lost without fsync", flush=True)
    check(lost > 0, "the check above cannot fail")


if __name__ == "__main__":
    run_tests()
