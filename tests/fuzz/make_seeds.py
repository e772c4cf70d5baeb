#!/usr/bin/python3
"""Writes the seeds of corpus/ that are made, not found: `make_seeds.py [TARGET...]`, in this folder.

Run it when a verb or a field is new, and commit what it wrote. Files that a fuzzer has found have
other names and are left alone."""

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


MAKERS = {"wire": make_wire}

if __name__ == "__main__":
    for maker in sys.argv[1:] or MAKERS:
        MAKERS[maker]()
