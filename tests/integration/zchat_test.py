"""zchat_test.py - real processes for the integration tests.

A test is a function with @test that gets a Scene: a temporary folder, and the brokers, people and
loggers that run in it. When the test ends, whatever way, the Scene ends them by their process ids, looks
through what they said for a sanitizer's report, and removes the folder. If the test process itself
is killed, the kernel ends them.

run_tests() prints TAP, and its exit code is the program's: 0, 1, or 77 when nothing could be tried.
Programs are taken from $ZCHAT_BIN, else from the newest build/*/bin that holds the broker.
$ZCHAT_SLOW multiplies every deadline; $ZCHAT_KEEP=1 keeps the folders of failed tests. Somebody hostile listens to
every broker's broadcasts and is shown nothing private (ears.py); ZCHAT_HOSTILE=0 leaves that out."""
import atexit
import ctypes
import io
import json
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
SLOW = float(os.environ.get("ZCHAT_SLOW", "1"))
DEADLINE = 60 * SLOW  # nobody waits so long where all is well; others may be at work on this machine
# A CHECK of its own is no report: it fails when a test takes its memory away.
ALARM = re.compile(r"AddressSanitizer(?!: CHECK failed: sanitizer_)|LeakSanitizer|ThreadSanitizer|runtime error:|INVARIANT|"
                   r"invariant failed|Assertion .* failed")
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_processes = []
_tests = []


class Failed(Exception):
    """A claim of a test is not true."""


class Skipped(Exception):
    """This machine cannot run the test; the text says what is missing."""


def fail(text):
    raise Failed(text)


def check(claim, text):
    if not claim:
        raise Failed(text)


def equal(got, want, about):
    if got != want:
        raise Failed(f"{about}: got {shorten(got)}, want {shorten(want)}")


def shorten(value, limit=700):
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit // 2]} ... {text[-limit // 2:]}"


def wait_until(condition, about, timeout=None):
    """Poll until condition() is true and return its value."""
    timeout = DEADLINE if timeout is None else timeout * SLOW
    end = time.monotonic() + timeout
    pause = 0.01
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"after {timeout:.0f} s still not: {about}")
        time.sleep(pause)
        pause = min(1.5 * pause, 0.1)  # what takes seconds leaves the machine to those it waits for


def bin_folder():
    given = os.environ.get("ZCHAT_BIN")
    if given:
        return pathlib.Path(given)
    found = [path for path in ROOT.glob("build/*/bin/zchat-broker") if (path.parent / "zchat").exists()]
    found.sort(key=lambda path: path.stat().st_mtime)
    check(found, "no program is built: set ZCHAT_BIN or build the dev preset")
    return found[-1].parent


def is_sanitized(pid):
    """A sanitizer keeps what was freed for a while: memory tells nothing then."""
    return re.search("lib[at]san", pathlib.Path(f"/proc/{pid}/maps").read_text(encoding="ascii")) is not None


def program(name):
    path = bin_folder() / name
    check(path.exists(), f"{path} is not built")
    return str(path)


def _child():
    """In the child: when the test process dies, so does this one."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Process:
    """A program in the background. Its lines can be waited for while it runs; nothing blocks
    without a deadline, and nothing it writes is lost."""

    def __init__(self, args, env, name, stdin=None, cwd=None, user=None):
        self.name = name
        self.args = [str(arg) for arg in args]
        self._news = threading.Condition()
        self._lines = {"out": [], "err": []}
        self._times = {"out": [], "err": []}
        self._open = 2
        self.on_write = None  # told what is written to it
        self.popen = subprocess.Popen(
            self.args, env=env, cwd=cwd, bufsize=0, preexec_fn=_child, user=user, group=user,
            extra_groups=[] if user is not None else None,
            stdin=subprocess.PIPE if stdin is None else stdin, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        _processes.append(self)
        for kind, pipe in (("out", self.popen.stdout), ("err", self.popen.stderr)):
            threading.Thread(target=self._read, args=(kind, pipe), daemon=True).start()

    def _read(self, kind, pipe):
        with io.BufferedReader(pipe) as buffered:
            for line in buffered:
                with self._news:
                    self._lines[kind].append(line.rstrip(b"\n").decode("utf-8", "backslashreplace"))
                    self._times[kind].append(time.monotonic())
                    self._news.notify_all()
        with self._news:
            self._open -= 1
            self._news.notify_all()

    @property
    def pid(self):
        return self.popen.pid

    @property
    def out(self):
        with self._news:
            return list(self._lines["out"])

    @property
    def err(self):
        with self._news:
            return list(self._lines["err"])

    @property
    def out_times(self):
        """When each line of stdout came (time.monotonic())."""
        with self._news:
            return list(self._times["out"])

    def out_count(self):
        with self._news:
            return len(self._lines["out"])

    def is_running(self):
        return self.popen.poll() is None

    def json(self):
        return [json.loads(line) for line in self.out]

    def write(self, text):
        data = text if isinstance(text, bytes) else text.encode()
        if self.on_write is not None:
            self.on_write(data)
        try:
            view = memoryview(data)
            while view:
                view = view[self.popen.stdin.write(view):]
        except BrokenPipeError:
            raise Failed(f"{self.name} does not read its standard input any more: {self.told()}")

    def write_behind(self, data):
        """Write from a thread and close: for more than a pipe holds."""
        def work():
            try:
                view = memoryview(data)
                while view:
                    view = view[self.popen.stdin.write(view):]
            except (BrokenPipeError, ValueError):
                pass
            self.close_stdin()
        threading.Thread(target=work, daemon=True).start()

    def close_stdin(self):
        try:
            self.popen.stdin.close()
        except BrokenPipeError:
            pass

    def _wait(self, condition, about, timeout):
        timeout = DEADLINE if timeout is None else timeout * SLOW
        end = time.monotonic() + timeout
        with self._news:
            while True:
                value = condition()
                if value:
                    return value
                left = end - time.monotonic()
                is_over = self.popen.poll() is not None and self._open == 0
                if left <= 0 or is_over:
                    break
                self._news.wait(min(left, 0.2))
        why = f"it ended with {self.popen.returncode}" if is_over else f"after {timeout:.0f} s"
        raise Failed(f"{self.name}: no {about}; {why}; {self.told()}")

    def wait_line(self, what, timeout=None, where="out", start=0):
        """The first line of index >= start that `what` (a part, a pattern or a function) finds."""
        def found():
            for line in self._lines[where][start:]:
                if what(line) if callable(what) else \
                        what.search(line) if isinstance(what, re.Pattern) else what in line:
                    return line
            return None
        return self._wait(found, f"line with {what!r} on std{where}", timeout)

    def wait_count(self, count, timeout=None):
        """Until there are that many lines on stdout."""
        self._wait(lambda: len(self._lines["out"]) >= count, f"{count} lines", timeout)

    def wait_event(self, timeout=None, **fields):
        """The first JSON object on stdout that has these fields."""
        def matches(line):
            event = json.loads(line)
            return all(event.get(key) == value for key, value in fields.items())
        return json.loads(self.wait_line(matches, timeout))

    def wait_exit(self, timeout=None):
        timeout = DEADLINE if timeout is None else timeout * SLOW
        try:
            code = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} still runs after {timeout:.0f} s; {self.told()}") from None
        with self._news:  # a grandchild may hold a pipe: do not wait for its end for ever
            end = time.monotonic() + 5
            while self._open > 0 and time.monotonic() < end:
                self._news.wait(0.2)
        return code

    def signal(self, number):
        if self.is_running():
            self.popen.send_signal(number)

    def kill9(self):
        self.signal(signal.SIGKILL)
        return self.wait_exit()

    def stop(self, timeout=None):
        self.signal(signal.SIGTERM)
        return self.wait_exit(timeout)

    def told(self):
        out, err = self.out, self.err
        return f"{len(out)} lines out, last {shorten(out[-3:])}; err {shorten(err[-6:], 1500)}"

    def destroy(self):
        if self.is_running():
            self.popen.kill()
        self.popen.wait()
        if self.popen.stdin is not None:
            self.close_stdin()


class Result:
    """What a finished command said."""

    def __init__(self, args, code, out, err):
        self.args, self.code, self.out, self.err = args, code, out, err

    def lines(self):
        return self.out.decode().splitlines()

    def json(self):
        return [json.loads(line) for line in self.lines()]

    def __repr__(self):
        return (f"{shlex.join(self.args[-8:])} -> {self.code}, out {shorten(self.out)}, "
                f"err {shorten(self.err, 1500)}")


class Broker:
    """A broker on a port of its own that it keeps over restarts. Not started yet."""

    def __init__(self, scene, options=(), config=None, address="127.0.0.1", prefix=(), data=None,
                 name="broker"):
        self.scene, self.address, self.prefix, self.name = scene, address, list(prefix), name
        self.options = [str(option) for option in options]
        self.data = pathlib.Path(data or scene.folder / f"{name}-data")
        self.runtime = scene.folder / f"{name}-run"  # so people do not find it but by its address
        self.port = None
        self.url = None
        self.process = None
        if config is not None:
            path = scene.folder / f"{name}.conf"
            path.write_text(config)
            self.options += ["--config", str(path)]

    def args(self, port):
        args = self.prefix + [program("zchat-broker"), "--data", self.data, "--port", port]
        if self.address is not None:
            args += ["--bind", self.address]
        return args + self.options

    def start(self):
        """Start and wait until it serves. The first time, a free port is looked for."""
        is_first = self.port is None
        if is_first and not self.is_elsewhere() and self.scene.is_watched() and {"invite", "closed"} & set(self.options):
            self._let_ears_in()
        self._serve()
        if is_first and not self.is_elsewhere():
            self.scene.watch_broadcasts(self.url)
        elif self.scene.watch is not None:
            self.scene.watch.is_steady = False
        return self

    def is_elsewhere(self):
        """On another network, where this process cannot listen."""
        return self.prefix[:1] in (["ip"], ["nsenter"])

    def _let_ears_in(self):
        """Where strangers hear nothing, who listens beside the test was somebody before the doors were shut."""
        options, at = self.options, self.options.index("--registration")
        self.options = options[:at] + ["--registration", "open"] + options[at + 2:]
        self._serve()
        self.scene.make_ears_known(self.url)
        equal(self.stop(), 0, "the broker's exit code at SIGTERM")
        self.options = options

    def _serve(self):
        for _ in range(20):
            port = self.port if self.port is not None else self.scene.free_port(self.address)
            self.process = self.scene.start(self.args(port), self.name, stdin=subprocess.DEVNULL,
                                            env={"XDG_RUNTIME_DIR": str(self.runtime)})
            try:
                line = self.process.wait_line(re.compile(r"^ready "))
            except Failed:
                is_taken = "in use" in "\n".join(self.process.err)
                if self.port is None and is_taken:
                    continue  # somebody was faster; look for another one
                raise
            self.port = port
            self.url = line.split(" ", 1)[1]
            return
        raise Failed("found no free port in 20 tries")

    def key(self):
        return self.url.rsplit("key=", 1)[1]

    def kill9(self):
        self.process.kill9()

    def stop(self):
        return self.process.stop()

    def restart(self):
        """Again on the same data and port."""
        if self.process.is_running():
            equal(self.stop(), 0, "the broker's exit code at SIGTERM")
        return self.start()


NESTED = ("admin", "room", "device")  # verbs that have verbs
_seen = set()


def _leaks(words):
    """Looking for leaks takes as long as all the rest of a short command: of each kind only the first in a test program is
    looked at (and all that stay a while, and all without a verb)."""
    kind = tuple(words[:1]) + tuple(str(word) for word in words[1:] if str(word).startswith("--") or words[0] in NESTED)
    if not words or kind not in _seen:
        _seen.add(kind)
        return {}
    return {"ASAN_OPTIONS": ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "detect_leaks=0")))}


class Person:
    """Somebody with a nick and a home folder, who runs zchat."""

    def __init__(self, scene, nick, url, prefix=(), home=None):
        self.scene, self.nick, self.url, self.prefix = scene, nick, url, list(prefix)
        self.home = home or scene.folder / f"home-{nick}"

    def args(self, words, url=None):
        url = url or self.url
        args = self.prefix + [program("zchat"), "--home", self.home]
        args += ["--nick", self.nick] if self.nick else []
        args += ["--broker", url] if url else []
        return [str(arg) for arg in args + list(words)]

    def run(self, *words, stdin=b"", timeout=None, url=None, env=None):
        watch = self.scene.watch
        if watch is not None:
            watch.note(words, stdin)
        result = self.scene.run(self.args(words, url), stdin=stdin, timeout=timeout, env={**_leaks(words), **(env or {})})
        if watch is not None and result.code == 0:
            watch.done(words)
        return result

    def ok(self, *words, **more):
        """run() that has to exit with 0."""
        result = self.run(*words, **more)
        check(result.code == 0, f"should succeed: {result}")
        return result

    def refused(self, code, part, *words, **more):
        """run() that has to exit with this code, and to say `part` in one line on stderr."""
        result = self.run(*words, **more)
        check(result.code == code, f"should exit with {code}: {result}")
        check(part.encode() in result.err, f"should say '{part}' on stderr: {result}")
        equal(len(result.err.splitlines()), 1, f"lines on stderr of {result}")
        return result

    def start(self, *words, stdin=None, url=None):
        process = self.scene.start(self.args(words, url), f"{self.nick}: zchat {shlex.join(words)}", stdin=stdin)
        if self.scene.watch is not None:
            process.on_write = self.scene.watch.typed
        return process

    def tail(self, *words):
        """A running `zchat tail --json`."""
        return self.start("tail", "--json", *words, stdin=subprocess.DEVNULL)

    def history(self, stream, *words):
        """All events of the stream, as far as there are any."""
        return self.ok("history", stream, "--json", "-n", "1000000", *words).json()


class Scene:
    """A folder, and everything that runs in it."""

    def __init__(self, name):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"zchat-{name[:24]}-"))
        self.processes = []
        self.cleanups = []
        self.watch = None
        for part in ("home", "run"):
            (self.folder / part).mkdir(mode=0o700)

    def environment(self):
        env = {key: value for key, value in os.environ.items()
               if not key.startswith(("ZCHAT_", "XDG_", "LC_", "NOTIFY_", "WATCHDOG_"))}
        env.update(HOME=str(self.folder / "home"), XDG_RUNTIME_DIR=str(self.folder / "run"),
                   LC_ALL="C.UTF-8", TZ="UTC", TERM="dumb")
        return env

    def start(self, args, name, stdin=None, cwd=None, user=None, env=None):
        environment = self.environment()
        environment.update(env or {})
        process = Process(args, environment, name, stdin=stdin, cwd=cwd, user=user)
        self.processes.append(process)
        return process

    def run(self, args, stdin=b"", timeout=None, env=None, user=None):
        """Run to the end; a Result. Runs past `timeout` seconds are a failure of the test."""
        timeout = DEADLINE if timeout is None else timeout * SLOW
        args = [str(arg) for arg in args]
        environment = self.environment()
        environment.update(env or {})
        popen = subprocess.Popen(args, env=environment, preexec_fn=_child, user=user, group=user,
                                 extra_groups=[] if user is not None else None,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = popen.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            popen.kill()
            out, err = popen.communicate()
            late = Result(args, "nothing", out, err)
            raise Failed(f"still runs after {timeout:.0f} s: {late}") from None
        result = Result(args, popen.returncode, out, err)
        check(not ALARM.search(err.decode("utf-8", "replace")), f"a sanitizer's report: {result}")
        check(popen.returncode >= 0, f"ended by a signal: {result}")
        return result

    def free_port(self, address):
        """A pair of ports that is free now. Below the range from which the system takes the ports of
        connecting sockets: there a client that tries again and again can take its broker's."""
        host = address if address and re.match(r"[\d.]+$", address) else "127.0.0.1"
        for _ in range(1000):
            port = random.randrange(10000, 32000, 2)
            try:
                for each in (port, port + 1):
                    with socket.socket() as trial:
                        trial.bind(("127.0.0.1" if host != "0.0.0.0" else host, each))
                return port
            except OSError:
                continue
        raise Failed("no free ports")

    def broker(self, *options, **more):
        return Broker(self, options, **more).start()

    def person(self, nick, broker, **more):
        return Person(self, nick, broker if isinstance(broker, (str, type(None))) else broker.url, **more)

    def logger(self, broker, *options, out=None, name="logger", url=None, prefix=()):
        """A running zchat-logger; it writes into `.out_folder`."""
        folder = out or self.folder / f"{name}-out"
        process = self.start([*prefix, program("zchat-logger"), "--out", folder, "--broker", url or broker.url,
                              "--home", self.folder / f"home-{name}", *options], name,
                             stdin=subprocess.DEVNULL)
        process.out_folder = folder
        return process

    def is_watched(self):
        """Whether somebody listens to everything beside this test."""
        if self.watch is None and os.environ.get("ZCHAT_HOSTILE") != "0":
            from ears import Watch  # pylint: disable=import-outside-toplevel  # needs zmq and msgpack
            self.watch = Watch()
        return self.watch is not None

    def watch_broadcasts(self, url):
        if self.is_watched():
            self.watch.listen(url)

    def make_ears_known(self, url):
        from raw_client import RawClient  # pylint: disable=import-outside-toplevel  # needs zmq and msgpack
        with RawClient(url, key_pair=self.watch.key_pair) as ears:
            ears.hello("ears")
            ears.send({"v": "bye"})
            ears.dealer.linger = 1000

    def at_end(self, function):
        self.cleanups.append(function)

    def close(self, is_good):
        """End everything; returns what the processes told that must not be told."""
        for process in self.processes:
            process.destroy()
        alarms = self.watch.close() if self.watch is not None else []
        for process in self.processes:
            process.wait_exit()
            alarms += [f"{process.name}: {line}" for line in process.err if ALARM.search(line)]
        for function in reversed(self.cleanups):
            function()
        for process in self.processes:
            _processes.remove(process)
        if is_good and not alarms or not os.environ.get("ZCHAT_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            print(f"# kept: {self.folder}")
        return alarms

    def report(self):
        """What every process said last, for a failed test."""
        for process in self.processes:
            state = "runs" if process.is_running() else f"ended with {process.popen.returncode}"
            print(f"# --- {process.name} ({state}), {process.out_count()} lines out")
            for line in process.out[-5:]:
                print(f"#   out {line[:300]}")
            for line in process.err[-25:]:
                print(f"#   err {line[:300]}")


def room(scene, *nicks):
    """A broker, and people who are in #lobby."""
    broker = scene.broker()
    people = [scene.person(nick, broker) for nick in nicks]
    for person in people:
        person.ok("join", "#lobby")
    return broker, people


def messages(events):
    """Only what somebody said."""
    return [event for event in events if event["type"] == "message"]


def texts(events):
    return [event["text"] for event in messages(events)]


def read_log(folder, stream):
    """The events of a logger's jsonl file, which may be growing."""
    name = "".join(char if re.match(r"[A-Za-z0-9_-]", char) else
                   "".join(f"%{byte:02X}" for byte in char.encode()) for char in stream)
    path = pathlib.Path(folder) / f"{name}.jsonl"
    try:
        lines = path.read_bytes().split(b"\n")[:-1]  # behind the last newline stands what is being written
    except FileNotFoundError:
        return []  # not yet, or rotated just now
    return [json.loads(line) for line in lines]


def is_kept(folder, text):
    """A file in there holds this. Such files are written beside their places and renamed: one may go while we look."""
    for path in folder.glob("*"):
        try:
            if text.encode() in path.read_bytes():
                return True
        except FileNotFoundError:
            continue
    return False


def check_no_hole(events, about):
    """Sequence numbers go up by one."""
    seqs = [event["seq"] for event in events]
    for before, after in zip(seqs, seqs[1:]):
        check(after == before + 1, f"{about}: behind {before} stands {after}")


def test(function):
    """Marks a test: its name is a sentence about behaviour."""
    _tests.append(function)
    return function


def _end_all():
    for process in list(_processes):
        process.destroy()


def _run_one(function):
    scene = Scene(function.__name__)
    is_good = False
    try:
        function(scene)
        is_good = True
    except (Failed, subprocess.SubprocessError, OSError, ValueError, LookupError, TypeError,
            AttributeError) as problem:
        print(f"# {type(problem).__name__}: {problem}")
        for line in "".join(traceback.format_exception(problem)).splitlines():
            print(f"#   {line}")
        scene.report()
    finally:
        alarms = scene.close(is_good)
    for alarm in alarms:
        print(f"# {alarm}")
    return is_good and not alarms


def run_tests():
    """Run those named on the command line, or all; ends the program."""
    run_cases([each for each in _tests if not sys.argv[1:] or each.__name__ in sys.argv[1:]])


def run_cases(chosen):
    """Run these functions, each with a Scene of its own; ends the program."""
    atexit.register(_end_all)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    failures, skips = 0, 0
    print(f"1..{len(chosen)}")
    for index, function in enumerate(chosen, 1):
        sentence = function.__name__.replace("_", " ")
        begin = time.monotonic()
        try:
            is_good = _run_one(function)
        except Skipped as reason:
            print(f"ok {index} - {sentence} # SKIP {reason}", flush=True)
            skips += 1
            continue
        failures += not is_good
        took = time.monotonic() - begin
        print(f"{'ok' if is_good else 'not ok'} {index} - {sentence} ({took:.1f} s)", flush=True)
    if failures:
        sys.exit(1)
    sys.exit(77 if not chosen or skips == len(chosen) else 0)
