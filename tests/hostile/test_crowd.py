#!/usr/bin/python3
"""Strangers at the doors do not hold up those who are in: a short form of `scripts/dev doors`. [R-1]."""
import argparse

from comeback import come_back
from doors import besiege, is_memory_back, verdict, verdict_line
from zchat_test import SLOW, check, equal, run_tests, test


@test
def two_hundred_users_go_on_beside_malformed_and_half_open_connections(scene):
    args = argparse.Namespace(users=200, rate=50, malformed=1000, half_open=300, turns=1, turn_s=3, after_s=1, settings={},
                              every_ms=250)
    figures = besiege(scene, args, warm_s=4)
    turn = figures["turns"][0]
    print(f"# p99 {turn['quiet']:.1f} ms quiet, {turn['attacked']:.1f} ms under attack; memory {figures['rss_before']:.0f}, "
          f"{turn['rss']:.0f}, {figures['rss_after']:.0f} MiB; strangers {figures['strangers']}")
    equal((figures["cut"], figures["holes"]), (0, 0), "users cut off, events missed")
    equal(figures["acked"], figures["posted"], "posts that were acknowledged")
    equal(figures["kept"], figures["acked"], "acknowledged posts that stand in their rooms")
    told = figures["strangers"][0]
    check(told["malformed"] == 1000 and told["held"] >= 250 and told["failed"] == 0, f"the attack was none: {told}")
    # Generous: the machine that runs this has other work. What is meant by it is measured by the campaign.
    check(turn["attacked"] < max(250, turn["quiet"] * 20) * SLOW, f"p99 of acknowledgements: {turn}")
    check(figures["is_sanitized"] or is_memory_back(figures), f"memory does not return: {figures}")


@test
def the_verdict_on_a_siege_names_all_that_went_wrong(_):
    good = {"ratio": 1.9, "is_sanitized": False, "rss_before": 1000, "rss_after": 1099, "cut": 0, "holes": 0, "posted": 500,
            "acked": 500, "kept": 500, "half_open": 100, "malformed": 20,
            "strangers": [{"held": 95, "malformed": 10}, {"held": 100, "malformed": 10}]}
    equal(verdict(good), [], "the verdict on what is good")
    check(verdict_line(good).startswith("verdict: ok"), verdict_line(good))
    for change in ({"ratio": 2.1}, {"ratio": float("nan")}, {"rss_after": 1107}, {"is_sanitized": True}, {"cut": 1}, {"holes": 1}, {"acked": 499, "kept": 499},
                   {"kept": 499}, {"posted": 0, "acked": 0, "kept": 0}, {"half_open": 200}, {"malformed": 40}):
        equal(len(verdict({**good, **change})), 1, f"what is wrong with {change}")
    check(verdict_line({**good, "cut": 3}) == "verdict: FAILED: 3 users were cut off", "the line")


@test
def two_hundred_users_are_back_after_restarts_and_nothing_is_lost(scene):
    figures = come_back(scene, 200, 2, 50, every_ms=100)
    for name, serves, back, *_ in figures["rounds"]:
        print(f"# {name}: serves again after {serves:.2f} s, all back after {back:.1f} s")
        check(back < 15 * SLOW, f"{name}: all back after {back:.1f} s")


if __name__ == "__main__":
    run_tests()
