#!/usr/bin/python3
"""Print what is said in all rooms: logger.py zchat://HOST:PORT?key=KEY NICK.key

It only listens, so it misses what is said while it is away; zchat-logger does not. NICK.key is a
key of an account, as `zchat` made it (`zchat key` tells whose). Needs python3-zmq, python3-msgpack."""
import sys
import urllib.parse

import msgpack
import zmq


def main(address, key_file):
    url = urllib.parse.urlsplit(address)
    key = urllib.parse.parse_qs(url.query).get("key")
    sub = zmq.Context.instance().socket(zmq.SUB)
    if key:
        own = dict(line.split() for line in open(key_file) if line.startswith(("public", "secret")))
        sub.curve_serverkey = bytes.fromhex(key[0])
        sub.curve_publickey = bytes.fromhex(own["public"])
        sub.curve_secretkey = bytes.fromhex(own["secret"])
    sub.connect(f"tcp://{url.hostname}:{(url.port or 5670) + 1}")  # broadcasts: the next port
    sub.subscribe("#")  # every room; "#lobby\0" would be one
    while True:
        topic, _, maps = sub.recv().partition(b"\0")
        unpacker = msgpack.Unpacker()
        unpacker.feed(maps)  # one frame holds one or more maps
        for event in unpacker:
            if event.get("type") == "message":
                print(topic.decode(), event["seq"], event["from"], repr(event["text"]), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
