#!/usr/bin/python3
"""picture.py - docs/img/zchat.svg: a real session in tmux, seen as a terminal shows it.

An inner tmux holds the panes; an outer one is its terminal and is captured with its colours."""
import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import svg

WIDTH, HEIGHT = 112, 27
DEADLINE = 20


class Session:
    def __init__(self, programs, folder):
        self.programs, self.folder = programs, folder
        self.env = {**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "run"), "TMUX": "",
                    "LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "xterm-256color",
                    "PATH": f"{programs}:{os.environ['PATH']}"}

    def tmux(self, which, *words):
        return subprocess.run(["tmux", "-S", self.folder / which, "-f", "/dev/null", *words], env=self.env, check=True,
                              capture_output=True, text=True, timeout=DEADLINE).stdout

    def open(self):
        (self.folder / "rc").write_text("PS1='$ '\n")
        shell = f"bash --rcfile {self.folder}/rc"
        self.tmux("inner", "new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), shell)
        for words in (("set", "-g", "status", "off"), ("split-window", "-h", "-l", "50%", shell),
                      ("split-window", "-v", "-l", "50%", "-t", ":.0", shell),
                      ("split-window", "-v", "-l", "50%", "-t", ":.2", shell),
                      ("set", "-g", "pane-border-status", "top"),
                      ("set", "-g", "pane-border-format", " #{pane_title} ")):
            self.tmux("inner", *words)
        for pane, title in enumerate(("the broker's machine", "bob", "alice", "carol")):
            self.tmux("inner", "select-pane", "-t", f":.{pane}", "-T", title)
        self.tmux("outer", "new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT),
                  f"tmux -S {self.folder}/inner attach")
        self.tmux("outer", "set", "-g", "status", "off")

    def close(self):
        for which in ("outer", "inner"):
            subprocess.run(["tmux", "-S", self.folder / which, "kill-server"], env=self.env, capture_output=True)
        # A broker takes the hangup of its terminal for a wish to read its configuration again.
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if f"HOME={self.folder}\0".encode() in (process / "environ").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)
            except OSError:
                pass  # gone, or somebody else's

    def type(self, pane, line):
        self.tmux("inner", "send-keys", "-t", f":.{pane}", "-l", line)
        self.tmux("inner", "send-keys", "-t", f":.{pane}", "Enter")

    def wait(self, pane, pattern, count=1):
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            text = self.tmux("inner", "capture-pane", "-p", "-J", "-t", f":.{pane}")
            if len(re.findall(pattern, text)) >= count:
                return text
            time.sleep(0.05)
        raise SystemExit(f"pane {pane} does not show {pattern!r}:\n{text}")

    def play(self):
        broker, bob, alice, carol = range(4)
        for pane in range(4):
            self.wait(pane, r"(?m)^\$ *$")
            self.type(pane, "clear")
        self.type(broker, "zchat-broker --port 0 --log-level warn &")
        self.wait(broker, "ready zchat://")
        for pane, nick in ((alice, "alice"), (bob, "bob"), (carol, "carol")):
            self.type(pane, f"zchat --plain --nick {nick}")
            self.wait(pane, "no room yet")
            self.type(pane, "/join #lobby")
            self.wait(pane, f"{nick} joined")
        for pane, text in ((alice, "good morning, everybody"), (bob, "morning! coffee is ready"),
                           (carol, "on my way")):
            self.type(pane, text)
            for other in (alice, bob, carol):
                self.wait(other, re.escape(text))
        self.type(alice, "/msg bob the cake is for carol, not a word!")
        self.wait(bob, "cake is for carol")
        self.wait(alice, "has it")
        self.type(broker, "kill -9 %1")
        self.wait(carol, "link is down")
        self.type(carol, "is anybody there?")
        self.wait(carol, "waiting for the broker")
        self.type(broker, f"zchat-broker --port {self.port()} --log-level warn &")
        self.wait(broker, "ready zchat://", 2)
        for other in (alice, bob, carol):
            self.wait(other, r"carol: is anybody there\?")
        self.type(bob, "always")
        for other in (alice, bob, carol):
            self.wait(other, "bob: always")

    def port(self):
        url = (self.folder / ".local/state/zchat-broker/broker.url").read_text()
        return re.search(r":(\d+)\?", url).group(1)

    def capture(self):
        return self.tmux("outer", "capture-pane", "-p", "-e").splitlines()

    def end(self):
        for pane in (1, 2, 3):
            self.type(pane, "/quit")
        self.type(0, "kill %1 %2; wait")
        self.wait(0, r"(?m)^\$ *$")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="zchat-picture-"))
    (folder / "run").mkdir(mode=0o700)
    session = Session(args.programs.resolve(), folder)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        session.open()
        session.play()
        lines = session.capture()
        session.end()
    finally:
        session.close()
        shutil.rmtree(folder, ignore_errors=True)
    args.out.write_text(svg.draw(lines, WIDTH, "three people chat; the broker is killed and comes back; nothing is lost"))
    print(re.sub(r"\x1b\[[\d;]*m|\x1b\(.|[\x0e\x0f]", "", "\n".join(lines)))


if __name__ == "__main__":
    main()
