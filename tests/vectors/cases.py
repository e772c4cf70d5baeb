"""cases.py - the vectors of protocol 3 to 9, packed by another MessagePack implementation.

The grammar stands here a second time, from docs/protocol.md, so that shared/proto/verbs.c is not its own judge."""
import msgpack

U32, U63, U64 = 2**32 - 1, 2**63 - 1, 2**64 - 1
TO_BROKER, TO_CLIENT, TO_EVERYBODY = "to_broker", "to_client", "to_everybody"

# key: (type, most, a value). The order is that in which the broker and the client library write.
FIELDS = {
    "ref": ("uint", U32, 7), "low": ("uint", U32, 1), "high": ("uint", U32, 1), "version": ("uint", U32, 1),
    "nick": ("text", 128, "alice"), "session": ("uint", U64, 0xFEDCBA9876543210), "number": ("uint", U32, 4),
    "next": ("uint", U32, 5), "stream": ("text", 129, "#lobby"), "seq": ("uint", U63, 18),
    "own_seq": ("uint", U63, 300), "peer_seq": ("uint", U63, 70000), "upto": ("uint", U63, 17),
    "first": ("uint", U63, 1), "last": ("uint", U63, 256), "since": ("uint", U63, 1795425710123),
    "ts": ("uint", U63, 1795425710123), "type": ("text", 16, "message"), "kind": ("text", 16, "notice"),
    "from": ("text", 128, "bob"), "to": ("text", 128, "小明"), "text": ("text", 16384, "hello, world"),
    "state": ("text", 16, "online"), "devices": ("uint", U32, 2), "people": ("uint", U32, 40),
    "member": ("flag", 1, True), "mine": ("flag", 1, True), "create": ("flag", 1, True),
    "inbox": ("flag", 1, True), "away": ("flag", 1, True), "done": ("flag", 1, False), "code": ("uint", U32, 16),
    "error": ("text", 32, "busy"), "retry": ("uint", U32, 200), "token": ("uint", U64, 9),
    "cursor": ("uint", U63, 129), "credit": ("uint", 16, 4), "confirmed": ("uint", U63, 12),
    "epoch": ("uint", U32, 1), "key": ("bytes", 32, bytes(range(32))), "box": ("bytes", 65536, b"\xa5" * 48),
    "window": ("uint", U32, 256), "ping_ms": ("uint", U32, 3000), "expire_ms": ("uint", U32, 10000),
    "agent": ("text", 64, "zchat 0.1.0"), "name": ("text", 64, "backup"),
    "invite": ("bytes", 16, bytes(range(16))), "role": ("text", 16, "operator"), "device": ("flag", 1, True),
    "op": ("flag", 1, True), "private": ("flag", 1, True), "persistent": ("flag", 1, True),
    "topic": ("text", 400, "arms and legs"), "room": ("text", 129, "#lab"), "seconds": ("uint", U32, 3600),
    "until": ("uint", U63, 1795425710123), "count": ("uint", 128, 20), "value": ("uint", U64, 0xFEDCBA9876543210),
    "size": ("uint", U63, 1048576), "events": ("uint", U63, 4711),
    "chat": ("uint", U63, 0x7EDCBA9876543210),
    "brokers": ("text", 4096, "zchat://a.example.org:5670?key=" + "a1" * 32 + " zchat://b.example.org:5670?key=" + "b2" * 32),
    "address": ("text", 511, "zchat://a.example.org:5670?key=" + "a1" * 32),
}

GRAMMAR = [
    ("hello", [TO_BROKER], "low high nick session [inbox] [agent] [invite] [number] [ref]"),
    ("welcome", [TO_CLIENT], "version nick session next stream seq confirmed [key] [epoch] window ping_ms "
                             "expire_ms ts [role] [agent] [chat] [brokers] [ref]"),
    ("bye", [TO_BROKER, TO_CLIENT], "[retry]"),
    ("post", [TO_BROKER], "number stream text [kind]"),
    ("ack", [TO_CLIENT], "number stream seq ts [own_seq]"),
    ("expect", [TO_CLIENT], "next"),
    ("skip", [TO_BROKER], "number"),
    ("confirm", [TO_BROKER], "stream seq"),
    ("event", [TO_CLIENT, TO_EVERYBODY], "stream seq ts type from [to] [text] [kind] [session] [number] "
                                         "[peer_seq] [upto] [room] [until] [ref]"),
    ("head", [TO_BROKER, TO_CLIENT, TO_EVERYBODY], "stream [seq] [epoch] [key] [ref]"),
    ("probe", [TO_BROKER, TO_EVERYBODY], "token"),
    ("fetch", [TO_BROKER], "stream [first] [last] [since] [credit] [ref]"),
    ("events", [TO_CLIENT], "stream first last seq done [ref]"),
    ("gone", [TO_CLIENT], "stream first seq [last] [ref]"),
    ("join", [TO_BROKER], "stream [create] [private] [persistent] [ref]"),
    ("joined", [TO_CLIENT], "stream seq people [topic] [private] [persistent] [op] [seconds] [epoch] [key] [ref]"),
    ("leave", [TO_BROKER], "stream [ref]"),
    ("left", [TO_CLIENT], "stream [ref]"),
    ("rooms", [TO_BROKER], "[mine] [cursor] [ref]"),
    ("room", [TO_CLIENT], "stream seq people member [topic] [private] [persistent] [op] [seconds] [ref]"),
    ("who", [TO_BROKER], "[stream] [cursor] [ref]"),
    ("person", [TO_CLIENT], "nick state devices [stream] [role] [op] [ref]"),
    ("end", [TO_CLIENT], "[cursor] [done] [ref]"),
    ("search", [TO_BROKER], "[text] [stream] [nick] [from] [since] [until] [cursor] [count] [ref]"),
    ("sealed", [TO_EVERYBODY], "stream seq epoch box"),
    ("mark", [TO_BROKER, TO_CLIENT], "name stream [seq] [ref]"),
    ("ping", [TO_BROKER], "[ref] [away]"),
    ("pong", [TO_CLIENT], "ts stream seq confirmed [ref]"),
    ("topic", [TO_BROKER], "stream topic [ref]"),
    ("mode", [TO_BROKER], "stream [private] [persistent] [seconds] [ref]"),
    ("invite", [TO_BROKER], "stream nick [ref]"),
    ("op", [TO_BROKER], "stream nick [ref]"),
    ("deop", [TO_BROKER], "stream nick [ref]"),
    ("kick", [TO_BROKER], "stream nick [text] [ref]"),
    ("ban", [TO_BROKER], "[stream] [nick] [key] [seconds] [text] [ref]"),
    ("unban", [TO_BROKER], "[stream] [nick] [key] [ref]"),
    ("mute", [TO_BROKER], "stream nick [seconds] [text] [ref]"),
    ("unmute", [TO_BROKER], "stream nick [ref]"),
    ("bans", [TO_BROKER], "[stream] [cursor] [ref]"),
    ("banned", [TO_CLIENT], "state [stream] [nick] [key] [until] [ref]"),
    ("done", [TO_CLIENT], "[stream] [nick] [seq] [name] [size] [events] [seconds] [ref]"),
    ("backup", [TO_BROKER], "name [ref]"),
    ("purge", [TO_BROKER], "[stream] [nick] [until] [ref]"),
    ("admit", [TO_BROKER], "[nick] [role] [seconds] [device] [name] [ref]"),
    ("invitation", [TO_CLIENT], "invite role until [nick] [ref]"),
    ("devices", [TO_BROKER], "[nick] [ref]"),
    ("device", [TO_CLIENT], "key ts [name] [member] [ref]"),
    ("revoke", [TO_BROKER], "[nick] [key] [ref]"),
    ("role", [TO_BROKER], "nick role [ref]"),
    ("sessions", [TO_BROKER], "[cursor] [ref]"),
    ("session", [TO_CLIENT], "nick session state ts [key] [name] [ref]"),
    ("stats", [TO_BROKER], "[cursor] [ref]"),
    ("stat", [TO_CLIENT], "name value [ref]"),
    ("brokers", [TO_BROKER], "[cursor] [ref]"),
    ("broker", [TO_CLIENT], "name state ts devices [token] [address] [agent] [member] [since] [expire_ms] [upto] [last] [ref]"),
    ("error", [TO_CLIENT], "code error text [ref] [number] [retry] [stream]"),
]
PING = {"v": "ping", "ref": 7}


class Raw(bytes):
    """Bytes that stand in a map as they are."""


def fields_of(words, is_all):
    names = {word.strip("[]") for word in words.split() if is_all or not word.startswith("[")}
    return [name for name in FIELDS if name in names]


def sample(verb, names):
    return {"v": verb, **{name: FIELDS[name][2] for name in names}}


def pack(value):
    return bytes(value) if isinstance(value, Raw) else msgpack.packb(value, use_bin_type=True)


def pack_map(pairs):
    pairs = list(pairs.items()) if isinstance(pairs, dict) else pairs
    head = msgpack.Packer().pack_map_header(len(pairs))
    return head + b"".join(pack(key) + pack(value) for key, value in pairs)


def frame_of(direction, body, topic="#lobby"):
    return topic.encode() + b"\0" + body if direction == TO_EVERYBODY else body


def good(name, direction, body, maps, skipped=(), canonical=False):
    case = {"name": name, "direction": direction, "frame": frame_of(direction, body), "maps": maps}
    if direction == TO_EVERYBODY:
        case["topic"] = "#lobby"
    if skipped:
        case["skipped"] = list(skipped)
    if canonical:
        case["canonical"] = True
    return case


def bad(name, direction, body, error, answer=None, before=(), after=(), is_msgpack=True, topic="#lobby"):
    """`answer`: what of v, ref and number can be read from the refused map."""
    return {"name": name, "direction": direction, "frame": frame_of(direction, body, topic),
            "maps": list(before) + list(after), "error": error, "at": len(before), "answer": answer or {},
            "msgpack": is_msgpack}


def answer_of(message):
    return {key: message[key] for key in ("v", "ref", "number") if key in message}


def good_verbs():
    for verb, directions, words in GRAMMAR:
        for direction in directions:
            for is_all in (False, True):
                message = sample(verb, fields_of(words, is_all))
                yield good(f"{verb} {direction} with {'every field' if is_all else 'the needed fields'}",
                           direction, pack_map(message), [message], canonical=True)


def verb_of(field):
    """A verb that reads this field: name, direction, fields it needs."""
    for verb, directions, words in GRAMMAR:
        if field in fields_of(words, True):
            return verb, directions[0], fields_of(words, False)
    raise KeyError(field)


def with_field(field, value):
    verb, direction, needed = verb_of(field)
    return direction, {**sample(verb, [name for name in needed if name != field]), field: value}


def most_of(field):
    kind, most, _ = FIELDS[field]
    if field == "box":
        most = 65000  # no frame holds its limit
    if kind in ("uint", "flag"):
        return most if kind == "uint" else True
    return ("x" if kind == "text" else b"x") * most


def good_limits():
    for field, (kind, _, _) in FIELDS.items():
        direction, message = with_field(field, most_of(field))
        yield good(f"{field} at its limit", direction, pack_map(message), [message])
        least = {"uint": 0, "flag": False, "text": "", "bytes": b""}[kind]
        direction, message = with_field(field, least)
        yield good(f"{field} zero or empty", direction, pack_map(message), [message])


def good_widths():
    widths = {"uint8": "cc07", "uint16": "cd0007", "uint32": "ce00000007", "uint64": "cf0000000000000007",
              "int8": "d007", "int16": "d10007", "int32": "d200000007", "int64": "d30000000000000007"}
    for name, value in widths.items():
        yield good(f"ref as {name}", TO_BROKER, pack_map({"v": "ping", "ref": Raw(bytes.fromhex(value))}), [PING])
    for name, head in {"str8": "d904", "str16": "da0004", "str32": "db00000004"}.items():
        raw = Raw(bytes.fromhex(head) + b"ping")
        yield good(f"the verb as {name}", TO_BROKER, pack_map({"v": raw, "ref": 7}), [PING])
    for name, head in {"str8": "d903", "str16": "da0003", "str32": "db00000003"}.items():
        raw = Raw(bytes.fromhex(head) + b"ref")
        yield good(f"a key as {name}", TO_BROKER, pack_map([("v", "ping"), (raw, 7)]), [PING])
    sealed = sample("sealed", ["stream", "seq", "epoch", "box"])
    for name, head in {"bin8": "c430", "bin16": "c50030", "bin32": "c600000030"}.items():
        raw = Raw(bytes.fromhex(head) + sealed["box"])
        yield good(f"a box as {name}", TO_EVERYBODY, pack_map({**sealed, "box": raw}), [sealed])
    body = pack_map(PING)[1:]
    yield good("a map16", TO_BROKER, bytes.fromhex("de0002") + body, [PING])
    yield good("a map32", TO_BROKER, bytes.fromhex("df00000002") + body, [PING])


def good_skips():
    values = {"nil": None, "a float": 1.5, "a negative number": -7, "a boolean": True, "a string": "later",
              "binary": b"\xff", "an extension": msgpack.ExtType(5, b"12345"),
              "a timestamp": msgpack.Timestamp(1795425710, 5), "an empty array": [], "an empty map": {},
              "an array": [1, "two", [3], {"four": 5}], "a map": {"a": {"b": {"c": {}}}},
              "four levels": [[[[]]]], "1,024 items": [0] * 1024,
              "1,024 items over two levels": [[0] * 1022, 0], "512 pairs": {n: 0 for n in range(512)}}
    for name, value in values.items():
        yield good(f"an unknown key with {name}", TO_BROKER, pack_map({"zz": value, **PING}), [PING], ["zz"])
    yield good("an ill-formed string under an unknown key", TO_BROKER,
               pack_map({**PING, "zz": Raw(b"\xa1\xff")}), [PING], ["zz"])
    yield good("an empty key", TO_BROKER, pack_map({"": 1, **PING}), [PING], [""])
    yield good("a key of 32 bytes", TO_BROKER, pack_map({"k" * 32: 1, **PING}), [PING], ["k" * 32])
    more = {f"k{n}": n for n in range(30)}
    yield good("32 pairs", TO_BROKER, pack_map({**more, **PING}), [PING], list(more))
    yield good("a known key that the verb does not have", TO_BROKER, pack_map({"text": "x", **PING}), [PING],
               ["text"])
    yield good("a known key that the verb does not have, with another type", TO_BROKER,
               pack_map({"key": [True], **PING, "credit": -1}), [PING], ["key", "credit"])
    yield good("a known key that the verb does not have, too long", TO_BROKER,
               pack_map({"nick": "x" * 129, **PING}), [PING], ["nick"])
    yield good("a known key that the verb does not have, ill-formed", TO_BROKER,
               pack_map({"text": Raw(b"\xa1\xff"), **PING}), [PING], ["text"])
    yield good("an unknown key twice", TO_BROKER,
               pack_map([("v", "ping"), ("zz", 1), ("zz", 2), ("ref", 7)]), [PING], ["zz"])


def good_frames():
    post = sample("post", ["number", "stream", "text"])
    backwards = [(key, post[key]) for key in reversed(post)]
    yield good("the verb last", TO_BROKER, pack_map(backwards), [post])
    yield good("several maps", TO_BROKER, pack_map(post) + pack_map(PING) + pack_map(post), [post, PING, post])
    ping = {"v": "ping"}
    yield good("1,024 maps", TO_BROKER, pack_map(ping) * 1024, [ping] * 1024)
    rest = pack_map({"zz": "", **PING})
    yield good("a frame of 65,536 bytes", TO_BROKER, pack_map({"zz": "x" * (65536 - len(rest) - 2), **PING}),
               [PING], ["zz"])
    head = {**sample("events", ["stream", "first", "last", "seq", "done", "ref"]), "first": 17, "last": 18}
    said = sample("event", ["stream", "seq", "ts", "type", "from", "text", "session", "number"])
    joined = {**sample("event", ["stream", "seq", "ts", "type", "from"]), "seq": 17, "type": "join"}
    yield good("a page of events", TO_CLIENT, pack_map(head) + pack_map(joined) + pack_map(said),
               [head, joined, said])
    for name, text in {"of two bytes": "é\u0080\u07ff", "of three bytes": "小\u0800\ud7ff\ue000\uffff",
                       "of four bytes": "😀\U00010000\U0010ffff", "with NUL and controls": "a\0b\x1b[2J\n"}.items():
        yield good(f"text {name}", TO_BROKER, pack_map({**post, "text": text}), [{**post, "text": text}],
                   canonical=True)


def bad_frames():
    post = sample("post", ["number", "stream", "text"])
    yield bad("an empty frame", TO_BROKER, b"", "malformed")
    yield bad("an empty broadcast", TO_EVERYBODY, b"", "malformed")
    whole = pack_map({**post, "zz": [1, {"a": b"b"}]})
    for cut in range(1, len(whole)):
        yield bad(f"a post cut off at {cut}", TO_BROKER, whole[:cut], "malformed", is_msgpack=False)
    for name, value in {"a number": 7, "a string": "ping", "nil": None, "an array": [PING], "binary": b"ping"}.items():
        yield bad(f"{name} instead of a map", TO_BROKER, pack(value), "malformed")
    yield bad("garbage behind a map", TO_BROKER, pack_map(PING) + b"\xc1", "malformed", before=[PING],
              is_msgpack=False)
    yield bad("nothing is read behind malformed bytes", TO_BROKER, pack_map(PING) + b"\xc0" + pack_map(PING),
              "malformed", before=[PING])
    yield bad("1,025 maps", TO_BROKER, pack_map({"v": "ping"}) * 1025, "malformed", before=[{"v": "ping"}] * 1024)
    rest = pack_map({"zz": "", **PING})
    yield bad("a frame of 65,537 bytes", TO_BROKER, pack_map({"zz": "x" * (65537 - len(rest) - 2), **PING}), "too_big")
    yield bad("no topic", TO_EVERYBODY, pack_map(sample("head", ["stream"])), "malformed", topic="#" * 200)
    for name, head in {"an array": "ddffffffff", "a map": "dfffffffff", "a string": "dbffffffff",
                       "binary": "c6ffffffff", "an extension": "c9ffffffff05"}.items():
        yield bad(f"an unknown key that promises 4 GiB of {name}", TO_BROKER,
                  pack_map({**PING, "zz": Raw(bytes.fromhex(head))}), "malformed", is_msgpack=False)
    yield bad("a map that promises 4 Gi pairs", TO_BROKER, b"\xdf\xff\xff\xff\xff" + pack_map(PING)[1:], "malformed",
              is_msgpack=False)
    yield bad("the byte that is never used", TO_BROKER, pack_map({**PING, "zz": Raw(b"\xc1")}), "malformed",
              is_msgpack=False)
    yield bad("33 pairs", TO_BROKER, pack_map({**{f"k{n}": n for n in range(31)}, **PING}), "malformed")
    yield bad("a key of 33 bytes", TO_BROKER, pack_map({"k" * 33: 1, **PING}), "malformed")
    yield bad("a number as key", TO_BROKER, pack_map([(1, 1), ("v", "ping")]), "malformed")
    yield bad("a binary key", TO_BROKER, pack_map([(b"v", "ping")]), "malformed")
    yield bad("five levels under an unknown key", TO_BROKER, pack_map({"zz": [[[[[]]]]], **PING}), "malformed")
    yield bad("five levels under a known key", TO_BROKER, pack_map({"v": "ping", "ref": [[[[[]]]]]}), "malformed")
    yield bad("1,025 items", TO_BROKER, pack_map({"zz": [0] * 1025, **PING}), "malformed")
    yield bad("1,025 items over two levels", TO_BROKER, pack_map({"zz": [[0] * 1023, 0], **PING}), "malformed")
    yield bad("513 pairs under an unknown key", TO_BROKER, pack_map({"zz": {n: 0 for n in range(513)}, **PING}), "malformed")


def bad_verbs():
    yield bad("an empty map", TO_BROKER, pack_map({}), "bad_field", after=[], answer={})
    yield bad("no verb", TO_BROKER, pack_map({"ref": 7}) + pack_map(PING), "bad_field", {"ref": 7}, after=[PING])
    for name, value in {"a number": 7, "binary": b"ping", "nil": None, "an array": ["ping"]}.items():
        yield bad(f"{name} as verb", TO_BROKER, pack_map({"v": value, "ref": 7}), "bad_field", {"ref": 7})
    yield bad("the verb twice", TO_BROKER, pack_map([("v", "ping"), ("v", "ping"), ("ref", 7)]), "bad_field", PING)
    for name in ("pang", "", "PING", "ping ", "pin"):
        yield bad(f"unknown verb '{name}'", TO_BROKER, pack_map({"v": name, "ref": 7, "number": 4}) + pack_map(PING),
                  "unknown_verb", {"ref": 7, "number": 4}, after=[PING])
    for verb, directions, words in GRAMMAR:
        for direction in (TO_BROKER, TO_CLIENT, TO_EVERYBODY):
            if direction not in directions:
                message = sample(verb, fields_of(words, True))
                yield bad(f"{verb} {direction}", direction, pack_map(message), "unknown_verb", answer_of(message))


def bad_fields():
    for verb, directions, words in GRAMMAR:
        for missing in fields_of(words, False):
            message = sample(verb, [name for name in fields_of(words, True) if name != missing])
            yield bad(f"{verb} without {missing}", directions[0], pack_map(message), "bad_field", answer_of(message))
    wrong = {"uint": ["7", b"7", -1, True, 7.0, None, [7]], "flag": [1, "true", None, {}],
             "text": [7, b"text", None, ["text"], {"text": 1}], "bytes": ["bytes", 7, None, [b"b"]]}
    for field, (kind, most, value) in FIELDS.items():
        for other in wrong[kind]:
            direction, message = with_field(field, other)
            answer = answer_of({key: kept for key, kept in message.items() if key != field})
            yield bad(f"{field} as {other!r}", direction, pack_map(message), "bad_field", answer)
        direction, message = with_field(field, value)
        twice = pack_map(list(message.items()) + [(field, value)])
        yield bad(f"{field} twice", direction, twice, "bad_field", answer_of(message))
        if (kind == "uint" and most == U64) or kind == "flag" or field == "box":
            continue
        over = most + 1 if kind == "uint" else ("x" if kind == "text" else b"x") * (most + 1)
        direction, message = with_field(field, over)
        answer = answer_of({key: kept for key, kept in message.items() if key != field})
        yield bad(f"{field} over its limit", direction, pack_map(message), "bad_field" if kind == "uint" else "too_big", answer)
    for name, value in {"int8": "d0ff", "int16": "d1ffff", "int32": "d280000000", "int64": "d3ffffffffffffffff",
                        "a fixint": "e0"}.items():
        yield bad(f"ref below zero as {name}", TO_BROKER, pack_map({"v": "ping", "ref": Raw(bytes.fromhex(value))}),
                  "bad_field", {"v": "ping"})


def bad_texts():
    post = sample("post", ["number", "stream", "text"])
    ill = {"a continuation alone": "80", "a cut character": "e5b0", "a missing continuation": "c328",
           "an overlong slash": "c0af", "an overlong NUL": "c080", "an overlong of three bytes": "e09fbf",
           "an overlong of four bytes": "f08fbfbf", "a surrogate": "eda080", "beyond U+10FFFF": "f4908080",
           "0xff": "ff", "a bad byte behind good text": b"eight good bytes and more\xfe".hex()}
    for name, text in ill.items():
        raw = bytes.fromhex(text)
        head = bytes([0xA0 + len(raw)])
        yield bad(f"text with {name}", TO_BROKER, pack_map({**post, "text": Raw(head + raw)}) + pack_map(PING), "bad_text",
                  answer_of(post), after=[PING])
        yield bad(f"a stream's name with {name}", TO_BROKER, pack_map({**post, "stream": Raw(head + raw)}), "bad_field",
                  answer_of(post))


def good_cases():
    return [*good_verbs(), *good_limits(), *good_widths(), *good_skips(), *good_frames()]


def bad_cases():
    return [*bad_frames(), *bad_verbs(), *bad_fields(), *bad_texts()]
