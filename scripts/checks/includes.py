#!/usr/bin/python3
"""includes.py - who may know whom (docs/architecture.md): reads every #include of ours.

A folder's row names the folders of ours it may include beside itself, and how the names of the foreign
headers it may include begin.
The longest folder that fits a file decides; `file` rows add to it."""
import re

from common import ROOT, Faults, sources

SHARED = ["shared/base", "shared/proto", "shared/wire", "shared/text", "shared/conf", "shared/log",
          "shared/crypt"]

# folder: (folders and headers of ours, foreign headers)
TABLE = {
    "shared/base": ([], []),
    "shared/proto": (["shared/base"], []),
    "shared/wire": (["shared/base", "shared/proto"], ["msgpack"]),
    "shared/text": (["shared/base"], ["unicode/", "sodium"]),
    "shared/conf": (["shared/base", "shared/text"], []),
    "shared/log": (["shared/base", "shared/text", "shared/conf"], []),
    "shared/crypt": (["shared/base"], ["sodium"]),
    "broker/core": (["shared/base", "shared/proto"], ["sodium"]),
    "broker/store": (["shared/base", "shared/proto", "shared/wire", "shared/text/utf8.h", "broker/core"],
                     ["sqlite3.h", "libpq-fe.h", "sodium"]),
    "broker/net": (SHARED + ["broker/core"], ["zmq.h", "sodium"]),
    "broker/ops": (["shared/base", "shared/text", "shared/conf", "shared/log", "broker/core/core.h"], ["sodium", "seccomp.h"]),
    "broker": (SHARED + ["broker"], ["zmq.h", "sodium"]),
    "client/lib": (["shared/base", "shared/proto"], []),
    "client/lib/net": (SHARED + ["client/lib"], ["zmq.h", "sodium"]),
    # It comes with the library, and tells of its keys and choices; of the codec it uses the check of UTF-8.
    "client/cli": (["shared/base", "shared/text", "shared/wire/wire.h", "client/lib/zchat.h",
                    "client/lib/net", "client/tui", "client/conf", "shared/conf"], ["pcre2.h"]),
    "client/tui": (["shared/base", "shared/text", "client/conf", "shared/conf", "client/lib/zchat.h", "client/cli"],
                   ["curses.h", "term.h", "unicode/"]),
    "client/conf": (["shared/base", "shared/text", "shared/conf"], []),
    "client/logger": (["shared/base", "shared/text", "shared/conf", "shared/log", "client/lib/net/home.h",
                       "client/lib/zchat.h",
                       "client/lib/net/event_json.h"], ["zlib.h"]),
    "examples": (["client/lib/zchat.h", "zchat.h"], []),
    "tests/support": (SHARED + ["broker", "client", "tests"],
                      ["cmocka.h", "zmq.h", "sodium", "sqlite3.h", "libpq-fe.h"]),
    "tests": (SHARED + ["broker", "client", "tests"],
              ["zmq.h", "sodium", "sqlite3.h", "libpq-fe.h", "msgpack", "unicode/", "zlib.h"]),
}
FILES = {
    "broker/store/pair.c": ["zmq.h"],
    "broker/ops/http.c": ["microhttpd.h"],
    "broker/store/writer.c": ["zmq.h", "pthread.h"],
    "broker/store/writer.h": ["zmq.h"],
}
# Pure code neither asks the time nor the system.
PURE = ("broker/core", "client/lib")
PURE_SYSTEM = {"inttypes.h", "limits.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h",
               "string.h", "poll.h"}
FOREIGN = ("msgpack", "sqlite3", "libpq", "czmq", "zmq", "zsock", "sodium", "seccomp", "microhttpd", "unicode/", "ncurses", "curses",
           "cmocka", "zlib", "pcre2")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def row_of(path):
    folder = path.parent.as_posix()
    while folder != ".":
        if folder in TABLE:
            return folder
        folder = folder.rpartition("/")[0] or "."
    return None


def may_include(home, allowed, name):
    folder = name.rpartition("/")[0]
    if folder == home:
        return True
    return any(name == a or folder == a or (home == "broker" or home.startswith("tests"))
               and name.startswith(a + "/") for a in allowed)


def check(path, faults):
    home = row_of(path)
    if home is None:
        faults.add(path, "this folder has no row in scripts/checks/includes.py")
        return
    ours, foreign = TABLE[home]
    foreign = foreign + FILES.get(path.as_posix(), [])
    for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        place, (quote, name) = f"{path}:{number}", found.groups()
        if quote == '"' and not may_include(home, ours, name):
            faults.add(place, f"{home} may not know {name}")
        if quote == "<":
            is_foreign = name.startswith(FOREIGN)
            if is_foreign and not name.startswith(tuple(foreign)):
                faults.add(place, f"{home} may not use <{name}>")
            if home in PURE and not is_foreign and name not in PURE_SYSTEM:
                faults.add(place, f"{home} is pure and may not use <{name}>")


def main():
    faults, count = Faults(), 0
    for path in sources(".c", ".h"):
        check(path, faults)
        count += 1
    faults.finish(f"includes: {count} files keep their directions")


if __name__ == "__main__":
    main()
