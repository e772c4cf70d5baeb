#!/usr/bin/python3
"""echo_bot.py ADDRESS KEYFILE NICK ROOM...: answers "!echo ..." in rooms, and private messages, with a notice.
A whole client of docs/protocol.md: what has no answer is asked again, streams are read by FETCH in the order of their
numbers, and broadcasts only ring the bell. `zchat --nick NICK key` makes KEYFILE. Needs python3-zmq, python3-msgpack."""
import io, itertools, random, sys, time, urllib.parse, msgpack, zmq
address, key_file, nick, *rooms = sys.argv[1:]
url, own, session, numbers = urllib.parse.urlsplit(address), "@" + nick, random.randrange(1, 2**64), itertools.count(1)
keys = dict(line.split() for line in open(key_file) if line.startswith(("public", "secret")))
curve = [bytes.fromhex(key) for key in (urllib.parse.parse_qs(url.query)["key"][0], keys["public"], keys["secret"])]
place, head, waiting = {}, {}, {}  # how far streams were read, and go; what to ask: [message, when, pause, its most]
ASKED_BY = dict(welcome="hello", joined="join", probe="probe", events="fetch", gone="fetch", ack="post", error="post")

def connect(kind, port, topics=()):
    socket = zmq.Context.instance().socket(kind)
    socket.curve_serverkey, socket.curve_publickey, socket.curve_secretkey = curve
    socket.connect(f"tcp://{url.hostname}:{port}")
    [socket.subscribe(topic + "\0") for topic in topics]
    return socket

def ask(verb, about=None, pause=0.5, most=8, **fields):  # one question at a time about each thing
    waiting.setdefault((verb, about), [{"v": verb, **fields}, 0, pause, most])

def say_hello():
    ask("hello", own, low=1, high=1, nick=nick, session=session, inbox=True)

def answer(event, is_room, text):
    is_ours = event["type"] == "message" and event.get("kind") != "notice" and event["from"] != nick  # no bot, not we
    if is_ours and (not is_room or text.startswith("!echo ")):
        number, target = next(numbers), event["stream"] if is_room else "@" + event["from"]
        ask("post", number, number=number, stream=target, kind="notice", text=text[6:] if is_room else text)

def on(m, verb, stream, from_sub):
    head[stream] = max(head.get(stream, 0), m.get("seq", 0))
    if m.get("done", "retry" not in m):  # answered, or refused for good
        waiting.pop((ASKED_BY.get(verb), m.get("number", stream)), None)
    if verb in ("welcome", "joined", "gone"):
        place[stream] = m["first"] - 1 if verb == "gone" else place.get(stream, m.get("confirmed", m["seq"]))
        ask("head", stream, pause=3, most=3, stream=stream)  # asked for ever, like PING
    if verb == "welcome":  # broadcasts are heard from now on; the probe tells when they are
        sockets[1:] = sockets[1:] or [connect(zmq.SUB, url.port + 1, [own, *rooms, f"~{session:016x}"])]
        ask("ping", pause=3, most=3), ask("probe", pause=0.3, token=1)
        [ask("join", room, stream=room, create=True) for room in rooms]
    if verb in ("welcome", "probe"):  # all again, at once, and posts in the order of their numbers
        waiting.update({what: [entry[0], 0, *entry[2:]] for what, entry in waiting.items()})
    if verb == "event" and not from_sub and m["seq"] == place[stream] + 1:
        place[stream] += 1
        answer(m, stream[0] == "#", m.get("text", ""))
    if verb != "events" and head[stream] > place.get(stream, head[stream]):
        ask("fetch", stream, stream=stream, first=place[stream] + 1, credit=4)
    if verb in ("ack", "event") and all(what[0] != "post" for what in waiting):  # all is answered
        waiting["confirm", own] = [{"v": "confirm", "stream": own, "seq": place[own]}, 0, 3, 3]
    if verb == "bye" or m.get("error") == "hello_first":  # the broker does not know us (any more)
        say_hello()

heard_at, sockets = 0, []
while True:
    now = time.monotonic()
    if now > heard_at + 10:  # the link is dead, or there was none yet
        [socket.close(linger=0) for socket in sockets]
        sockets, heard_at = [connect(zmq.DEALER, url.port)], now
        say_hello()
    for what, entry in waiting.items():
        if now >= entry[1] and (what[0] == "hello" or ("hello", own) not in waiting):  # nothing else before WELCOME
            sockets[0].send(msgpack.packb(entry[0]))
            entry[1:3] = now + entry[2] * random.uniform(0.8, 1), min(2 * entry[2], entry[3])
    for socket in zmq.select(sockets, [], [], 0.1)[0]:
        frame, from_sub, heard_at = socket.recv(), socket in sockets[1:], now
        for m in msgpack.Unpacker(io.BytesIO(frame.partition(b"\0")[2] if from_sub else frame)):
            on(m, m["v"], m.get("stream"), from_sub)
