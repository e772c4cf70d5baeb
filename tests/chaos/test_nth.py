#!/usr/bin/python3
"""The nth malloc, write, fsync, open, accept fails, in the broker and in `zchat send`. [R-19] [R-20]
$ZCHAT_NTH=all: every one (of malloc a spread of 600)."""
import os

import nth
from zchat_test import Failed, check, run_tests, test

MOST = nth.ALL if os.environ.get("ZCHAT_NTH") == "all" else nth.SHORT


@test
def no_call_that_fails_in_the_broker_makes_it_lie_hang_or_spoil_its_data(scene):
    print("#", nth.sentence("zchat-broker", nth.run_broker(MOST)), flush=True)


@test
def no_call_that_fails_in_zchat_send_makes_it_lie_or_hang(scene):
    print("#", nth.sentence("zchat send", nth.run_client(scene, MOST)), flush=True)


@test
def a_write_that_only_claims_success_is_found(scene):
    """Else the others prove nothing."""
    trial = nth.Trial("broker", "write", 1)
    trial.rule = lambda: "write:skip:after=45"
    try:
        trial.run()
    except Failed as problem:
        print(f"# found: {str(problem)[:100]}")
        return
    check(False, "a broker that does not write passes")


if __name__ == "__main__":
    run_tests()
