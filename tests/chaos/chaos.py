#!/usr/bin/python3
"""chaos.py - real processes under real faults, for as long as one likes.

  scripts/dev chaos [network|kills|partitions|power|nth ...]     all of them, when none is named
      --profile NAME,...|all   of the network's profiles (all)   --list tells them
      --seconds S              of each profile (60)
      --rounds N               kills, partitions, cuts of power (500, 60, 100)
      --nth short|all          which calls fail (all)
      --jobs N                 scenes at a time (4)
      --seed N
      --record                 write docs/results/chaos-DATE.md

Exit: 0 every promise was kept, 1 one was not, 77 this machine cannot do it."""
import argparse
import atexit
import datetime
import os
import platform
import signal
import subprocess
import sys
import time

import network
import nth
import profiles
from kills import run_kills, sentence as kills_sentence
from power import cut_power
from scenes import in_parallel, in_scene
from wire import need_root
from zchat_test import ROOT, Skipped, _end_all, bin_folder

KILLS_A_SCENE, CUTS_A_SCENE, PARTITIONS_A_SCENE = 50, 10, 5
FOUND = "## What was found and fixed"


class Campaign:
    """Collects what is said and what is broken."""

    def __init__(self, options):
        self.options, self.rows, self.broken, self.late = options, [], [], []

    def tell(self, part, text):
        print(f"{part}: {text}", flush=True)
        self.rows.append((part, text))

    def run(self, part, named):
        """The results that are good."""
        results = in_parallel(self.options.jobs, named)
        for (name, _), result in zip(named, results):
            if isinstance(result, Skipped):
                raise result
            if isinstance(result, Exception):
                self.broken.append(f"{name}: {result}")
                print(f"BROKEN {name}: {type(result).__name__}: {result}", flush=True)
        return [result for result in results if not isinstance(result, Exception)]

    def network(self):
        chosen = self.options.profile.split(",") if self.options.profile != "all" else list(profiles.BY_NAME)
        seconds, seed = self.options.seconds, self.options.seed

        def one(scene, name):
            figures = network.run_profile(scene, profiles.BY_NAME[name], seconds,
                                          seed + list(profiles.BY_NAME).index(name))
            return name, figures
        for name, figures in self.run("network", [
                (name, lambda scene, name=name: one(scene, name)) for name in chosen]):
            self.tell("network", network.sentence(name, figures))
            late = network.too_slow(profiles.BY_NAME[name], figures)
            if late:
                self.late.append(f"{name}: {late}")

    def kills(self):
        rounds = self.options.rounds or 500
        parts = [min(KILLS_A_SCENE, rounds - at) for at in range(0, rounds, KILLS_A_SCENE)]
        found = self.run("kills", [
            (f"kills{index}", lambda scene, part=part, index=index:
             run_kills(scene, part, self.options.seed + index)) for index, part in enumerate(parts)])
        if found:
            total = {"killed": {}}
            for figures in found:
                for who, count in figures["killed"].items():
                    total["killed"][who] = total["killed"].get(who, 0) + count
            for key in ("rounds", "said", "acked"):
                total[key] = sum(figures[key] for figures in found)
            for key in ("converged", "p99"):
                total[key] = max(figures[key] for figures in found)
            self.tell("kills", kills_sentence(total))

    def partitions(self):
        rounds = self.options.rounds or 60
        parts = [min(PARTITIONS_A_SCENE, rounds - at) for at in range(0, rounds, PARTITIONS_A_SCENE)]
        found = self.run("partitions", [
            (f"partitions{index}", lambda scene, part=part, index=index: network.run_profile(
                scene, profiles.partitions(part), 3600, self.options.seed + index))
            for index, part in enumerate(parts)])
        if found:
            self.tell("partitions", (
                f"{sum(figures['faults'] for figures in found)} cuts of 1 to 60 s, both ways and one way: "
                f"{sum(figures['said'] for figures in found)} said, all there; all well at most "
                f"{max(figures['converged'] for figures in found):.1f} s after the last one of a run"))

    def power(self):
        rounds, seed = self.options.rounds or 100, self.options.seed

        def some(scene, first, count):
            return [in_scene(f"cut{seed}", lambda one, at=at: cut_power(one, at)) for at in range(first, first + count)]
        found = self.run("power", [
            (f"cuts{at}", lambda scene, at=at: some(scene, seed + at, min(CUTS_A_SCENE, rounds - at)))
            for at in range(0, rounds, CUTS_A_SCENE)])
        cuts = [cut for part in found for cut in part]
        self.tell("power", f"{len(cuts)} cuts of power: {sum(acked for acked, _ in cuts)} messages acknowledged, "
                           f"{sum(lost for _, lost in cuts)} lost")
        controls = self.run("power", [(f"control{at}", lambda scene, at=at: cut_power(scene, seed + at, "fsync:skip"))
                                      for at in range(3)])
        self.tell("power", "the control, a store that does not sync: " +
                  ", ".join(f"{lost} of {acked} lost" for acked, lost in controls))
        self.broken += [f"the control lost nothing: {control}" for control in controls if control[1] == 0]

    def nth(self):
        most = nth.ALL if self.options.nth == "all" else nth.SHORT
        for part, function in (("zchat-broker", lambda scene: nth.run_broker(most)),
                               ("zchat send", lambda scene: nth.run_client(scene, most))):
            for tried in self.run("nth", [(part, function)]):
                self.tell("nth", "calls that failed, one a run, in " + nth.sentence(part, tried))


def record(campaign, took_s):
    """Figures are written anew; what stands below FOUND was written by people and is kept."""
    path = ROOT / "docs" / "results" / f"chaos-{datetime.date.today()}.md"
    old = path.read_text() if path.exists() else ""
    kept = old[old.index(FOUND):] if FOUND in old else f"{FOUND}\n"
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], check=False,
                            capture_output=True, text=True).stdout.strip()
    with open("/etc/os-release", encoding="utf-8") as release:
        system = next(line.split('"')[1] for line in release if line.startswith("PRETTY_NAME"))
    lines = [f"# Real processes under real faults, {datetime.date.today()}", "",
             f"{os.cpu_count()} cores, {system}, Linux {platform.release()}; commit {commit}; "
             f"{took_s / 60:.0f} minutes; seed {campaign.options.seed}.", "",
             "    scripts/dev chaos " + " ".join(sys.argv[1:]), "",
             f"Broken promises: {len(campaign.broken)}. Acknowledgements slower than asked: {len(campaign.late)}.", ""]
    lines += [f"- {each}" for each in campaign.broken + campaign.late]
    for part in dict.fromkeys(part for part, _ in campaign.rows):
        lines += ["", f"## {part}", ""]
        lines += [f"- {text}" for each, text in campaign.rows if each == part]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + f"\n\n{kept}")
    print(f"wrote {path.relative_to(ROOT)}")


def stop(number, frame):
    """All scenes fail now, and tidy up."""
    _end_all()
    sys.exit(128 + number)


def main():
    parts = ("network", "kills", "partitions", "power", "nth")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     add_help=True, usage=argparse.SUPPRESS)
    parser.add_argument("parts", nargs="*", choices=[[], *parts], default=[])
    parser.add_argument("--profile", default="all")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--nth", choices=("short", "all"), default="all")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    if options.list:
        for profile in profiles.PROFILES:
            print(f"{profile.name:12} {profile.what}")
        return 0
    for name in options.profile.split(","):
        if name != "all" and name not in profiles.BY_NAME:
            parser.error(f"there is no profile '{name}': --list tells them")
    atexit.register(_end_all)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    campaign = Campaign(options)
    begin = time.monotonic()
    print(f"programs: {bin_folder()}")
    try:
        need_root()
        for part in options.parts or parts:
            getattr(campaign, part)()
    except Skipped as reason:
        print(f"cannot be done here: {reason}", file=sys.stderr)
        return 77
    for each in campaign.broken + campaign.late:
        print(f"not kept: {each}")
    if options.record:
        record(campaign, time.monotonic() - begin)
    return 1 if campaign.broken or campaign.late else 0


if __name__ == "__main__":
    sys.exit(main())
