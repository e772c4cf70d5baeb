#!/usr/bin/python3
"""tables.py - docs/protocol.md says what the code does: errors, limits, timers, verbs and what holds for each."""
import re

from common import ROOT, Faults

DOCUMENT = "docs/protocol.md"

# What section 12 says of limits, and what shared/base/limits.h calls it. A number stands in the
# document where the group is.
LIMITS = {
    "FRAME_BYTES_MAX": r"frame ([\d,]+) bytes",
    "MAPS_PER_FRAME_MAX": r"maps in a frame ([\d,]+)",
    "MAP_KEYS_MAX": r"pairs in a map (\d+)",
    "KEY_BYTES_MAX": r"key (\d+) bytes",
    "TEXT_BYTES_MAX": r"text ([\d,]+) bytes",
    "NAME_CHARS_MAX": r"name (\d+) characters",
    "NAME_BYTES_MAX": r"name \d+ characters,\s+(\d+) bytes",
    "TOPIC_BYTES_MAX": r"topic (\d+) bytes",
    "AGENT_BYTES_MAX": r"agent (\d+) bytes",
    "MARK_NAME_BYTES_MAX": r"mark name (\d+) bytes",
    "POST_WINDOW": r"window (\d+) posts",
    "FETCH_CREDIT_MAX": r"FETCH (\d+) pages",
    "FETCH_PAGE_EVENTS_MAX": r"pages of (\d+) events",
    "FETCH_OUTSTANDING_MAX": r"events, (\d+) outstanding",
    "LIST_PAGE_MAX": r"list page (\d+) rows",
    "SEARCH_BYTES_MAX": r"SEARCH (\d+) bytes",
    "SEARCH_TERMS_MAX": r"SEARCH \d+ bytes, (\d+) terms",
    "SEARCH_OUTSTANDING_MAX": r"terms, (\d+) outstanding",
}
# The same numbers where sections tell of them, and timers of section 8; seconds times a thousand.
ELSEWHERE = {
    "SKIP_DEPTH_MAX": (r"a nesting of (\d+)", 1),
    "SKIP_ITEMS_MAX": (r"a nesting of \d+ and ([\d,]+) items", 1),
    "ASKS_OUTSTANDING_MAX": (r"in the store's hands \((\d+), else `busy`\)", 1),
    "SEARCH_MS": (r"A search that takes longer than (\d+) s", 1000),
    "REPUBLISH_EVENTS_MAX": (r"unconfirmed events \(at most (\d+)\)", 1),
    "DEFAULT_PORT": (r"PORT defaults to (\d+)", 1),
    "PING_MS": (r"`ping_ms` \((\d+) s\)", 1000),
    "SESSION_EXPIRE_MS": (r"`expire_ms` \((\d+) s\)", 1000),
    "LINK_DEAD_MS": (r"nothing heard for (\d+) s: open", 1000),
    "RECONNECT_MIN_MS": (r"reconnect \| ([\d.]+) s", 1000),
    "RECONNECT_MAX_MS": (r"reconnect \| [\d.]+ s, doubling to ([\d.]+) s", 1000),
    "RETRY_MIN_MS": (r"post retry \| ([\d.]+) s", 1000),
    "RETRY_MAX_MS": (r"post retry \| [\d.]+ s, doubling to ([\d.]+) s", 1000),
    "PROBE_MS": (r"probe \| ([\d.]+) s", 1000),
    "PROBE_MAX_MS": (r"probe \| [\d.]+ s, doubling to ([\d.]+) s", 1000),
    "FETCH_RETRY_MS": (r"fetch without an answer \| ([\d.]+) s", 1000),
    "HEAD_DELAY_MS": (r"HEAD after the last event \| ([\d.]+) s", 1000),
    "REPUBLISH_MIN_MS": (r"republication \| (\d+), ", 1000),
    "REPUBLISH_MAX_MS": (r"republication \| [\d, ]*?(\d+) s", 1000),
}


def read(path):
    return (ROOT / path).read_text()


def section(text, number):
    return re.search(rf"^## {number}\. .*?(?=^## |\Z)", text, re.M | re.S).group(0)


def check_errors(text, faults):
    code = {}
    for symbol, number, name, sentence in re.findall(
            r'X\((RC_\w+), (\d+), "(\w+)", "([^"]+)"\)', read("shared/base/rc.h")):
        if 0 < int(number) < 100:
            code[int(number)] = (symbol, name, sentence)
    told = {int(number): (name, sentence.strip(), transient.strip())
            for number, name, sentence, transient in re.findall(
                r"^\| (\d+) \| (\w+) \| ([^|]+) \|([^|]*)\|", section(text, 9), re.M)}
    for number in sorted(code.keys() | told.keys()):
        if code.get(number, (0, 0, 0))[1:] != told.get(number, (0, 0, 0))[:2]:
            faults.add(DOCUMENT, f"error {number}: rc.h says {code.get(number)}, section 9 {told.get(number)}")

    body = re.search(r"rc_is_transient\(enum rc \w+\)\s*\{(.*?)^\}", read("shared/base/rc.c"), re.M | re.S)
    if body is None:
        faults.add("shared/base/rc.c", "rc_is_transient() is not to be found")
        return
    in_code = set(re.findall(r"RC_\w+", body.group(1)))
    in_document = {code[n][0] for n, row in told.items() if row[2] == "yes" and n in code}
    if in_code != in_document:
        faults.add(DOCUMENT, f"transient: rc.c says {sorted(in_code)}, section 9 {sorted(in_document)}")


def check_limits(text, faults):
    values = {name: int(value) for name, value in
              re.findall(r"^#define (\w+)\s+(\d+)", read("shared/base/limits.h"), re.M)}
    summary = section(text, 12)
    patterns = [(name, summary, pattern, 1) for name, pattern in LIMITS.items()]
    patterns += [(name, text, pattern, factor) for name, (pattern, factor) in ELSEWHERE.items()]
    for name, where, pattern, factor in patterns:
        found = re.search(pattern, where)
        if found is None:
            faults.add(DOCUMENT, f"says nothing like '{pattern}' ({name})")
            continue
        told = round(float(found.group(1).replace(",", "")) * factor)
        if told != values.get(name):
            faults.add(DOCUMENT, f"{name}: limits.h says {values.get(name)}, the document {told}")


def verb_names():
    header = read("shared/proto/message.h")
    table = header[header.index("#define VERB_TABLE"):header.index("enum verb {")]
    return dict(re.findall(r'X\((\w+), "(\w+)"\)', table))


def check_verbs(text, faults):
    in_blocks = set(re.findall(r"(?:^    |→  )(\w+)", text, re.M))
    for name in verb_names().values():
        if name not in in_blocks:
            faults.add(DOCUMENT, f"has no line of fields for the verb '{name}'")


# How section 7.7 calls what the table of verbs in broker/core/core.c names.
STATES = {"ANY": "any", "SESSION": "session"}
RIGHTS = {"STRANGER": "anybody", "PERSON": "person", "MEMBER": "member", "ROOM_OP": "operator of the room",
          "KEEPER": "keeper of the room", "OPERATOR": "operator", "OWNER": "owner"}
VERB_LIMITS = {"ASKS": "questions", "WINDOW": "window", "FETCHES": "fetches", "PLACE": "place",
               "SEARCHES": "searches"}


def check_rules(text, faults):
    """State, right, limits and cost of every verb: the table of the core is that of the document."""
    names = verb_names()
    rows = re.findall(r"^    \[VERB_(\w+)\] = \{\w+, STATE_(\w+), RIGHT_(\w+), ([\w |]+), (\d+)\},",
                      read("broker/core/core.c"), re.M)
    code = {names[verb]: (STATES[state], RIGHTS[right],
                          ", ".join(VERB_LIMITS[limit] for limit in re.findall(r"LIMIT_(\w+)", limits)), cost)
            for verb, state, right, limits, cost in rows}
    told = {name: tuple(cells) for name, *cells in re.findall(
        r"^\| (\w+) \| (any|session) \| ([a-z ]+) \| ([a-z, ]*?) ?\| (\d+) \|$", text, re.M)}
    if not code:
        faults.add("broker/core/core.c", "the table of verbs is not to be found")
    for name in sorted(code.keys() | told.keys()):
        if code.get(name) != told.get(name):
            faults.add(DOCUMENT, f"verb {name}: core.c says {code.get(name)}, section 7.7 {told.get(name)}")


def main():
    faults, text = Faults(), read(DOCUMENT)
    check_errors(text, faults)
    check_limits(text, faults)
    check_verbs(text, faults)
    check_rules(text, faults)
    faults.finish("tables: the document and the code agree")


if __name__ == "__main__":
    main()
