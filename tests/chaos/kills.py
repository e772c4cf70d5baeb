"""kills.py - kill -9 of broker and clients, again and again, while people talk. [R-19] [R-20] [R-23] [R-30]"""
import random
import time

from load import Load, share
from zchat_test import check

PACE = 40


def run_kills(scene, rounds, seed=1, pause_max_s=1.0):
    """Returns the figures; a broken promise raises Failed."""
    rng = random.Random(seed)
    broker = scene.broker()
    load = Load(scene, None, broker, seed, pace=PACE, has_visitor=False)
    load.start()
    killed = {}
    for _ in range(rounds):
        time.sleep(rng.uniform(0.05, pause_max_s))
        who = load.kill(rng)
        killed[who] = killed.get(who, 0) + 1
    converged = load.finish()
    load.judge()
    check(sum(killed.values()) == rounds, "fewer kills than asked for")
    talkers = load.rooms + load.privates + load.killed
    return {"rounds": rounds, "killed": killed, "said": sum(len(talker.lines) for talker in talkers),
            "acked": sum(len(talker.acks()) for talker in talkers), "converged": converged,
            "p99": share([delay for talker in load.rooms + load.killed for delay in talker.delays()], 0.99)}


def sentence(figures):
    killed = ", ".join(f"{who} {count}" for who, count in sorted(figures["killed"].items()))
    return (f"{figures['rounds']} kill -9 ({killed}): {figures['said']} said, {figures['acked']} acknowledged, "
            f"all there; all well {figures['converged']:.1f} s after the last; ack p99 {figures['p99']:.2f} s")
