#!/usr/bin/python3
"""soak.py - a broker under 30 % of what it can carry, with faults beside it, for hours: does its memory grow?

  scripts/dev soak
      --hours H, --minutes M   the window in which memory is watched (2 hours)
      --load PART              of the capacity (0.3)
      --users N                the crowd, ten in a room (200)
      --seed N                 of the faults
      --state FILE             a JSON object a line: samples and faults (build/soak-state.jsonl)
      --record                 write docs/results/soak-DATE.md and .svg

What the crowd can post when each user waits only for its own answer is the capacity. Then, at the part of it: the window, with
faults; then the broker is killed some times. Every acknowledged post has to stand in the archive once, in one order, all along.
SIGTERM ends it early, and what there is is told.

Exit: 0 all held, 1 something did not, 3 it was stopped early."""
import argparse
import atexit
import collections
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sys
import threading
import time

import wire  # noqa: F401  makes zchat_test known
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "hostile"))
# pylint: disable=wrong-import-position
import soak_report  # noqa: E402
from doors import Crowd, crowd_program  # noqa: E402
from metrics import Page  # noqa: E402
from soak_check import CROWD, Archive, Growing, Join, Order, Problems, core  # noqa: E402
from soak_faults import SCRATCH, Faults, Talk  # noqa: E402
from zchat_test import ALARM, ROOT, Failed, Person, Process, Scene, _end_all, check, equal, program, wait_until  # noqa: E402

ROOM_SIZE = 10
SAMPLE_S = 10
KEPT_LINES = 200
EVENT_BYTES = 350  # of one in the broker's database, with its index
WITHOUT_JUDGEMENT_S = 1800  # memory's slope over less tells nothing
MAPPING_KB = 100  # smaller ones are not told one by one
PATIENCE_S = 300  # the machine may be busy with other work


class Bounded(Process):
    """A process whose last lines alone are kept, however long it runs; `on_line` is given each of stdout."""

    def __init__(self, *args, **more):
        self.seen = collections.Counter()  # events of the log on stderr
        self.alarms, self.on_line, self._dropped = [], None, {"out": 0, "err": 0}
        super().__init__(*args, **more)

    def _read(self, kind, pipe):
        with pipe as raw, open(raw.fileno(), "rb", closefd=False) as buffered:
            for data in buffered:
                self._take(kind, data.rstrip(b"\n").decode("utf-8", "backslashreplace"))
        with self._news:
            self._open -= 1
            self._news.notify_all()

    def _take(self, kind, line):
        if kind == "err":
            event = re.search(r" ([a-z]+\.[a-z_]+)( |$)", line)
            self.seen[event.group(1) if event else ""] += 1
            if ALARM.search(line):
                self.alarms.append(line)
        elif self.on_line is not None:
            try:
                self.on_line(line)
            except (ValueError, LookupError, TypeError) as problem:  # whoever reads its pipe must not end
                self.alarms.append(f"{type(problem).__name__}: {problem} on {line[:200]}")
        with self._news:
            lines, times = self._lines[kind], self._times[kind]
            lines.append(line)
            times.append(time.monotonic())
            if len(lines) > 2 * KEPT_LINES:
                self._dropped[kind] += KEPT_LINES
                del lines[:KEPT_LINES], times[:KEPT_LINES]
            self._news.notify_all()


class LongScene(Scene):
    """One whose processes do not add up in memory."""

    def start(self, args, name, stdin=None, cwd=None, user=None, env=None):
        environment = self.environment()
        environment.update(env or {})
        process = Bounded(args, environment, name, stdin=stdin, cwd=cwd, user=user)
        self.processes.append(process)
        return process

    def forget(self, process):
        """One that has ended."""
        self.check_silent(process)
        self.processes.remove(process)

    def check_silent(self, process):
        check(not process.alarms, f"{process.name}: {process.alarms[:3]}")


class Soak:
    def __init__(self, scene, options):
        self.scene, self.options, self.users = scene, options, options.users
        self.problems = Problems()
        self.state = open(options.state, "w", encoding="utf-8")
        self.state_lock = threading.Lock()
        self.begin = time.monotonic()
        self.is_short = options.seconds < WITHOUT_JUDGEMENT_S
        self.longest_s = 4 if self.is_short else 20  # that somebody stands still or is away
        self.rooms = [f"#{CROWD}room{number}" for number in range(self.users // ROOM_SIZE)]
        self.samples, self.latencies, self.crowd_lines = [], [], collections.deque(maxlen=600)
        self.figures = {"capacity": 0, "rate": 0, "kills": 0, "waits": []}
        self.phase, self.threads = "start", []
        self.is_stopped = False
        self.is_judging = True
        self.settings = {"account_rate": 1000, "account_burst": 2000, "keep_size": "64M"}

    # Telling

    def note(self, **fields):
        with self.state_lock:
            self.state.write(json.dumps({"t": round(time.monotonic() - self.begin, 1), "phase": self.phase, **fields}) + "\n")
            self.state.flush()

    def tell(self, text):
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    # Who takes part

    def configure(self, **changes):
        self.settings.update(changes)
        path = self.scene.folder / "broker.conf"
        path.write_text("".join(f"{key.replace('_', '-')} = {value}\n" for key, value in self.settings.items()))
        return path

    def start_broker(self):
        self.broker = self.scene.broker("--config", self.configure(), "--metrics", "127.0.0.1:0")
        self.page = Page(self.broker)

    def start_people(self):
        nicks = ["owner", "burster", "late", "watcher", "slow0", "slow1", "slow2", "erin", "frank", "grace", "heidi"]
        self.people = {nick: Person(self.scene, nick, self.broker.url) for nick in nicks}
        owner = self.people["owner"]
        owner.url = f"@{self.broker.data / 'owner.url'}"
        owner.ok("ping")
        owner.url = self.broker.url
        owner.ok("join", SCRATCH)
        self.people["burster"].ok("join", self.rooms[4])
        for nick in nicks[7:]:
            self.people[nick].ok("ping")

    def start_reader(self, nick, stream, on_event, *words):
        process = self.people[nick].tail(stream, *words)
        process.on_line = lambda line: on_event(json.loads(line))
        return process

    def start_logger(self, name, rooms=None):
        return self.scene.logger(self.broker, "--streams", ",".join(rooms or [f"#{CROWD}room*"]), "--rotate", "2M",
                                 "--keep", "20", "--nick", name, name=name)

    def start_readers(self):
        """Everything they have is compared with the archive."""
        self.acks = Join("acknowledgements and archive", self.problems)
        self.second_join = Join("both archives", self.problems)
        self.tails = {}

        def on_first(room, event):
            place = room, event["seq"]
            if event["from"].startswith(CROWD):
                self.acks.take(1, place, (int(event["session"], 16), event["number"]))
            if room in self.rooms[:5]:
                self.second_join.take(0, place, core(event))
            if room in self.tails:
                self.tails[room].take(0, place, core(event))

        self.archive = Archive("archive", self.scene.folder / "archiver-out", self.rooms, self.problems, on_first)
        self.second_archive = Archive("second archive", self.scene.folder / "second-out", self.rooms[:5], self.problems,
                                      lambda room, event: self.second_join.take(1, (room, event["seq"]), core(event)))
        self.slow = []
        for nick, room in zip(("watcher", "slow0", "slow1", "slow2"), self.rooms):
            process = self.start_reader(nick, room, self._follower(nick, room), "--since", "all")
            if nick == "watcher":
                self.watcher = process
            else:
                self.slow.append(process)
        self.archiver = self.start_logger("archiver")
        self.second = self.start_logger("second", self.rooms[:5])

    def _follower(self, nick, room):
        order = Order(f"{nick} in {room}", self.problems)
        self.tails[room] = Join(f"{nick} and archive", self.problems)

        def on_event(event):
            if order.take(event):
                self.tails[room].take(1, (room, event["seq"]), core(event))
        return on_event

    def start_crowd(self):
        self.crowd = Crowd(self.scene, self.broker, self.users, 10, room_size=ROOM_SIZE)
        self.crowd.process.on_line = self._on_crowd
        wait_until(lambda: self.crowd_lines and self.crowd_lines[-1][1]["in"] == self.users, "the crowd is in", PATIENCE_S)

    def _on_crowd(self, line):
        told = json.loads(line)
        self.latencies += told.pop("acks")
        self.crowd_lines.append((time.monotonic(), told))

    def start(self):
        self.start_broker()
        self.start_people()
        owner = self.people["owner"]
        for room in self.rooms:  # so that readers find them
            owner.ok("room", "create", room)
        self.start_readers()
        self.start_crowd()
        self.talks = [Talk(self, *pair, 2) for pair in (("erin", "frank"), ("frank", "erin"), ("grace", "heidi"), ("heidi", "grace"))]
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self._judge_all_along, self._talk)]
        for thread in self.threads:
            thread.start()

    def _judge_all_along(self):
        """Archives and acknowledgements as they grow."""
        acks, freed = Growing(self.crowd.acks), time.monotonic()
        while self.is_judging:
            try:
                count = self.archive.poll() + self.second_archive.poll()
                lines = acks.lines()
                for line in lines:
                    room, seq, session, number = line.decode().split()
                    self.acks.take(0, (room, int(seq)), (int(session), int(number)))
                if time.monotonic() > freed + 60:
                    acks.free_what_was_read()
                    freed = time.monotonic()
            except (OSError, ValueError, LookupError) as problem:
                self.problems.tell(f"the archives cannot be judged: {type(problem).__name__}: {problem}")
                return
            if not count and not lines:
                time.sleep(0.1)
            else:
                time.sleep(0.02)

    def _talk(self):
        while self.phase not in ("end", "over"):
            for talk in self.talks:
                try:
                    talk.say()
                except (Failed, OSError, ValueError) as problem:
                    self.problems.tell(f"{talk.sender} cannot write: {problem}")
                    return
            time.sleep(0.5)

    # Measuring

    def ask_figures(self):
        """On a machine that is busy it may take more than one question."""
        for _ in range(20):
            try:
                return self.page.figures()
            except OSError as problem:
                why = problem
                time.sleep(1)
        raise why

    def sample(self):
        row = {"at": round(time.monotonic() - self.window_begin, 1)}
        for name, process in (("broker", self.broker.process), ("logger", self.archiver), ("client", self.watcher)):
            row.update({f"{name}_{key}": value for key, value in memory_of(process.pid).items()})
        row["broker_mappings"] = mappings_of(self.broker.process.pid)
        figures = self.ask_figures()
        row["broker_allocated_mb"] = figures["allocated_bytes"] / 2**20
        row["data_mb"] = size_of(self.broker.data) / 1e6
        row["database_mb"], row["wal_mb"] = figures["database_bytes"] / 1e6, figures["wal_bytes"] / 1e6
        row["connections"], row["sessions"] = figures["connections"], figures["sessions"]
        latencies, self.latencies = sorted(self.latencies), []
        row["p50_ms"], row["p99_ms"] = (latencies[int(len(latencies) * part)] / 1000 if latencies else None for part in (0.5, 0.99))
        row["acked"], row["problems"] = self.crowd_lines[-1][1]["acked"], self.problems.count
        row["archived"], row["behind"] = self.archive.events, max(self.acks.left())
        row["load"] = os.getloadavg()[0]
        self.samples.append(row)
        self.note(**row)
        return row

    def descriptors(self):
        return {name: memory_of(process.pid)["fds"] for name, process in
                (("broker", self.broker.process), ("logger", self.archiver), ("client", self.watcher))}

    def wait(self, seconds):
        """False when it was stopped."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.is_stopped:
            time.sleep(min(0.2, max(0.0, end - time.monotonic())))
        return not self.is_stopped

    def measure_capacity(self, seconds):
        """The best five seconds: what the machine does besides is no limit of ours."""
        self.phase = "capacity"
        begin = time.monotonic() + 2
        self.crowd.order("rate 1000000")
        self.wait(seconds + 2)
        lines = [(at, told["acked"]) for at, told in self.crowd_lines if at >= begin]
        rates = [(after[1] - before[1]) / (after[0] - before[0]) for before, after in zip(lines, lines[5:])]
        check(rates, "the capacity could not be measured")
        self.figures["capacity"] = max(rates)
        self.figures["capacity_mean"] = (lines[-1][1] - lines[0][1]) / (lines[-1][0] - lines[0][0])
        self.figures["rate"] = int(max(rates) * self.options.load)
        self.crowd.order(f"rate {self.figures['rate']}")
        keep_mb = max(8, int(self.figures["rate"] * EVENT_BYTES * (40 if self.is_short else 240) / (1 << 20)))
        self.configure(keep_size=f"{keep_mb}M")
        self.broker.process.signal(signal.SIGHUP)
        self.figures["keep_mb"] = keep_mb
        self.tell(f"capacity {max(rates):.0f} posts/s (mean {self.figures['capacity_mean']:.0f}); the load is "
                  f"{self.figures['rate']} posts/s, the broker keeps {keep_mb} MiB")

    def touch_what_opens_later(self):
        """Connections to the database are opened at the first question: before descriptors are counted."""
        owner = self.people["owner"]
        owner.ok("admin", "backup", "soak-0", "--timeout", "300s", timeout=400)
        owner.ok("search", "line", "-n", "5", "--timeout", "60s", timeout=120)
        for _ in range(4):
            owner.ok("history", self.rooms[3], "-n", "20", timeout=120)
        self.wait(5)

    def soak(self):
        """The window: faults, and a sample every ten seconds."""
        options = self.options
        self.touch_what_opens_later()
        self.window_begin = time.monotonic()
        self.faults = Faults(self, options.seed, 2 if self.is_short else 8)
        self.figures["fds_before"], self.figures["pid"] = self.descriptors(), self.broker.process.pid
        kinds = descriptors_by_kind(self.broker.process.pid)
        self.figures["at_begin"] = self.crowd_lines[-1][1]
        self.phase = "window"
        self.faults.start()
        told = 0
        for turn in range(1, int(options.seconds / SAMPLE_S) + 1):
            if not self.wait(self.window_begin + turn * SAMPLE_S - time.monotonic()):
                break
            row = self.sample()
            if turn * SAMPLE_S >= told + 60:
                told = turn * SAMPLE_S
                self.tell_progress(row)
        self.figures["at_end"] = self.crowd_lines[-1][1]
        self.figures["window_s"] = time.monotonic() - self.window_begin
        self.phase = "calm"
        self.faults.stop()
        self.figures["limited"] = {key: value for key, value in self.ask_figures().items() if "refus" in key or "drop" in key}
        equal(self.broker.process.pid, self.figures["pid"], "the broker's process, all along")
        self.figures["fds_after"] = self.descriptors_when_calm()
        self.figures["fds_more"] = dict(descriptors_by_kind(self.broker.process.pid) - kinds)
        self.note(descriptors=self.figures["fds_after"], more=self.figures["fds_more"])

    def descriptors_when_calm(self):
        """What faults had opened is closed after its time; what is not is leaked."""
        before = self.figures["fds_before"]
        end = time.monotonic() + (0 if self.is_stopped else 90)
        while True:
            now = self.descriptors()
            if all(now[name] <= before[name] for name in now) or time.monotonic() > end:
                return now
            time.sleep(1)

    def tell_progress(self, row):
        self.tell(f"{row['at'] / 60:.0f} min: broker {row['broker_rss_mb']:.1f} MB ({row['broker_anon_mb']:.1f} its own), logger "
                  f"{row['logger_rss_mb']:.1f}, client {row['client_rss_mb']:.1f}; {row['broker_fds']} descriptors; data "
                  f"{row['data_mb']:.0f} MB; ack p50 {row['p50_ms'] or 0:.1f} p99 {row['p99_ms'] or 0:.1f} ms; {row['acked']} acked, "
                  f"{row['behind']} on their way; {sum(self.faults.counts.values())} faults; {self.problems.count} problems; "
                  f"load {row['load']:.1f}")

    def kill_broker(self):
        """Behind the window: a restart would hide what grew."""
        self.phase = "kills"
        rng = random.Random(self.options.seed)
        seconds = 45 if self.is_short else 180
        end, least = time.monotonic() + seconds, 3
        while (time.monotonic() < end or self.figures["kills"] < least) and not self.is_stopped:
            self.wait(rng.uniform(2, seconds / 6))
            cut = self.crowd_lines[-1][1]["cut"]
            begin = time.monotonic()
            self.broker.kill9()
            self.scene.forget(self.broker.process)
            self.broker.start()
            wait_until(lambda cut=cut: self.crowd_lines[-1][1]["cut"] > cut and self.crowd_lines[-1][1]["in"] == self.users,
                       f"all are back: {self.crowd_lines[-1][1]}", PATIENCE_S)
            self.figures["kills"] += 1
            self.figures["waits"].append(time.monotonic() - begin)
            self.note(kill=self.figures["kills"], back=round(self.figures["waits"][-1], 2))

    def finish(self):
        """No more posts; everything that was said has to be everywhere."""
        self.phase = "end"
        self.crowd.order("stop")
        equal(self.crowd.process.wait_exit(PATIENCE_S), 0, "exit code of the crowd")
        last = self.crowd_lines[-1][1]
        self.figures["last"] = last
        equal(last["acked"], last["posted"], "posts that were acknowledged in the end")
        time.sleep(1)  # nobody writes any more
        for talk in self.talks:
            talk.finish()
        joins = [self.acks, self.second_join, *self.tails.values()]
        try:
            wait_until(lambda: self.problems.count or self.acks.agreed == last["acked"] and
                       all(join.left() == (0, 0) for join in joins), "all is archived and shown", PATIENCE_S)
        except Failed as problem:
            self.problems.tell(f"{problem}: " + ", ".join(f"{join.name} {join.left()}" for join in joins))
        self.is_judging = False
        self.acks.judge(("acknowledged", "archived"))
        self.second_join.judge(("in the first", "in the second"))
        for join in self.tails.values():
            join.judge(("in the archive", "shown"))
        for process in (self.watcher, *self.slow, *(talk.inbox for talk in self.talks)):
            check(process.is_running(), f"{process.name} has ended: {process.told()}")
        for logger in (self.archiver, self.second):
            equal(logger.stop(PATIENCE_S), 0, f"exit code of {logger.name}")
        equal(self.broker.process.stop(PATIENCE_S), 0, "exit code of the broker")
        self.check_data()
        for process in self.scene.processes:
            self.scene.check_silent(process)
        self.phase = "over"

    def rest(self):
        """However it ended, nobody writes or judges while the scene is cleared."""
        self.figures["phase"], self.phase, self.is_judging = self.phase, "over", False
        for thread in self.threads:
            thread.join(60)

    def check_data(self):
        """What is on the disk is sound, and so is the last backup."""
        backups = sorted((self.broker.data / "backups").glob("soak-*"))
        folders = [self.broker.data]
        if backups:
            folders.append(self.scene.folder / "restored")
            result = self.scene.run([program("zchat-broker"), "--restore", backups[-1], "--data", folders[1]], timeout=PATIENCE_S)
            equal(result.code, 0, f"exit code of --restore: {result}")
        for folder in folders:
            result = self.scene.run([program("zchat-broker"), "--check-data", "--data", folder], timeout=PATIENCE_S)
            check(result.code == 0 and result.out.startswith(b"sound: "), f"--check-data: {result}")
        self.figures["sound"] = len(folders)


def keep_programs(folder):
    """Copies, which nobody builds anew while they run."""
    for name in ("zchat-broker", "zchat", "zchat-logger"):
        (folder / "bin").mkdir(exist_ok=True)
        shutil.copy2(program(name), folder / "bin" / name)
    (folder / "tests/hostile").mkdir(parents=True)
    shutil.copy2(crowd_program(), folder / "tests/hostile/crowd")
    os.environ["ZCHAT_BIN"] = str(folder / "bin")


def size_of(folder):
    """Bytes of all files below it; some may go while one looks."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


def memory_of(pid):
    values = dict(re.findall(r"^(\w+):\s+(\d+) kB$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M))
    return {"rss_mb": int(values["VmRSS"]) / 1024, "anon_mb": int(values["RssAnon"]) / 1024,
            "file_mb": int(values["RssFile"]) / 1024, "fds": len(os.listdir(f"/proc/{pid}/fd"))}


def mappings_of(pid):
    """{address: MB of its own}, of those that have some: which heap it is that grows."""
    found = re.findall(r"^([0-9a-f]+)-[0-9a-f]+ |^Anonymous: +(\d+) kB$", pathlib.Path(f"/proc/{pid}/smaps").read_text(), re.M)
    own, address = {}, ""
    for begin, kilobytes in found:
        address = begin or address
        if int(kilobytes or 0) >= MAPPING_KB:
            own[address] = int(kilobytes) / 1024
    return own


def descriptors_by_kind(pid):
    """What the descriptors are, as file names without the numbers that tell them apart."""
    kinds = collections.Counter()
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            kinds[re.sub(r"\[?\d+\]?", "", os.readlink(link))] += 1
        except FileNotFoundError:
            pass  # closed while we look
    return kinds


def run(scene, options):
    soak = Soak(scene, options)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: setattr(soak, "is_stopped", True))
    soak.tell(f"programs: {program('zchat-broker')}; data in {scene.folder}; state in {options.state}")
    try:
        soak.start()
        soak.measure_capacity(10 if soak.is_short else 20)
        soak.soak()
        if not soak.is_stopped:
            soak.kill_broker()
            soak.finish()
    except (Failed, OSError, ValueError, LookupError) as problem:
        soak.problems.tell(f"in phase {soak.phase}: {type(problem).__name__}: {problem}")
        scene.report()
    soak.rest()
    return soak


def main():
    parser = argparse.ArgumentParser(prog="scripts/dev soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=2)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--load", type=float, default=0.3)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--state", type=pathlib.Path, default=ROOT / "build/soak-state.jsonl")
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    options.seconds = options.minutes * 60 if options.minutes else options.hours * 3600
    if options.users % ROOM_SIZE or options.users < 6 * ROOM_SIZE:
        parser.error(f"--users: at least {6 * ROOM_SIZE}, {ROOM_SIZE} in a room")
    os.environ["ZCHAT_HOSTILE"] = "0"  # who listens to everything for two hours keeps too much
    atexit.register(_end_all)
    scene = LongScene("soak")
    keep_programs(scene.folder)
    alarms = []
    try:
        soak = run(scene, options)
    finally:
        alarms = scene.close(True)
    for alarm in alarms:
        soak.problems.tell(alarm)
    wrong = soak_report.verdict(soak)
    page = soak_report.page(soak, wrong)
    print(page)
    if options.record:
        soak_report.record(soak, page)
    sys.exit(1 if wrong else 3 if soak.is_stopped else 0)


if __name__ == "__main__":
    main()
