#!/usr/bin/python3
"""How long a broker takes to start with a large log: `start.py [EVENTS [FOLDER]]`.

Fills a fresh data folder by --import, ten rooms of as many events each, with texts of 60 bytes; then starts the broker a few times, once behind a
kill -9, and prints what it took until it was ready, and its memory. $ZCHAT_BIN: the programs."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOMS = 10
WANTED_S = 3.0
BIN = pathlib.Path(os.environ.get("ZCHAT_BIN", "build/release/bin"))
TEXT = "0123456789" * 6


def lines(count):
    """Events a second apart, by a hundred people."""
    for number in range(count):
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1_500_000_000 + number))
        yield json.dumps({"stream": "#r", "ts": f"{when}.000Z", "type": "message", "from": f"person{number % 100}",
                          "text": TEXT}) + "\n"


def fill(data, events):
    begin = time.monotonic()
    for room in range(ROOMS):
        work = subprocess.Popen([BIN / "zchat-broker", "--import", "-", "--room", f"#room{room}", "--data", data],
                                stdin=subprocess.PIPE, text=True)
        for line in lines(events // ROOMS):
            work.stdin.write(line)
        work.stdin.close()
        if work.wait() != 0:
            sys.exit("the import failed")
    size = (data / "zchat.db").stat().st_size
    print(f"filled: {events} events, {size / 1e6:.0f} MB, {time.monotonic() - begin:.0f} s", flush=True)


def start(data):
    """Seconds until it is ready, resident MB, and the process."""
    begin = time.monotonic()
    broker = subprocess.Popen([BIN / "zchat-broker", "--data", data, "--port", "0"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    line = broker.stdout.readline()
    took = time.monotonic() - begin
    if not line.startswith("ready "):
        sys.exit(f"it did not start: {line}")
    status = pathlib.Path(f"/proc/{broker.pid}/status").read_text()
    resident = next(int(row.split()[1]) for row in status.splitlines() if row.startswith("VmRSS"))
    return took, resident / 1024, broker


def main():
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    base = sys.argv[2] if len(sys.argv) > 2 else None
    data = pathlib.Path(tempfile.mkdtemp(prefix="zchat-start-", dir=base))
    worst = 0.0
    try:
        fill(data, events)
        for about, end in (("first", "stop"), ("again", "kill"), ("behind kill -9", "stop")):
            took, resident, broker = start(data)
            print(f"start, {about}: {took:.3f} s, {resident:.0f} MB resident", flush=True)
            worst = max(worst, took)
            (broker.terminate if end == "stop" else broker.kill)()
            broker.wait()
        began = time.monotonic()
        subprocess.run([BIN / "zchat-broker", "--check-data", "--data", data], check=True)
        print(f"--check-data: {time.monotonic() - began:.0f} s")
    finally:
        shutil.rmtree(data, ignore_errors=True)
    sys.exit(0 if worst < WANTED_S else f"{worst:.1f} s is too long")


if __name__ == "__main__":
    main()
