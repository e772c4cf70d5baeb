"""terminal.py - zchat in a terminal: tmux on a socket of the test's own, without a user's configuration.

Nothing waits for time: keys are sent, and then the screen is waited for. Golden screens lie in golden/; clocks, dates and
round trips in them are made equal first. ZCHAT_GOLDEN=write writes them anew."""
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
# pylint: disable=wrong-import-position
from zchat_test import Failed, Skipped, check, wait_until

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"
SAME = [(re.compile(r"\b\d\d:\d\d\b"), "00:00"),
        (re.compile(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{4}-\d\d-\d\d\b"), "Day 0000-00-00"),
        (re.compile(r"online \d+ ms"), "online")]


class Server:
    """One tmux for a scene; it ends with it."""

    def __init__(self, scene):
        if shutil.which("tmux") is None:
            raise Skipped("tmux is not installed")
        self.scene, self.socket, self.count = scene, scene.folder / "tmux", 0
        config = scene.folder / "tmux.conf"
        config.write_text("set -g status off\nset -g default-terminal screen-256color\nset -g remain-on-exit on\n"
                          "set -g escape-time 0\nset -g history-limit 0\n"
                          "set -g exit-unattached on\n")
        # The server is a daemon, and goes when this client does, which is ours.
        self.process = scene.start(["tmux", "-C", "-S", self.socket, "-f", config, "new-session", "-s", "keeper", "cat"],
                                   "tmux", env={"LC_ALL": "C.UTF-8", "SHELL": "/bin/sh"})
        self.process.wait_line(re.compile("%session-changed"))
        scene.at_end(self._look_for_reports)

    def _look_for_reports(self):
        for path in self.scene.folder.glob("sanitizer*"):
            raise Failed(f"a sanitizer's report:\n{path.read_text()[:3000]}")

    def run(self, *words, stdin=None):
        words = ["tmux", "-S", str(self.socket), *[str(word) for word in words]]
        done = subprocess.run(words, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30,
                              check=False, env=self.scene.environment() | {"LC_ALL": "C.UTF-8"})
        check(done.returncode == 0, f"{shlex.join(words)}: {done.stderr.decode()}")
        return done.stdout.decode()


def server_of(scene):
    if not hasattr(scene, "tmux"):
        scene.tmux = Server(scene)
    return scene.tmux


class Screen:
    """A terminal with a program in it."""

    def __init__(self, scene, args, columns=80, rows=24, env=None):
        self.server = server_of(scene)
        self.server.count += 1
        self.name = f"s{self.server.count}"
        sanitizer = f"log_path={scene.folder}/sanitizer"
        environment = {"LC_ALL": "C.UTF-8", "ASAN_OPTIONS": sanitizer, "UBSAN_OPTIONS": sanitizer,
                       "HOME": str(scene.folder / "home"), "XDG_RUNTIME_DIR": str(scene.folder / "run"), "TZ": "UTC",
                       **(env or {})}
        words = ["exec", "env", *[f"{key}={value}" for key, value in environment.items()], *args]
        self.server.run("new-session", "-d", "-s", self.name, "-x", columns, "-y", rows,
                        shlex.join(str(word) for word in words))

    def keys(self, *names):
        self.server.run("send-keys", "-t", self.name, *names)

    def type(self, text):
        self.server.run("send-keys", "-t", self.name, "-l", "--", text)

    def say(self, text):
        self.type(text)
        self.keys("Enter")

    def paste(self, text):
        self.server.run("load-buffer", "-b", self.name, "-", stdin=text.encode())
        self.server.run("paste-buffer", "-p", "-r", "-d", "-b", self.name, "-t", self.name)

    def resize(self, columns, rows):
        self.server.run("resize-window", "-t", self.name, "-x", columns, "-y", rows)

    def lines(self):
        shown = self.server.run("capture-pane", "-p", "-t", self.name)
        return [line.rstrip() for line in shown.split("\n")]

    def text(self):
        return "\n".join(self.lines())

    def state(self, form):
        return self.server.run("display-message", "-p", "-t", self.name, form).strip()

    def pid(self):
        """Of the program; `env` has become it."""
        return int(self.state("#{pane_pid}"))

    def wait(self, wanted, about=None):
        """Wait until `wanted`, a text, a pattern or a function of the screen's text, is true."""
        if callable(wanted):
            is_there = wanted
        elif isinstance(wanted, re.Pattern):
            is_there = lambda text: wanted.search(text) is not None
        else:
            is_there = lambda text: wanted in text
        try:
            return wait_until(lambda: is_there(self.text()) or None, about or f"on the screen: {wanted}")
        except Failed as late:
            raise Failed(f"{late}; the screen:\n{self.text()}") from None

    def wait_gone(self, text):
        self.wait(lambda shown: text not in shown, f"gone from the screen: {text}")

    def wait_end(self):
        """The program has ended; its status."""

        def is_known():
            # The pane is dead when the terminal is closed; how the program ended comes a little later.
            if self.state("#{pane_dead}") != "1":
                return False
            if self.state("#{pane_dead_status}#{pane_dead_signal}") != "":
                return True
            # tmux 3.3a on a busy machine misses a child's SIGCHLD, and then never asks after it: ask for it.
            os.kill(int(self.state("#{pid}")), signal.SIGCHLD)
            return False

        wait_until(is_known, "the program ends")
        return self.state("#{pane_dead_status}")

    def golden(self, name):
        """The screen becomes the one that is kept under this name."""
        path = GOLDEN / f"{name}.txt"

        def shown():
            text = "\n".join(self.lines()).rstrip("\n") + "\n"
            for pattern, same in SAME:
                text = pattern.sub(same, text)
            return re.sub(r"[ \t]+\n", "\n", text)

        if os.environ.get("ZCHAT_GOLDEN") == "write":
            path.write_text(shown())
            return
        want = path.read_text()
        try:
            wait_until(lambda: shown() == want, f"the screen is {path.name}")
        except Failed as late:
            raise Failed(f"{late}; it is:\n{shown()}\nand should be:\n{want}") from None


def chat(scene, person, *words, columns=80, rows=24, env=None):
    """zchat of that person in a terminal."""
    return Screen(scene, person.args(words), columns=columns, rows=rows, env=env)
