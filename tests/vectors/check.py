#!/usr/bin/python3
"""check.py [--write] - the vectors against python3-msgpack, and against cases.py, which makes them.

Without --write nothing is changed: every frame is read by msgpack.Unpacker and compared with what the
vector says, and the files must be what cases.py would write."""
import argparse
import json
import pathlib
import re
import sys

import msgpack

sys.dont_write_bytecode = True
import cases  # noqa: E402 - it must leave nothing in the source tree

HERE = pathlib.Path(__file__).resolve().parent
REPEATED_BYTES = re.compile(rb"(.)\1{63,}", re.S)


def hex_of(data):
    """Hexadecimal digits; a byte that comes 64 times or more in a row is written (78*64)."""
    text, at = "", 0
    for run in REPEATED_BYTES.finditer(data):
        text += data[at:run.start()].hex() + f"({run.group(1).hex()}*{len(run.group(0))})"
        at = run.end()
    return text + data[at:].hex()


def bytes_of(text):
    plain = re.sub(r"\(([0-9a-f]{2})\*(\d+)\)", lambda m: m.group(1) * int(m.group(2)), text)
    return bytes.fromhex(plain)


def to_json(value):
    if isinstance(value, bytes):
        return {"hex": hex_of(value)}
    if isinstance(value, str) and len(value) >= 64 and len(set(value)) == 1:
        return {"text": value[0], "times": len(value)}
    if isinstance(value, int) and not isinstance(value, bool) and value > 2**53:
        return {"uint": str(value)}
    return value


def from_json(value):
    if not isinstance(value, dict):
        return value
    if "hex" in value:
        return bytes_of(value["hex"])
    return value["text"] * value["times"] if "text" in value else int(value["uint"])


def convert(message, way):
    return {key: way(value) for key, value in message.items()}


def json_line(case):
    line = {"name": case["name"], "direction": case["direction"], "hex": hex_of(case["frame"])}
    line["maps"] = [convert(message, to_json) for message in case["maps"]]
    for key in ("topic", "skipped", "canonical", "error", "at", "msgpack"):
        if key in case:
            line[key] = case[key]
    if "answer" in case:
        line["answer"] = convert(case["answer"], to_json)
    return json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n"


def plain_value(value):
    if isinstance(value, bool):
        return "f1" if value else "f0"
    if isinstance(value, int):
        return f"u{value}"
    return "b" + hex_of(value) if isinstance(value, bytes) else "t" + hex_of(value.encode())


def plain_fields(message):
    return "".join(f" {key}={plain_value(value)}" for key, value in message.items() if key != "v")


def plain_lines(case):
    yield f"case {case['direction']} {case['name']}"
    yield f"frame {hex_of(case['frame'])}"
    if "topic" in case:
        yield f"topic {case['topic']}"
    if case.get("canonical"):
        yield "canonical"
    lines = [f"map {message['v']}{plain_fields(message)}" for message in case["maps"]]
    if "error" in case:
        answer = case["answer"]
        lines.insert(case["at"], f"refused {case['error']} {answer.get('v', '-')}{plain_fields(answer)}")
    yield from lines
    yield "end"


def files():
    good, bad = cases.good_cases(), cases.bad_cases()
    return {"good.jsonl": "".join(json_line(case) for case in good),
            "bad.jsonl": "".join(json_line(case) for case in bad),
            "vectors.txt": "".join(line + "\n" for case in good + bad for line in plain_lines(case))}


def unpack(data):
    """All values of these bytes, or None when they are not MessagePack to their end."""
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, unicode_errors="surrogateescape",
                                object_pairs_hook=list, max_buffer_size=2**20)
    unpacker.feed(data)
    values, read = [], 0
    try:
        while True:
            values.append(unpacker.unpack())
            read = unpacker.tell()
    except msgpack.OutOfData:
        return values if read == len(data) else None
    except Exception:  # whatever a decoder says of bytes that are none
        return None


def body_of(line):
    frame = bytes_of(line["hex"])
    if line["direction"] != "to_everybody":
        return frame
    topic, nul, body = frame.partition(b"\0")
    if not nul or len(topic) >= 200:
        return None
    return body if topic.decode() == line.get("topic", topic.decode()) else None


def same(pairs, message, skipped):
    """Whether these decoded pairs are this map, type by type, but for the keys to be skipped."""
    kept = [(key, value) for key, value in pairs if key not in skipped]
    return len(kept) == len(message) and all(
        key in message and type(value) is type(message[key]) and value == message[key] for key, value in kept)


def fault_of_good(line):
    values, maps = unpack(body_of(line) or b""), [convert(message, from_json) for message in line["maps"]]
    if values is None or len(values) != len(maps):
        return "msgpack reads another number of maps"
    skipped = line.get("skipped", [])
    if not all(same(pairs, message, skipped) for pairs, message in zip(values, maps)):
        return "msgpack reads other maps"
    return None


def fault_of_bad(line):
    body = body_of(line)
    if body is None:
        return None if line["error"] == "malformed" else "the topic is not well-formed"
    values, at = unpack(body), line["at"]
    if (values is not None) != line["msgpack"]:
        return f"msgpack says {'yes' if values is not None else 'no'} to these bytes"
    if line["error"] not in ("malformed", "too_big") and values is None:
        return "only malformed bytes are not MessagePack"
    if values is None or line["error"] == "malformed":
        return None
    maps = [convert(message, from_json) for message in line["maps"]]
    others = values[:at] + values[at + 1:]
    if len(others) != len(maps) or not all(same(pairs, message, []) for pairs, message in zip(others, maps)):
        return "msgpack reads other maps beside the refused one"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="write the files anew from cases.py")
    options = parser.parse_args()
    faults, count = [], 0
    for name, text in files().items():
        path = HERE / name
        if options.write:
            path.write_text(text)
        if not path.exists() or path.read_text() != text:
            faults.append(f"{name}: not what cases.py makes; run check.py --write")
    for name, fault_of in (("good.jsonl", fault_of_good), ("bad.jsonl", fault_of_bad)):
        seen = set()
        for number, text in enumerate((HERE / name).read_text().splitlines(), 1):
            line = json.loads(text)
            fault = fault_of(line) or ("this name is taken" if line["name"] in seen else None)
            if fault:
                faults.append(f"{name}:{number}: {line['name']}: {fault}")
            seen.add(line["name"])
            count += 1
    print("\n".join(faults) if faults else f"vectors: python3-msgpack agrees with {count}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
