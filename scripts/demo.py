#!/usr/bin/python3
"""demo.py - what zchat is for, shown in the terminal with real processes, and verified step by step.

Exit 0 only if everything that is told was seen to happen; else 1, and it says what was not."""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

DEADLINE = 20
ROOM = "#lobby"
WIDTH = 7
_print_lock = threading.Lock()
_has_color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
_colors = {"broker": 90, "logger": 90, "alice": 36, "bob": 33, "carol": 35}


class NotSeen(Exception):
    pass


def paint(code, text):
    return f"\x1b[{code}m{text}\x1b[0m" if _has_color else text


def tell(text=""):
    with _print_lock:
        print(text, flush=True)


def step(number, text):
    tell()
    tell(paint(1, f"{number}. {text}"))


def show(name, text, mark="|"):
    tell(f"  {paint(_colors.get(name, 0), name.ljust(WIDTH))}{mark} {text}")


def seen(text):
    tell(f"  {paint(32, 'seen')}   : {text}")


def wait_until(condition, what):
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)  # polling, with a deadline
    raise NotSeen(what)


def check(claim, what):
    if not claim:
        raise NotSeen(what)


class Process:
    """A program whose lines are shown as they come."""

    def __init__(self, name, args, is_shown=True):
        self.name, self.is_shown, self.lines = name, is_shown, []
        self.popen = subprocess.Popen([str(arg) for arg in args], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                      encoding="utf-8", errors="replace")
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.popen.stdout:
            self.lines.append(line.rstrip("\n"))
            if self.is_shown:
                show(self.name, line.rstrip("\n"))

    def write(self, line):
        self.popen.stdin.write(line + "\n")
        self.popen.stdin.flush()

    def find(self, pattern):
        return next((line for line in list(self.lines) if re.search(pattern, line)), None)

    def wait(self, pattern, what=None):
        return wait_until(lambda: self.find(pattern), what or f"{self.name} shows {pattern!r}")

    def count(self, text):
        return sum(text in line for line in list(self.lines))

    def end(self, number=None):
        """Ask it to end (or wait until it does) and return its exit code."""
        if number is not None and self.popen.poll() is None:
            self.popen.send_signal(number)
        try:
            code = self.popen.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise NotSeen(f"{self.name} ends") from None
        self.reader.join(DEADLINE)
        return code


class Demo:
    def __init__(self, programs, folder):
        self.programs, self.folder = programs, folder
        self.processes, self.people = [], {}
        self.url = self.port = self.broker = None

    def start(self, name, *args, is_shown=True):
        process = Process(name, args, is_shown)
        self.processes.append(process)
        return process

    def start_broker(self):
        self.broker = self.start("broker", self.programs / "zchat-broker", "--data", self.folder / "broker",
                                 "--port", self.port or 0, "--log-level", "warn", is_shown=False)
        line = self.broker.wait("^ready ", "the broker says that it is ready")
        self.url = line.split(" ", 1)[1]
        self.port = int(re.search(r":(\d+)(\?|$)", self.url).group(1))
        show("broker", re.sub(r"(key=.{8}).*", r"\1...", line))

    def zchat(self, nick, *words):
        return [self.programs / "zchat", "--broker", self.url, "--home", self.folder / nick,
                "--nick", nick, *words]

    def run(self, nick, *words):
        """One zchat command to its end; its JSON lines."""
        shown = " ".join(f"'{word}'" if re.search(r"[^\w@.:-]", word) else word for word in words)
        show(nick, f"zchat --nick {nick} {shown}", "$")
        done = subprocess.run([str(arg) for arg in self.zchat(nick, *words)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=DEADLINE)
        check(done.returncode == 0, f"zchat {shown} exits with 0, not {done.returncode}: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def enter(self, nick):
        self.people[nick] = self.start(nick, *self.zchat(nick, "--plain"))
        return self.people[nick]

    def type(self, nick, line):
        show(nick, line, ">")
        self.people[nick].write(line)

    def everybody_sees(self, text, but=()):
        for nick, process in self.people.items():
            if nick not in but:
                process.wait(re.escape(text), f"{nick} sees '{text}'")

    def history(self, nick, stream):
        done = subprocess.run([str(arg) for arg in self.zchat(nick, "history", stream, "-n", "10000", "--json")],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=DEADLINE)
        check(done.returncode == 0, f"zchat history {stream} exits with 0: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    # What is shown

    def one_broker_three_clients(self):
        step(1, "A broker, a logger, three clients")
        self.start_broker()
        logger = self.start("logger", self.programs / "zchat-logger", "--out", self.folder / "log",
                            "--broker", self.url, "--home", self.folder / "logger", is_shown=False)
        show("logger", logger.wait("^logging to ").replace(str(self.folder) + "/", ""))
        for nick in ("alice", "bob", "carol"):
            self.enter(nick)
            self.type(nick, f"/join {ROOM}")
            self.people[nick].wait(f"{nick} joined", f"{nick} is in {ROOM}")
        wait_until(lambda: {row["nick"] for row in self.members("alice")} == {"alice", "bob", "carol"},
                   f"three people are in {ROOM}")
        seen(f"three people online in {ROOM}")

    def members(self, seen_by):
        done = subprocess.run([str(arg) for arg in self.zchat(seen_by, "who", ROOM, "--json")],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=DEADLINE)
        check(done.returncode == 0, f"zchat who exits with 0: {done.stderr}")
        return [row for row in map(json.loads, done.stdout.splitlines()) if row["state"] == "online"]

    def room_chat(self):
        step(2, "Room chat")
        for nick, text in (("alice", "good morning, everybody"), ("bob", "morning! coffee is ready"),
                           ("carol", "on my way")):
            self.type(nick, text)
            self.everybody_sees(text)
        seen("everybody has all three messages")

    def private_message(self):
        step(3, "A private message with its receipt")
        text = "the surprise is for carol, so not a word"
        sent = self.run("alice", "send", "@bob", text, "--wait", "delivered", "--json")
        show("alice", json.dumps(sent[-1]))
        check(sent[-1]["state"] == "delivered", "the receipt came")
        self.people["bob"].wait(re.escape(text), "bob sees the private message")
        receipts = [event for event in self.history("alice", "@alice") if event["type"] == "receipt"]
        check(any(event["from"] == "bob" and event["upto"] >= sent[-1]["seq"] for event in receipts),
              "bob's receipt stands in alice's stream")
        check(self.people["carol"].count(text) == 0, "carol does not see it")
        seen("bob has it, alice has his receipt, carol has nothing")

    def message_to_someone_offline(self):
        step(4, "A message to someone offline")
        self.type("carol", "/quit")
        check(self.people.pop("carol").end() == 0, "carol's client ends with 0")
        wait_until(lambda: "carol" not in {row["nick"] for row in self.members("bob")},
                   "carol is gone")
        text = "carol, your tea is getting cold"
        sent = self.run("bob", "send", "@carol", text, "--json")
        check(sent[-1]["state"] == "stored", "the message is stored")
        show("bob", json.dumps(sent[-1]))
        tell("  carol comes back")
        self.enter("carol").wait(re.escape(text), "carol sees the message at login")
        wait_until(lambda: any(event["type"] == "receipt" and event["from"] == "carol"
                               for event in self.history("bob", "@bob")), "bob has carol's receipt")
        seen("carol has it as soon as she is back, and bob has her receipt")

    def broker_killed(self):
        step(5, "The broker is killed and restarted under them")
        acknowledged = [f"{nick} counts 1" for nick in ("alice", "bob")]
        in_flight = [f"{nick} counts 2" for nick in ("alice", "bob")]
        during = [f"{nick} counts {number}" for number in (3, 4) for nick in ("alice", "bob", "carol")]
        for text in acknowledged:
            self.type(text.split()[0], text)
            self.everybody_sees(text)
        for text in in_flight:
            self.type(text.split()[0], text)
        self.broker.popen.send_signal(signal.SIGKILL)
        check(self.broker.end() == -signal.SIGKILL, "the broker dies by SIGKILL")
        show("broker", "killed (SIGKILL)")
        for text in during:
            self.type(text.split()[0], text)
        self.start_broker()
        texts = acknowledged + in_flight + during
        for text in texts:
            self.everybody_sees(text)
        stored = [event["text"] for event in self.history("alice", ROOM) if event["type"] == "message"]
        for text in texts:
            check(stored.count(text) == 1, f"'{text}' is stored once, not {stored.count(text)} times")
        for nick in ("alice", "bob"):
            own = [text for text in stored if text.startswith(f"{nick} counts")]
            check(own == sorted(own), f"{nick}'s messages are in order: {own}")
        for nick, process in self.people.items():
            for text in texts:
                if not text.startswith(nick):
                    check(process.count(text) == 1, f"{nick} sees '{text}' once, not {process.count(text)} times")
        seen(f"all {len(texts)} messages, those typed while it was dead too: each once, in order")

    def log(self):
        step(6, "The logger's log")
        path = self.folder / "log" / "%23lobby.jsonl"
        stored = self.history("alice", ROOM)
        wait_until(lambda: path.exists() and len(path.read_text().splitlines()) >= len(stored),
                   "the log has every event")
        events = [json.loads(line) for line in path.read_text().splitlines()]
        for event in events[-4:]:
            show("logger", json.dumps({key: event[key] for key in ("stream", "seq", "from", "text")
                                       if key in event}))
        check([event["seq"] for event in events] == list(range(1, len(events) + 1)), "the log has no gap")
        check(events == stored, "the log holds what the broker holds")
        seen(f"%23lobby.jsonl has events 1 to {len(events)}, none missing, none twice")

    def stop(self):
        step(7, "The end")
        for nick, process in self.people.items():
            process.write("/quit")
        for nick, process in self.people.items():
            check(process.end() == 0, f"{nick}'s client ends with 0")
        logger = next(process for process in self.processes if process.name == "logger")
        check(logger.end(signal.SIGTERM) == 0, "the logger ends with 0")
        check(self.broker.end(signal.SIGTERM) == 0, "the broker ends with 0")
        seen("everybody ended well")

    def clean_up(self):
        for process in self.processes:
            if process.popen.poll() is None:
                process.popen.kill()
            process.popen.wait()

    def report(self):
        for process in self.processes:
            if process.name in ("broker", "logger") and process.lines:
                for line in process.lines[-8:]:
                    show(process.name, line)


def how_to_go_on(programs):
    tell()
    tell("All of it was seen to happen. To go on:")
    tell()
    tell(f"  {programs}/zchat-broker                     # a broker on 127.0.0.1")
    tell(f"  {programs}/zchat --nick alice               # in another terminal; /help tells the commands")
    tell(f"  {programs}/zchat --nick bob send '#lobby' hello")
    tell("  README.md tells how to use several machines; scripts/dev lists the verbs for developers")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="the folder of the built programs")
    args = parser.parse_args()
    begin = time.monotonic()
    for name in [name for name in os.environ if name.startswith("ZCHAT_")]:
        del os.environ[name]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="zchat-demo-"))
    (folder / "run").mkdir(mode=0o700)
    os.environ.update(XDG_RUNTIME_DIR=str(folder / "run"), LC_ALL="C.UTF-8")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    demo = Demo(args.programs.resolve(), folder)
    try:
        demo.one_broker_three_clients()
        demo.room_chat()
        demo.private_message()
        demo.message_to_someone_offline()
        demo.broker_killed()
        demo.log()
        demo.stop()
    except (NotSeen, OSError, ValueError, LookupError, subprocess.SubprocessError) as problem:
        demo.report()
        tell()
        tell(paint(31, f"not seen: {problem}"))
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        demo.clean_up()
        shutil.rmtree(folder, ignore_errors=True)
    tell(f"\n({time.monotonic() - begin:.1f} s)")
    how_to_go_on(os.path.relpath(args.programs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
