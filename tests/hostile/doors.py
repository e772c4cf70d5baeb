#!/usr/bin/python3
"""doors.py - a crowd of users and strangers at the doors: how long the users wait, quiet and under attack.

    doors.py [--users N] [--minutes M] [--rate POSTS/S] [--malformed N] [--half-open N] [--turns N] [--warm S] [--record]

Quiet times and attacks take turns, so that a noisy machine disturbs both. The last line is the verdict, and the exit code says
the same. --record writes docs/results/doors-DATE.md."""
import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

from witness import known_options
from raw_client import RawClient
from zchat_test import ROOT, Failed, bin_folder, check, equal, is_sanitized, run_cases, wait_until

WARM_S = 130  # each queue in libzmq touches its memory in its first 512 messages: that is no growth
WARM_PING_MS, WARM_RATE = 200, 1000
RATIO_MAX = 2.0  # p99 of the users under attack, over the quiet one
MEMORY_PART, ONCE_MIB = 0.1, 6  # how near memory comes back; what the first attack makes a broker touch once, and for ever


def rss_mib(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else float("nan")


def crowd_program():
    return bin_folder().parent / "tests/hostile/crowd"


class Crowd:
    """Users that are in, follow and post."""

    def __init__(self, scene, broker, users, rate, every_ms=1000, room_size=40):
        self.lines_a_second = 1000 // every_ms
        check(crowd_program().exists(), f"{crowd_program()} is not built")
        self.users, self.acks = users, scene.folder / "acks"
        self.process = scene.start([crowd_program(), "--port", broker.port, "--key", broker.key(), "--users", users,
                                    "--rate", rate, "--acks", self.acks, "--every", every_ms, "--room-size", room_size], "crowd")

    def last(self):
        lines = self.process.out
        return json.loads(lines[-1]) if lines else {}

    def wait_in(self, timeout=120):
        wait_until(lambda: self.last().get("in") == self.users, f"{self.users} users are in", timeout)

    def order(self, text):
        self.process.write(text + "\n")

    def window(self, seconds):
        """What is told in the next whole seconds: acknowledgements in ms, the slowest PONGs' p99 in ms, the last line."""
        begin = self.process.out_count() + 1  # the second that runs belongs to what was before
        count = int(seconds * self.lines_a_second)
        self.process.wait_count(begin + count, timeout=seconds * 5 + 30)
        lines = [json.loads(line) for line in self.process.out[begin:begin + count]]
        acks = [us / 1000 for line in lines for us in line["acks"]]
        return acks, [line["pong_p99"] / 1000 for line in lines if line["pongs"]], lines[-1]

    def finish(self):
        self.order("stop")
        equal(self.process.wait_exit(60), 0, "exit code of the crowd")
        return self.last()


class Strangers:
    """attack.py, as long as it is not ended."""

    def __init__(self, scene, broker, half_open, malformed, rate, ramp=8):
        self.process = scene.start(["/usr/bin/python3", "-B", pathlib.Path(__file__).parent / "attack.py", "--port",
                                    broker.port, "--key", broker.key(), "--half-open", half_open, "--malformed",
                                    malformed, "--rate", rate, "--ramp", ramp], "attack")

    def last(self):
        return json.loads(self.process.out[-1])

    def end(self):
        self.process.close_stdin()
        equal(self.process.wait_exit(60), 0, f"exit code of the attack: {self.process.told()}")
        return self.last()


def check_kept(reader, acks):
    """Every acknowledged post stands in its room, at its place, once. Returns how many there are."""
    acked = {}
    for line in acks.read_text().splitlines():
        room, seq, session, number = line.split()
        acked.setdefault(room, {})[int(session), int(number)] = int(seq)
    for room, wanted in acked.items():
        kept = {}
        for event in read_room(reader, room):
            if event["type"] == "message":
                place = event["session"], event["number"]
                check(place not in kept, f"{room}: {place} stands twice")
                kept[place] = event["seq"]
        for place, seq in wanted.items():
            equal(kept.get(place), seq, f"{room}: place of the acknowledged {place}")
    return sum(map(len, acked.values()))


def come_in(reader):
    """libzmq goes through all subscriptions for each subscriber that leaves: behind a crowd that leaves at once, for
    many seconds nobody is answered."""
    for _ in range(6):
        try:
            reader.hello("reader")
            return
        except Failed as problem:
            why = problem
    raise why


def read_room(reader, room):
    """All events, page by page."""
    first = 1
    while True:
        reader.send({"v": "fetch", "stream": room, "first": first, "credit": 16, "ref": first})
        count, is_done = 0, False
        while not is_done:
            maps = reader.receive()
            if maps is None:
                raise Failed(f"no answer to FETCH of {room}")
            for each in maps:
                is_done = is_done or each["v"] == "events" and each["done"]
                if each["v"] == "event":
                    count += 1
                    yield each
        first += count
        if count == 0:
            return


def besiege(scene, args, warm_s=WARM_S):
    """Quiet and attack in turns; returns the figures."""
    broker = scene.broker(*known_options(scene, **args.settings))
    pid = broker.process.pid
    figures = {"rss_empty": rss_mib(pid), "is_sanitized": is_sanitized(pid), "settings": args.settings, "turns": [], "strangers": [],
               "half_open": args.half_open, "malformed": args.malformed}
    crowd = Crowd(scene, broker, args.users, args.rate, args.every_ms)
    begin = time.monotonic()
    crowd.wait_in()
    figures["in_s"] = time.monotonic() - begin
    if warm_s:
        crowd.order(f"rate {WARM_RATE} ping {WARM_PING_MS}")
        crowd.window(warm_s)
        crowd.order(f"rate {args.rate} ping 3000")
        crowd.window(3)
    figures["rss_before"] = rss_mib(pid)
    before = crowd.last()
    for _ in range(args.turns):
        quiet, quiet_pongs, _ = crowd.window(args.turn_s)
        strangers = Strangers(scene, broker, args.half_open, args.malformed // args.turns,
                              args.malformed / args.turns / max(1, args.turn_s - 3), min(8, args.turn_s / 2))
        wait_until(lambda: strangers.process.out_count() > 0 and
                   (strangers.last()["held"] >= args.half_open * 0.9 or strangers.process.out_count() > 12),
                   "the half-open ones are there")
        attacked, attacked_pongs, _ = crowd.window(args.turn_s)
        rss = rss_mib(pid)
        figures["strangers"].append(strangers.last())
        strangers.end()
        figures["turns"].append({"quiet": percentile(quiet, 0.99), "attacked": percentile(attacked, 0.99),
                                 "quiet_p50": percentile(quiet, 0.5), "attacked_p50": percentile(attacked, 0.5),
                                 "quiet_max": max(quiet), "attacked_max": max(attacked), "rss": rss,
                                 "quiet_pong": statistics.median(quiet_pongs or [0]),
                                 "attacked_pong": statistics.median(attacked_pongs or [0])})
        crowd.window(2)
    after = crowd.window(args.after_s)[2]
    figures["rss_after"] = rss_mib(pid)
    figures["cut"], figures["holes"] = after["cut"] - before["cut"], after["holes"] - before["holes"]
    figures["heard"] = after["heard"] - before["heard"]
    last = crowd.finish()
    figures["posted"], figures["acked"], figures["errors"] = last["posted"], last["acked"], last["errors"]
    begin = time.monotonic()
    with RawClient(broker.url) as newcomer:
        come_in(newcomer)
        figures["newcomer_s"] = time.monotonic() - begin
        figures["kept"] = check_kept(newcomer, crowd.acks)
    figures["ratio"] = statistics.median(turn["attacked"] / turn["quiet"] for turn in figures["turns"])
    equal(broker.stop(), 0, "exit code of the broker")
    figures["told"] = [line.split("Z ", 1)[-1][:300] for line in broker.process.err[-12:]]
    return figures


def is_memory_back(figures):
    """True when memory came back; with a sanitizer it tells nothing."""
    return not figures["is_sanitized"] and figures["rss_after"] <= figures["rss_before"] * (1 + MEMORY_PART) + ONCE_MIB


def verdict(figures):
    """What went wrong, one sentence each; none: the broker stood."""
    held = min(each["held"] for each in figures["strangers"])
    checks = [(figures["ratio"] <= RATIO_MAX, f"p99 under attack is {figures['ratio']:.2f} times the quiet one"),
              (is_memory_back(figures), f"memory is {figures['rss_after']:.0f} MiB, before {figures['rss_before']:.0f}"
               + (" (a sanitizer is built in: take a release build)" if figures["is_sanitized"] else "")),
              (figures["cut"] == 0, f"{figures['cut']} users were cut off"),
              (figures["holes"] == 0, f"{figures['holes']} events were missed"),
              (figures["acked"] > 0 and figures["acked"] == figures["posted"],
               f"{figures['acked']} of {figures['posted']} posts were acknowledged"),
              (figures["kept"] == figures["acked"], f"{figures['kept']} of {figures['acked']} acknowledged posts are kept"),
              (held >= figures["half_open"] * 0.9, f"only {held} of {figures['half_open']} half-open connections were held"),
              (sum(each["malformed"] for each in figures["strangers"]) >= figures["malformed"] * 0.9,
               f"fewer than {figures['malformed']} malformed connections were made")]
    return [sentence for is_good, sentence in checks if not is_good]


def verdict_line(figures):
    wrong = verdict(figures)
    return "verdict: FAILED: " + "; ".join(wrong) if wrong else (
        f"verdict: ok: p99 {figures['ratio']:.2f} times the quiet one, memory {figures['rss_after'] / figures['rss_before'] - 1:+.1%}, "
        f"nobody cut off, nothing missed, {figures['kept']} of {figures['acked']} acknowledged posts kept")


def revision():
    git = ["git", "-C", str(ROOT)]
    name = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    dirty = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "shared", "broker", "client", "tests"], check=False)
    return name + (", with changes that are not committed" if dirty.returncode else "")


def report(args, figures):
    """The figures as a page."""
    turns = figures["turns"]
    made = sum(each["malformed"] for each in figures["strangers"])
    lines = [f"# Strangers at the doors, {datetime.date.today()}", "",
             f"{os.cpu_count()} cores, {platform.platform()}; programs of commit {revision()}, preset release.", "",
             f"    scripts/dev doors {' '.join(sys.argv[1:])}", "",
             f"- {args.users:,} users with CURVE on one address ({2 * args.users:,} connections), all in after {figures['in_s']:.1f} s; "
             f"{args.rate} posts a second in rooms of 40, PING every 3 s; {args.turns} times {args.turn_s} s quiet and as long under attack",
             f"- the attack: {args.half_open:,} half-open connections held at both ports in all stages of the handshake (least held at the "
             f"end of a turn: {min(each['held'] for each in figures['strangers']):,}), {made:,} malformed ones from 8 other addresses",
             f"- users cut off: {figures['cut']}; events missed on PUB: {figures['holes']} of {figures['heard']:,}; refusals: {figures['errors']}",
             f"- posts: {figures['posted']:,}, acknowledged {figures['acked']:,}, all of these ({figures['kept']:,}) found in their rooms at "
             "their places, once",
             f"- p99 of acknowledgements, attack over quiet, median of the turns: {figures['ratio']:.2f}",
             f"- memory of the broker: {figures['rss_empty']:.0f} MiB empty, {figures['rss_before']:.0f} MiB with the users, at most "
             f"{max(turn['rss'] for turn in turns):.0f} MiB under attack, {figures['rss_after']:.0f} MiB {args.after_s} s after "
             f"({figures['rss_after'] / figures['rss_before'] - 1:+.1%})",
             f"- when all {args.users:,} had left at once, somebody new was answered after {figures['newcomer_s']:.1f} s: libzmq goes through "
             "all subscriptions for each subscriber that leaves, in the thread that owns PUB",
             f"- **{verdict_line(figures)}**",
             f"- settings that differ from the defaults: {' '.join(f'{k}={v}' for k, v in args.settings.items()) or 'none'}", "",
             "| turn | quiet p50 | p99 | max | attack p50 | p99 | max | PONG p99 quiet | attack | memory |",
             "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    for number, turn in enumerate(turns, 1):
        lines.append(f"| {number} | {turn['quiet_p50']:.2f} ms | {turn['quiet']:.2f} | {turn['quiet_max']:.1f} | "
                     f"{turn['attacked_p50']:.2f} | {turn['attacked']:.2f} | {turn['attacked_max']:.1f} | "
                     f"{turn['quiet_pong']:.2f} | {turn['attacked_pong']:.2f} | {turn['rss']:.0f} MiB |")
    lines += ["", "The broker's last lines:", ""] + [f"    {line}" for line in figures["told"]]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description="a crowd, and strangers at the doors")
    parser.add_argument("--users", type=int, default=4000)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--malformed", type=int, default=20000)
    parser.add_argument("--half-open", type=int, default=5000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--warm", type=int, default=WARM_S, metavar="S", help="seconds in which queues come to their size")
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    args.turn_s, args.after_s, args.settings, args.every_ms = int(args.minutes * 30 / args.turns), 30, {}, 1000

    def doors(scene):
        figures = besiege(scene, args, args.warm)
        page = report(args, figures)
        print(page)
        if args.record:
            path = ROOT / f"docs/results/doors-{datetime.date.today()}.md"
            path.write_text(page)
        print(verdict_line(figures), flush=True)
        check(not verdict(figures), "; ".join(verdict(figures)))

    run_cases([doors])


if __name__ == "__main__":
    main()
