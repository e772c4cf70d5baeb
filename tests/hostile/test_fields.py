#!/usr/bin/python3
"""Every field of every verb in every MessagePack type: what a table says is answered as it says, nothing else happens.
[R-6] [R-7] [R-8].

The table is read from shared/proto, so a new verb or field is tried the day it is written."""
import re
import struct

import msgpack

from witness import Attacker, Witness
from raw_client import unpack
from zchat_test import ROOT, check, equal, run_tests, test

WELL_FORMED = {"bad_field", "too_big", "bad_text", "bad_name"}
BATCH = 40  # maps on their way at a time
FENCE = 4000000000  # refs from here on are those of the PINGs between two questions

# What stands in a field: its type, and its value as far as a limit may forbid it.
ENCODINGS = {
    "nil": (None, b"\xc0"), "false": ("FLAG", b"\xc2"), "true": ("FLAG", b"\xc3"),
    "fixint": ("UINT", b"\x07"), "negative fixint": (None, b"\xff"),
    "uint8": ("UINT", b"\xcc\x07"), "uint16": ("UINT", b"\xcd\0\x07"), "uint32": ("UINT", b"\xce\0\0\0\x07"),
    "uint64": ("UINT", b"\xcf" + bytes(7) + b"\x07"), "the largest uint64": ("LARGEST", b"\xcf" + b"\xff" * 8),
    "int8": (None, b"\xd0\xff"), "int16": (None, b"\xd1\x80\0"), "int32": (None, b"\xd2\x80\0\0\0"),
    "int64": (None, b"\xd3\x80" + bytes(7)), "float32": (None, b"\xca" + struct.pack(">f", 1)),
    "float64": (None, b"\xcb" + struct.pack(">d", 1)), "not a number": (None, b"\xcb" + b"\xff" * 8),
    "fixstr": ("TEXT", b"\xa1x"), "str8": ("TEXT", b"\xd9\x01x"), "str16": ("TEXT", b"\xda\0\x01x"),
    "str32": ("TEXT", b"\xdb\0\0\0\x01x"), "no UTF-8": (None, b"\xa2\xff\xfe"), "a surrogate": (None, b"\xa3\xed\xa0\x80"),
    "overlong UTF-8": (None, b"\xa2\xc0\x80"), "an empty text": ("EMPTY", b"\xa0"),
    "bin8": ("BYTES", b"\xc4\x01x"), "bin16": ("BYTES", b"\xc5\0\x01x"), "bin32": ("BYTES", b"\xc6\0\0\0\x01x"),
    "an empty array": (None, b"\x90"), "an array": (None, b"\x92\x01\x02"), "array16": (None, b"\xdc\0\x01\x01"),
    "array32": (None, b"\xdd\0\0\0\x01\x01"), "an empty map": (None, b"\x80"), "a map": (None, b"\x81\xa1a\x01"),
    "map16": (None, b"\xde\0\x01\xa1a\x01"), "map32": (None, b"\xdf\0\0\0\x01\xa1a\x01"),
    "fixext1": (None, b"\xd4\x01x"), "fixext16": (None, b"\xd8\x01" + bytes(16)), "ext8": (None, b"\xc7\x01\x01x"),
    "ext32": (None, b"\xc9\0\0\0\x01\x01x"), "a timestamp": (None, b"\xd6\xff\0\0\0\0"),
}
# No MessagePack, or deeper and longer than a map may be: the rest of the frame is lost.
MALFORMED = {"the byte that means nothing": b"\xc1", "a text that ends early": b"\xdb\xff\xff\xff\xff",
             "a bin that ends early": b"\xc6\x7f\xff\xff\xff", "an array of 2^32": b"\xdd\xff\xff\xff\xff",
             "a map of 2^32": b"\xdf\xff\xff\xff\xff", "too deep": b"\x91" * 5 + b"\x01",
             "too many": b"\xdc\x04\x01" + b"\xc0" * 1025, "an ext that ends early": b"\xc9\xff\xff\xff\xff\x01"}


def read_tables():
    """Fields as {SYMBOL: (key, type)}, verbs as {name: (is to the broker, needed, allowed)}."""
    header = (ROOT / "shared/proto/message.h").read_text()
    source = (ROOT / "shared/proto/verbs.c").read_text()
    fields = {symbol: (key, kind) for symbol, key, kind in
              re.findall(r'X\((\w+), "(\w+)",\s+FIELD_(\w+),', header)}
    names = dict(re.findall(r'X\((\w+), "(\w+)"\)', header))
    verbs = {}
    for symbol, directions, rest in re.findall(r"ROW\(([A-Z_]+), ([\w| ]+),(.*?)\),?\n(?=    ROW|    /\*|};)", source, re.S):
        needed, _, optional = rest.partition(",")
        verbs[names[symbol]] = ("TO_BROKER" in directions, re.findall(r"F\((\w+)\)", needed),
                                re.findall(r"F\((\w+)\)", needed + optional))
    return fields, names, verbs


def good_value(key, kind):
    values = {"stream": "#nowhere", "nick": "eve", "low": 1, "high": 1, "session": 5, "number": 4000000000, "first": 1}
    return msgpack.packb(values.get(key, {"UINT": 1, "TEXT": "x", "BYTES": b"x", "FLAG": False}[kind]))


def pair(key, value):
    return msgpack.packb(key) + value


def build(verb, pairs):
    """A map of raw pairs with its verb."""
    body = [pair("v", msgpack.packb(verb))] + [pair(key, value) for key, value in pairs.items()]
    return bytes([0x80 | len(body)]) + b"".join(body) if len(body) < 16 else b"\xde\0" + bytes([len(body)]) + b"".join(body)


def cases(fields, verbs, encodings):
    """(what it is, the map, needed and allowed, field's type, encoding) of every field of every verb."""
    for verb, (is_ours, needed, allowed) in verbs.items():
        for symbol, (key, kind) in fields.items():
            base = {fields[each][0]: good_value(*fields[each]) for each in needed}
            for name, encoding in encodings.items():
                yield (f"{verb}.{key} as {name}", build(verb, {**base, key: encoding[-1]}), is_ours,
                       symbol in allowed, kind, encoding[0])


def ask_all(eve, maps):
    """Send each with a PING behind it, and return what came between the PONGs."""
    answers = []
    for begin in range(0, len(maps), BATCH):
        batch = maps[begin:begin + BATCH]
        for at, (data, is_frame) in enumerate(batch):
            ping = msgpack.packb({"v": "ping", "ref": FENCE + at})
            if is_frame:  # what is malformed takes the rest of its frame with it
                eve.say(data)
                eve.say(ping)
            else:
                eve.say(data + ping)
        now = [[]]
        while len(now) <= len(batch):
            for each in unpack(eve.hear()):
                if each["v"] == "pong" and each.get("ref", 0) >= FENCE:
                    now.append([])
                else:
                    now[-1].append(each)
        answers += now[:-1]
    return answers


def enter(witness, about):
    eve = Attacker(witness.broker)
    eve.enter("eve" + about)
    return eve


@test
def a_field_of_a_wrong_type_is_refused_and_the_others_are_served(scene):
    fields, names, verbs = read_tables()
    equal(set(verbs), set(names.values()), "verbs that were read from verbs.c")
    check(len(fields) > 40 and len(verbs) > 25, f"only {len(fields)} fields and {len(verbs)} verbs were read")
    witness = Witness(scene)
    all_cases = [each for each in cases(fields, verbs, ENCODINGS)
                 if not (each[0].startswith(("hello.", "bye.")) and each[2])]
    with enter(witness, "") as eve:
        answers = ask_all(eve, [(each[1], False) for each in all_cases])
    for (about, _, is_ours, is_allowed, kind, type_), answer in zip(all_cases, answers):
        errors = [each.get("error") for each in answer if each["v"] == "error"]
        if not is_ours:
            equal(errors, ["unknown_verb"], f"answer to {about}")
        elif is_allowed and type_ != kind and not (type_, kind) in (("LARGEST", "UINT"), ("EMPTY", "TEXT")):
            # a post that is not the next one is told so before anything else
            is_late = about.startswith("post.") and [each["v"] for each in answer] == ["expect"]
            check(is_late or len(errors) == 1 and errors[0] in WELL_FORMED, f"{about} is answered with {answer}")
    check(len(all_cases) > 20000, f"only {len(all_cases)} maps were sent")
    print(f"# {len(all_cases)} maps, {sum(map(len, answers))} answers")
    witness.check_nothing_else("eve")


@test
def hello_with_a_field_of_a_wrong_type_lets_nobody_in(scene):
    fields, _, verbs = read_tables()
    witness = Witness(scene)
    with enter(witness, "") as eve:  # to have PONGs; its own HELLO is said again with every field spoilt
        some = [each for each in cases(fields, {"hello": verbs["hello"]}, ENCODINGS)
                if each[3] and each[4] != each[5] and (each[5], each[4]) not in (("LARGEST", "UINT"), ("EMPTY", "TEXT"))]
        for (about, *_), answer in zip(some, ask_all(eve, [(each[1], False) for each in some])):
            errors = [each.get("error") for each in answer if each["v"] == "error"]
            check(len(errors) == 1 and errors[0] in WELL_FORMED, f"{about} is answered with {answer}")
    witness.check_nothing_else("eve")


@test
def bytes_that_are_no_messages_in_every_field_are_malformed(scene):
    fields, _, verbs = read_tables()
    witness = Witness(scene)
    some = [each for each in cases(fields, verbs, {name: ("", data) for name, data in MALFORMED.items()})
            if not each[0].startswith("bye.")]
    with enter(witness, "") as eve:
        answers = ask_all(eve, [(each[1], True) for each in some])
    for (about, *_), answer in zip(some, answers):
        equal([each.get("error") for each in answer], ["malformed"], f"answer to {about}")
    print(f"# {len(some)} maps")
    witness.check_nothing_else("eve")


@test
def the_verb_and_the_keys_of_a_wrong_type_are_refused(scene):
    witness = Witness(scene)
    verbs = [b"\x81\xa1v" + data for _, data in ENCODINGS.values()]
    keys = [b"\x82\xa1v\xa4ping" + data + b"\x01" for _, data in ENCODINGS.values()
            if not (0xa0 <= data[0] <= 0xbf or 0xd9 <= data[0] <= 0xdb)]  # any text may be an unknown key
    twice = [build("ping", {"ref": b"\x01"})[:-1] + b"\x01\xa3ref\x02"]
    twice = [b"\x83" + each[1:] for each in twice]
    with enter(witness, "") as eve:
        for answer in ask_all(eve, [(data, False) for data in verbs + twice]):
            check(len(answer) == 1 and answer[0].get("error") in ("bad_field", "unknown_verb"), f"answer: {answer}")
        for answer in ask_all(eve, [(data, True) for data in keys]):
            equal([each.get("error") for each in answer], ["malformed"], "answer to a key that is no text")
        for size in (5, 31, 32):  # pairs beside the verb
            answer = ask_all(eve, [(build("head", {"stream": msgpack.packb("#no"), **{f"k{n}": b"\x90" for n in range(size - 1)}}),
                                    True)])[0]
            equal([each.get("error") for each in answer], ["no_such_room" if size < 32 else "malformed"],
                  f"answer to {size} pairs and a verb")
    witness.check_nothing_else("eve")


if __name__ == "__main__":
    run_tests()
