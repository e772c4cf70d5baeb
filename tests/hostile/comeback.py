#!/usr/bin/python3
"""comeback.py - how long a crowd takes to be back after the broker was restarted, told (SIGTERM) or not (SIGKILL).

    comeback.py [--users N] [--rounds N] [--record]

The crowd keeps to the pace that it has when it comes in for the first time, and comes from one address: what is measured is the
broker, which has to shake hands, welcome and let join everybody anew. (So many from one address would meet its limit on handshakes;
it is off here.) --record writes docs/results/comeback-DATE.md."""
import argparse
import datetime
import os
import pathlib
import signal
import sys
import time

from doors import Crowd, check_kept, come_in
from raw_client import RawClient
from zchat_test import ROOT, check, equal, run_cases, wait_until

MOST_S = 15


def cpu_s(process):
    """Processor seconds so far."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def restart(broker, crowd, number):
    """Seconds until the broker serves again, until all are back, both from the signal on; and what that took of processors."""
    crowd_before = cpu_s(crowd.process)
    cut = crowd.last()["cut"]
    begin = time.monotonic()
    broker.process.signal(number)
    code = broker.process.wait_exit()
    if number == signal.SIGTERM:
        equal(code, 0, "exit code of the broker")
    broker.start()
    serves = time.monotonic() - begin
    wait_until(lambda: crowd.last()["cut"] >= cut + crowd.users and crowd.last()["in"] == crowd.users,
               f"{crowd.users} users are back; {crowd.last().get('in')} are", 120)
    back = time.monotonic() - begin
    return serves, back, cpu_s(broker.process), cpu_s(crowd.process) - crowd_before


def come_back(scene, users, rounds, rate, every_ms=1000):
    """Restarts in turns, told and untold; every acknowledged post is there afterwards."""
    broker = scene.broker("--registration", "open", "--handshakes-per-address", "0")
    crowd = Crowd(scene, broker, users, rate, every_ms)
    begin = time.monotonic()
    crowd.wait_in()
    figures = {"in_s": time.monotonic() - begin, "rounds": []}
    for index in range(rounds):
        number = signal.SIGKILL if index % 2 else signal.SIGTERM
        figures["rounds"].append((number.name, *restart(broker, crowd, number)))
        crowd.window(1)
    last = crowd.finish()
    equal(last["acked"], last["posted"], "posts that were acknowledged in the end")
    with RawClient(broker.url) as reader:
        come_in(reader)
        figures["kept"] = check_kept(reader, crowd.acks)
    figures["posted"] = last["posted"]
    equal(figures["kept"], last["acked"], "acknowledged posts that stand in their rooms, once")
    return figures


def record(args, figures):
    today = datetime.date.today().isoformat()
    lines = [f"# A crowd comes back, {today}", "",
             f"`scripts/dev comeback --users {args.users} --rounds {args.rounds} --record` on {os.cpu_count()} cores, load "
             f"{os.getloadavg()[0]:.1f} from other work; broker and crowd share the machine.", "",
             f"First time in: {figures['in_s']:.1f} s. {args.rate} posts a second over all; {figures['posted']} posted, each acknowledged "
             "and in its room once.", "", "| ended by | serves again after | all back after | broker's processor time | the crowd's |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {name} | {serves:.2f} s | {back:.1f} s | {own:.1f} s | {theirs:.1f} s |"
              for name, serves, back, own, theirs in figures["rounds"]]
    (ROOT / f"docs/results/comeback-{today}.md").write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    sys.argv[1:] = []

    def all_are_back_within_15_s(scene):
        figures = come_back(scene, args.users, args.rounds, args.rate)
        for name, serves, back, *_ in figures["rounds"]:
            print(f"# {name}: serves again after {serves:.2f} s, all {args.users} back after {back:.1f} s")
        if args.record:
            record(args, figures)
        check(all(back <= MOST_S for _, _, back, *_ in figures["rounds"]), f"within {MOST_S} s: {figures}")

    run_cases([all_are_back_within_15_s])


if __name__ == "__main__":
    main()
