"""nth.py - let the nth malloc, write, fsync, open, accept fail, for n = 1, 2, 3 ...

What may come of it: a clean end (one line, an exit code of the contract), or nothing. Never: a hang, a
sanitizer's report, an acknowledgement of what is not there, or data that the next start cannot read."""
import concurrent.futures
import itertools
import re
import signal

from fault_env import counts, failures, fault
from scenes import in_scene
from zchat_test import ALARM, Broker, Person, check, program, texts

ROOM = "#lobby"
ACTION = {"malloc": "ENOMEM", "write": "ENOSPC", "fsync": "EIO", "open": "EMFILE", "accept": "EMFILE"}
LIBRARY_ABORTS = re.compile(r"OUT OF MEMORY|bad_alloc|Cannot allocate memory|Out of memory|failed to allocate|"
                            r"\(src/\w+\.cpp:\d+\)|^zchat\S*: nss_\w+\.c:", re.M)
WORKERS = 3
_serial = itertools.count()


def spread(count, most):
    """1 ... count, or `most` of them: all the first ones, then wider and wider apart."""
    if most is None or count <= most:
        return list(range(1, count + 1))
    near = list(range(1, most // 3 + 1))
    left = most - len(near)
    ratio = (count / near[-1]) ** (1 / left)
    return sorted({min(count, round(near[-1] * ratio ** step)) for step in range(1, left + 1)} | set(near))


def check_end(name, code, err, call):
    """Did it end as a program may? `code` None: it did not end."""
    text = "\n".join(err)
    check(not ALARM.search(text), f"{name}: a sanitizer's report: {text[:2000]}")
    if code == -signal.SIGABRT:  # libzmq and the C++ library end the process when there is no memory
        check(call == "malloc" and LIBRARY_ABORTS.search(text), f"{name} was aborted: {text[-1500:]}")
        return
    check(code is not None and code >= 0, f"{name} ended with {code}: {text[-1500:]}")
    if code != 0:
        check(text.strip(), f"{name} ended with {code} and said nothing")


class Trial:
    """One call of one program fails in a life of broker and client."""

    def __init__(self, part, call, number):
        self.part, self.call, self.number = part, call, number
        self.name = f"{part}, {call} number {number}"

    def rule(self):
        if self.number is None:
            return ";".join(f"{call}:count" for call in ACTION)
        return f"{self.call}:{ACTION[self.call]}:nth={self.number}"

    def run(self):
        """Returns what the shim noted: whether there was a fault, or the counts."""
        def work(scene):
            env, log = fault(scene, self.rule())
            if self.call == "malloc":  # glibc itself leaks when it gets no memory
                env["ASAN_OPTIONS"] += ":detect_leaks=0"
            if self.part == "broker":
                self.try_broker(scene, env)
            else:
                self.try_client(scene, env)
            return counts(log) if self.number is None else failures(log)
        return in_scene(f"nth{next(_serial)}", work)

    def try_broker(self, scene, env):
        """First start, people who talk, stop; all under the fault. Then a start without it."""
        broker = Broker(scene)
        broker.port = scene.free_port(None)
        env = {**env, "XDG_RUNTIME_DIR": str(broker.runtime)}
        process = scene.start(broker.args(broker.port), f"broker ({self.name})", env=env)
        acked = []
        if has_line(process, "ready "):
            url = next(line for line in process.out if line.startswith("ready ")).split(" ", 1)[1]
            acked = self.talk(scene, url)
            process.signal(signal.SIGTERM)
        code = process.wait_exit()
        check_end(self.name, code, process.err + process.out, self.call)
        broker.start()
        alice = scene.person("alice", broker)
        alice.ok("join", ROOM)
        events = {event["seq"]: event.get("text") for event in alice.history(ROOM)}
        for place, text in acked:
            check(events.get(int(place.split()[1])) == text, f"{self.name}: '{text}' was acknowledged as {place}")
        alice.ok("send", ROOM, "afterwards")
        code = broker.stop()
        check(code == 0, f"{self.name}: the broker ended with {code} afterwards")

    def talk(self, scene, url):
        """What alice got acknowledged: (place, text)."""
        alice = scene.person("alice", url)
        if alice.run("join", ROOM, "--timeout", "2s").code != 0:
            return []
        lines = [f"line {number}" for number in range(5)]
        sent = alice.run("send", ROOM, "--lines", "--timeout", "2s", stdin="\n".join(lines).encode())
        alice.run("history", ROOM, "--timeout", "2s")
        return list(zip(sent.lines(), lines))

    def try_client(self, scene, env):
        """A first `send`, which makes the keys, fails; the next one must not suffer from it."""
        alice = Person(scene, f"n{self.serial}", self.url)
        said = f"said under {self.name}"
        args = [program("zchat"), "--home", alice.home, "--nick", alice.nick, "--broker", self.url,
                "send", "@" + self.friend, said, "--timeout", "5s"]
        process = scene.start(args, self.name, stdin=None, env=env)
        process.close_stdin()
        code = process.wait_exit()
        check_end(self.name, code, process.err + process.out, self.call)
        check(code in (0, 1, 2, 3, 4, 5, 6, -signal.SIGABRT), f"{self.name}: exit code {code}")
        check(code != 0 or len(process.out) == 1, f"{self.name}: done, and said {process.out}")
        alice.ok("send", "@" + self.friend, "afterwards")
        mine = texts(alice.history("@" + alice.nick))
        check(mine.count(said) <= 1, f"{self.name}: it stands there {mine.count(said)} times")
        check(code != 0 or said in mine, f"{self.name}: acknowledged, and is not there")


class ClientTrial(Trial):
    def __init__(self, call, number, url, friend):
        super().__init__("zchat send", call, number)
        self.url, self.friend, self.serial = url, friend, next(_serial)


def has_line(process, part):
    """Whether the line comes before the process ends."""
    try:
        process.wait_line(part)
        return True
    except Exception:
        check(not process.is_running(), f"{process.name} neither serves nor ends: {process.told()}")
        return False


def run_part(make_trial, most):
    """Fail every call of one program once, at most `most[call]` of each kind. Returns {call: (tried, all)}."""
    totals = make_trial(None, None).run()
    trials = []
    for call in ACTION:
        trials += [make_trial(call, number) for number in spread(totals.get(call, 0), most[call])]
    tried = {call: 0 for call in ACTION}
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for trial, found in zip(trials, pool.map(Trial.run, trials)):
            tried[trial.call] += 1 if found else 0  # another run may make fewer calls
    for call in ACTION:
        wanted = sum(trial.call == call for trial in trials)
        check(tried[call] >= wanted * 0.7, f"{call}: only {tried[call]} of {wanted} faults were made")
    return {call: (tried[call], totals.get(call, 0)) for call in ACTION}


def run_broker(most):
    return run_part(lambda call, number: Trial("broker", call, number), most)


def run_client(scene, most):
    broker = scene.broker()
    friend = scene.person("friend", broker)
    friend.ok("ping")
    return run_part(lambda call, number: ClientTrial(call, number, broker.url, "friend"), most)


SHORT = {"malloc": 12, "write": 10, "fsync": 12, "open": 16, "accept": 8}
ALL = {"malloc": 600, "write": None, "fsync": None, "open": None, "accept": None}


def sentence(part, tried):
    return f"{part}: " + ", ".join(f"{call} {done} of {total}" for call, (done, total) in tried.items())
