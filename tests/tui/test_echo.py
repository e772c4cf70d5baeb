#!/usr/bin/python3
"""Typing goes on while messages pour in. `scripts/dev echo` prints the real figures; here the bound is loose."""
import echo
from zchat_test import SLOW, check, run_tests, test


@test
def typing_is_echoed_while_a_room_is_flooded(scene):
    figures = echo.measure(scene, rate=2000, keys=60, senders=2)
    print(f"# {figures}")
    check(figures["p50_ms"] < 250 * SLOW, f"half of the keys show soon: {figures}")
    check(figures["max_ms"] < 5000 * SLOW, f"all of the keys show: {figures}")


if __name__ == "__main__":
    run_tests()
