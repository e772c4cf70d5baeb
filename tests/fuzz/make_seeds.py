#!/usr/bin/python3
"""Writes the seeds of corpus/ that are made, not found: `make_seeds.py [TARGET...]`, in this folder.

Run it when a verb or a field is new, and commit what it wrote. Files that a fuzzer has found have
other names and are left alone."""

import gzip
import pathlib
import re
import struct
import sys

import msgpack

HERE = pathlib.Path(__file__).resolve().parent
PROTO = HERE.parent.parent / "shared" / "proto"
SIZES = {"INVITE": 16, "BOX": 40}


def write(target, name, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def pack(verb, **fields):
    return msgpack.packb({"v": verb, **fields})


# --- every verb, from the tables in shared/proto ------------------------------------------


def fields_of_protocol():
    """SYMBOL: (key, type)"""
    text = (PROTO / "message.h").read_text()
    rows = re.findall(r'X\((\w+), "(\w+)", FIELD_(\w+),', text)
    return {symbol: (key, kind) for symbol, key, kind in rows}


def verbs_of_protocol():
    """NAME, directions, needed, optional"""
    text = re.sub(r"/\*.*?\*/", "", (PROTO / "verbs.c").read_text(), flags=re.S)
    rows = re.findall(r"\bROW\((\w+),([^,]+),([^;]*?)\),\n(?=\s+ROW|\};)", text)
    for name, directions, rest in rows:
        needed, _, optional = rest.partition(",")
        yield (name.lower(), directions, re.findall(r"F\((\w+)\)", needed),
               re.findall(r"F\((\w+)\)", optional))


def value_of(symbol, kind):
    if kind == "UINT":
        return 7
    if kind == "FLAG":
        return True
    if kind == "BYTES":
        return b"k" * SIZES.get(symbol, 32)
    return {"STREAM": "#lobby", "ROOM": "#lobby", "KIND": "notice", "TYPE": "message"}.get(symbol, "bob")


def make_wire():
    fields = fields_of_protocol()
    for name, directions, needed, optional in verbs_of_protocol():
        data = b""
        for symbols in (needed, needed + optional):
            data += pack(name, **{fields[s][0]: value_of(s, fields[s][1]) for s in symbols})
        if "TO_BROKER" in directions:
            write("fuzz_wire_broker", "verb-" + name, data)
        if "TO_CLIENT" in directions:
            write("fuzz_wire_client", "verb-" + name, data)
        if "TO_EVERYBODY" in directions:
            write("fuzz_wire_client", "topic-" + name, b"#lobby\0" + data)


# --- a broker's life: enum step of fuzz_broker_session.c ------------------------------------


def frame(slot, *maps):
    data = b"".join(maps)
    return bytes([1, slot]) + struct.pack("<H", len(data)) + data


COMMIT = bytes([2, 255])
TELL = bytes([3])
READ = bytes([4])
RESTART = bytes([7])


def wait(index):
    return bytes([5, index])


def hello(slot, nick, session, **more):
    return frame(slot, pack("hello", low=1, high=1, nick=nick, session=session, inbox=True, **more)) + COMMIT


def post(slot, number, stream, text="hi"):
    return frame(slot, pack("post", number=number, stream=stream, text=text)) + COMMIT


def make_broker():
    al, bo = hello(0, "al", 1), hello(1, "bo", 2)
    joined = al + bo + frame(0, pack("join", stream="#a", create=True)) + COMMIT + \
        frame(1, pack("join", stream="#a")) + COMMIT
    scripts = {
        "hello": al + wait(5),
        "room": joined + post(0, 1, "#a") + post(1, 1, "#a") + wait(4),
        "private": al + bo + post(0, 1, "@bo") + wait(5) + wait(6) +
        frame(1, pack("confirm", stream="@bo", seq=1)) + COMMIT + wait(6),
        "repeat": joined + post(0, 1, "#a") + post(0, 1, "#a") + post(0, 5, "#a") +
        frame(0, pack("skip", number=2)) + COMMIT + post(0, 2, "#a"),
        "restart": joined + post(0, 1, "#a") + RESTART + hello(0, "al", 1) + post(0, 1, "#a"),
        "fetch": joined + post(0, 1, "#a") + frame(1, pack("fetch", stream="#a", credit=4)) + READ +
        frame(1, pack("fetch", stream="@al"), pack("fetch", stream="@bo"), pack("head", stream="#a")),
        "lists": joined + frame(0, pack("who"), pack("rooms", mine=True), pack("who", stream="#a"),
                                pack("ping", away=True), pack("probe", token=9)),
        "mark": joined + frame(0, pack("mark", name="x", stream="#a", seq=1)) + COMMIT +
        frame(0, pack("mark", name="x", stream="#a")) + COMMIT,
        "full": joined + bytes([8, 1]) + post(0, 1, "#a") + bytes([8, 0]) + post(0, 1, "#a"),
        "bye": joined + frame(0, pack("bye")) + post(0, 1, "#a") + bytes([9]),
        "move": al + hello(3, "al", 1) + hello(3, "al", 3) + bytes([6, 0, 0]) + hello(0, "al", 1),
        "secret": al + bo + frame(0, pack("join", stream="#a", create=True, private=True)) + COMMIT +
        frame(1, pack("join", stream="#a"), pack("fetch", stream="#a")) + COMMIT +
        frame(0, pack("invite", stream="#a", nick="bo")) + COMMIT + frame(1, pack("join", stream="#a")) +
        COMMIT + post(1, 1, "#a") + frame(0, pack("kick", stream="#a", nick="bo", text="out")) + COMMIT +
        post(0, 1, "#a") + frame(1, pack("fetch", stream="#a"), pack("head", stream="#a")),
        "rule": joined + frame(0, pack("topic", stream="#a", topic="t"), pack("mode", stream="#a", private=True),
                               pack("op", stream="#a", nick="bo"), pack("deop", stream="#a", nick="bo"),
                               pack("mute", stream="#a", nick="bo", seconds=5)) + COMMIT + post(1, 1, "#a") +
        frame(0, pack("unmute", stream="#a", nick="bo"), pack("ban", stream="#a", nick="bo", seconds=9),
              pack("bans", stream="#a"), pack("unban", stream="#a", nick="bo"),
              pack("ban", stream="#a", key=b"\2" * 32)) + COMMIT + wait(5) + frame(1, pack("join", stream="#a")) + COMMIT,
        "search": joined + post(0, 1, "#a") + post(1, 1, "@al") + frame(1, pack("search", text="hi", ref=7)) + READ +
        frame(1, pack("search", text="hi", stream="@al"), pack("search", text="h*", stream="#a", count=1, cursor=9),
              pack("search", **{"from": "bo"}), pack("search", nick="al", text='"h i"', since=1, until=2),
              pack("search"), pack("search", text="x" * 600)) + READ +
        frame(0, pack("mode", stream="#a", private=True), pack("kick", stream="#a", nick="bo")) + COMMIT +
        post(0, 2, "#a") + frame(1, pack("search", text="hi"), pack("search", text="hi", stream="#a")) + READ,
        "people": al + frame(0, pack("admit", nick="bo", seconds=60), pack("admit", device=True, name="phone"),
                             pack("devices"), pack("sessions"), pack("stats", cursor=3)) + COMMIT + bo +
        frame(0, pack("role", nick="bo", role="operator"), pack("revoke", nick="bo"),
              pack("revoke", key=b"\1" * 32), pack("ban", nick="bo"), pack("bans")) + COMMIT,
        "care": joined + post(0, 1, "#a") + post(1, 1, "#a") + COMMIT +
        frame(0, pack("mode", stream="#a", seconds=60), pack("backup", name="one", ref=1), pack("purge", nick="bo", ref=2),
              pack("purge", stream="#a", until=5, ref=3)) + COMMIT +
        frame(0, pack("hello", low=1, high=1, nick="al", session=1, number=9)) + COMMIT + post(0, 9, "#a") + COMMIT +
        frame(1, pack("fetch", stream="#a")),
    }
    for name, script in scripts.items():
        for how in (0x01, 0x7f):
            write("fuzz_broker_session", f"{name}-{how:02x}", bytes([how]) + script)
    write("fuzz_broker_session", "insecure", b"\0" + scripts["private"])
    write("fuzz_broker_session", "invited", b"\x81" + scripts["people"])


# --- a client's life: enum step of fuzz_client_session.c -------------------------------------


def make_client():
    everything = bytes([17])

    def follow(stream, kind, value=0, until=0):
        return bytes([11, stream, kind, value, until])

    live = everything + follow(0, 1, 1) + everything + bytes([2, 0]) * 3 + everything
    scripts = {
        "up": everything,
        "live": live,
        "hole": live + bytes([2, 128, 2, 0, 6, 3]) + everything,
        "lost": live + bytes([7, 8]) + everything + bytes([2, 128, 6, 6]) + everything,
        "own": everything + follow(2, 4) + everything + bytes([2, 2, 5, 7]) * 3 + bytes([6, 5, 15]),
        "post": everything + bytes([9, 0, 0, 9, 1, 20]) + everything + bytes([2, 66]) + everything,
        "late": everything + bytes([9, 0, 1, 1, 6, 7, 10, 1, 0]) + everything,
        "retry": everything + bytes([9, 0, 0, 1, 6, 7, 9, 2, 0, 7, 8]) + everything,
        "history": everything + bytes([2, 0]) * 4 + follow(0, 1, 1, 3) + everything + follow(0, 2, 2, 9) + everything,
        "gone": live + bytes([4, 0]) + struct.pack("<H", len(GONE)) + GONE + everything,
        "again": everything + bytes([4, 0]) + struct.pack("<H", len(FIRST)) + FIRST + everything,
        "end": live + bytes([12, 0]) + bytes([2, 0]) + everything + bytes([16]),
    }
    for name, script in scripts.items():
        for how in (0, 7, 8, 0x30):
            write("fuzz_client_session", f"{name}-{how:02x}", bytes([how]) + script)


GONE = pack("gone", stream="#a", first=9, seq=12)
FIRST = pack("error", code=6, error="hello_first", text="say HELLO first")

def make_small():
    key = b"k" * 32
    for door in (b"zchat-commands", b"zchat-broadcasts", b"global"):
        for address in (b"192.0.2.1", b"fe80::1%eth0", b"localhost:0:0:1"):
            frames = [b"1.0", b"1", door, address, b"", b"CURVE", key]
            data = b"".join(bytes([len(part)]) + part for part in frames)
            write("fuzz_zap", f"{door.decode()}-{len(address)}", data)
    write("fuzz_zap", "short", b"\3" + b"1.0" + b"\1" + b"1")
    jsonl = b"".join(b'{"stream":"#a","seq":%d,"ts":"2026-11-24T00:00:00.000Z","text":"x"}\n' % n for n in (1, 2, 3))
    lines = (b"--- Log opened 2026-11-24 +0000, #a from 1\n[00:00:00] <al> hi\n[00:00:00] <al> two \\\n[00:00:00] <al> lines\n"
             b"--- Gap 3 to 8 2026-11-24 +0000, no longer kept by the broker: #a from 9\n[00:00:01] --> bo joined #a\n")
    for first, whole in ((b"\0", jsonl), (b"\1", lines)):
        name = "jsonl" if first == b"\0" else "text"
        write("fuzz_logger_files", name, first + whole)
        write("fuzz_logger_files", name + "-torn", first + whole[:-9])
        write("fuzz_logger_files", name + "-foreign", first + whole + b"not ours\n")
        write("fuzz_logger_files", name + "-gzip", first + gzip.compress(whole, mtime=0))
        write("fuzz_logger_files", name + "-gzip-torn", first + gzip.compress(whole, mtime=0)[:-12])
        for kind, how in (("plain", 0), ("gzip", 8), ("cut", 0x18)):
            for place in (0, 1, 5):  # the current file; put aside by us; by another program
                write("fuzz_logger_folder", f"{name}-folder-{kind}-{place}",
                      first + bytes([2, place | how]) + len(whole).to_bytes(2, "little") + whole + bytes([2 | how])
                      + len(whole).to_bytes(2, "little") + whole)
    write("fuzz_outbox_file", "records", b"\1" + b"\0\5\1" + b"\1\1\0\0\0\2hi" + b"\1\2\0\1\1\3hey" + b"\2\1")
    write("fuzz_outbox_file", "bytes", b"\0zchat outbox 1 7 1 5 0123456789abcdef\n")
    write("fuzz_config", "file", b"\0# a comment\nport = 0\nbind = *\nbind = ipc:///run/zchat/b\nlog-level = debug\n"
          b"registration = closed\ndata = /srv/a # b\nrooms-max = 12\n")
    write("fuzz_config", "twice", b"\0port = 1\nport = 2\n")
    write("fuzz_config", "words", b"\1--port=0\n--bind\n::1\n--insecure\n--log-level\ninfo\n--check-config")
    write("fuzz_config", "help", b"\1--help")
    write("fuzz_config", "types", b"\2loud = yes\ncount = 9\ncolor = blue\nwait = 500ms\nspace = 2G\nnote = \"\"\n"
          b"title = \"a \\\" # b\"\ntag = a\ntag =#b\nkey.C-g = cancel\nroom.#ops.notify = all\n")
    write("fuzz_config", "includes", b"\2count = 1\ninclude *.conf\ninclude 3\n\fcount = 2\nkey.a = b\n\fkey.a = c\n"
          b"\fcolor = red\n")
    write("fuzz_config", "itself", b"\0include 1\n\finclude 2\n\finclude 1\n")


def make_turns():
    """fuzz_turn: operations one behind the other, each a list of fields: twice the tag and a number, or one more, a length and bytes."""

    def number(value):
        data = b""
        while value > 127:
            data += bytes([value & 127 | 128])
            value >>= 7
        return data + bytes([value])

    def fields(**values):
        return b"".join(number(2 * int(tag[1:]) + isinstance(value, bytes)) + (number(len(value)) + value if isinstance(value, bytes) else number(value))
                        for tag, value in values.items())

    event = fields(_1=2, _2=18, _3=b"\x81\x01\x02")
    rekeyed = fields(_1=2, _2=3, _3=b"k" * 32)
    standing = {"_34": 1, "_35": 4, "_36": 2 ** 63 - 1, "_37": 9}
    turns = {
        "hello": fields(_1=1, _5=77, _6=b"alice", _8=b"d" * 32, _21=1, _22=3, _23=2, _27=1, _28=b"k" * 32, _29=2, _30=b"laptop"),
        "post": fields(_1=2, _2=1, _3=2, _5=77, _24=5, _61=event),
        "void": fields(_1=3, _2=1, _5=77, _20=22, _24=6),
        "join": fields(_1=4, _2=1, _7=b"#lobby", _21=2, _25=1, _26=1, _27=1, _28=b"k" * 32, _31=1, _32=1, _33=60, **standing, _61=event),
        "leave": fields(_1=5, _2=1, _3=2, **standing, _60=rekeyed, _61=event),
        "confirm": fields(_1=6, _2=1, _3=1, _22=300),
        "room": fields(_1=9, _2=1, _3=2, _9=1, _10=b"tea", _31=1, _32=7, _61=event),
        "standing": fields(_1=10, _2=1, _3=2, _4=3, **standing, _60=rekeyed, _61=event),
        "key_ban": fields(_1=11, _2=1, _3=2, _8=b"d" * 32, _11=2 ** 63 - 1),
        "revoke": fields(_1=13, _2=1, _4=1, _8=b"d" * 32, _60=rekeyed),
        "role": fields(_1=14, _2=1, _4=3, _12=2),
        "purge": fields(_1=15, _3=2, _22=100, _38=1),
        "newer": fields(_1=5, _2=1, _200=7, _201=b"more"),
    }
    for name, body in turns.items():
        write("fuzz_turn", name, body + b"\0")
    write("fuzz_turn", "several", b"".join(body + b"\0" for body in turns.values()))
    write("fuzz_turn", "cut", turns["join"])


def make_typing():
    """fuzz_keys: length * 2 + silence, bytes; fuzz_editor: step, byte, and text where the step takes it."""

    def typed(*parts):
        return b"".join(bytes([2 * len(part) + 1]) + part for part in parts)

    seeds = {
        "text": typed("hello, 小明! مرحبا".encode(), b"\x01\x05\r"),
        "meta": typed(b"\x1b", b"\x1bb", b"\x1b1", b"\x1b\r", b"\x1b["),
        "xterm": typed(b"\x1b[A\x1bOB\x1b[1;5C\x1b[3~\x1b[5;2~\x1b[Z\x1bOP\x1b[24~"),
        "rxvt": typed(b"\x1b[a\x1bOc\x1b[5^\x1b[5$\x1b[6@\x1b\x1b[A"),
        "linux": typed(b"\x1b[[A\x1b[[E\x1b[1~\x1b[4~"),
        "newer": typed(b"\x1b[97;5u\x1b[13;3u\x1b[97;5:3u\x1b[27;5;105~\x1b[<64;1;2M"),
        "answers": typed(b"\x1b]11;rgb:0/0/0\x07\x1bP1$r0m\x1b\\\x1b[?62;22c\x1b[I\x1b[M !!"),
        "paste": typed(b"\x1b[200~one\r\ntwo\x1b[201", b"~x\xff", b"\x1b[201~"),
        "late": typed(b"\x1b[5", b"~\xe6\x98", b"\x8e"),
    }
    for name, data in seeds.items():
        write("fuzz_keys", name, data)
    steps = {"action": 0, "insert": 1, "piece": 2, "fill": 3, "replace": 4, "restore": 5, "sent": 6, "clear": 7,
             "search": 8, "search_end": 9, "view": 10, "switch": 11, "complete": 12}

    def step(name, byte=0, text=b""):
        return bytes([steps[name], byte]) + text

    words = step("insert", 11, b"one two six") + step("view", 40)
    pieces = b"".join(step("piece", n) + step("view", 33) for n in range(23))
    actions = b"".join(step("action", n) for n in range(24))
    scripts = {
        "words": words + actions + step("sent") + actions,
        "pieces": pieces + actions * 2,
        "full": step("fill", 211) + step("piece", 4) + step("view", 104) + actions,
        "recall": (words + step("sent")) * 2 + step("piece", 0) + step("action", 7) * 3 + step("piece", 4) + step("action", 8) * 4,
        "search": words + step("sent") + step("piece", 1) + step("search", 1) + step("search", 139) + step("search_end", 1),
        "two": words + step("action", 15) + step("switch", 1) + step("action", 17) + step("switch") + step("action", 18),
        "complete": step("piece", 0) + step("complete") * 3 + step("complete", 200) + step("replace", 66),
        "restore": step("restore", 6, "小明".encode()) + step("clear") + step("action", 20),
    }
    for name, script in scripts.items():
        write("fuzz_editor", name, script)


MAKERS = {"turns": make_turns, "typing": make_typing, "small": make_small, "wire": make_wire, "broker": make_broker, "client": make_client}

if __name__ == "__main__":
    for maker in sys.argv[1:] or MAKERS:
        MAKERS[maker]()
