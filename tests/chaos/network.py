"""network.py - people on a bad network: safety while it lasts, convergence behind it, and figures."""
import random
import time

from load import Load, make_load, share
from profiles import Bench
from zchat_test import check, shorten

CONVERGE_MAX = 45  # seconds from the end of the faults to everything shown everywhere


def run_profile(scene, profile, seconds, seed=1):
    """Returns the figures as a dictionary; a broken promise raises Failed."""
    wire, broker, load = make_load(scene, seed, pace=profile.pace)
    load.start()
    bench = Bench(wire, broker, load.clients, random.Random(seed))
    before = wire.counters()
    begin = time.monotonic()
    profile.run(bench, begin + seconds)
    end = time.monotonic()
    after = wire.counters()
    wire.reset()
    converged = load.finish()
    load.judge()
    made = {key: after.get(key, 0) - before.get(key, 0) for key in after} | {"done": bench.done}
    check(made[profile.proof] > 0, f"profile {profile.name} made no fault: {made}")
    delays = [delay for talker in load.rooms for delay in talker.delays()]
    good = [took for _, code, _, came, took in load.visits if code == 0 and came > begin and came + took < end]
    figures = {
        "said": len(delays) + sum(len(talker.lines) for talker in load.privates),
        "p50": share(delays, 0.5), "p99": share(delays, 0.99), "max": max(delays), "converged": converged,
        "visits": len(good), "visit_p50": share(good, 0.5),
        "faults": made[profile.proof], "proof": profile.proof}
    if profile.is_asked:
        check(good, f"nobody new could come in, of {len(load.visits)} who tried")
        check(converged <= CONVERGE_MAX, f"all was well only {converged:.1f} s after the last fault")
    return figures


def sentence(name, figures):
    return (f"{name}: {figures['said']} said, ack p50 {figures['p50'] * 1000:.0f} ms, p99 {figures['p99']:.2f} s, "
            f"max {figures['max']:.2f} s; all well {figures['converged']:.1f} s after the last fault; "
            f"{figures['visits']} visits under it, p50 {figures['visit_p50']:.2f} s; "
            f"{figures['proof']} {figures['faults']}")


def too_slow(profile, figures):
    """What stands against the asked p99, or None."""
    if profile.p99_max is None or figures["p99"] <= profile.p99_max:
        return None
    return shorten(f"ack p99 {figures['p99']:.2f} s, asked {profile.p99_max} s")
