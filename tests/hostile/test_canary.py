#!/usr/bin/python3
"""A private text is found at its two ends and in the broker's store, and nowhere else: not on the wire, not with somebody
who subscribes to everything, not in another client, not in a log. [R-26] [R-28] [R-35] [R-38] [R-46] [R-48]."""
import io
import signal
import subprocess

from witness import known_options, pack
from canary import Canary, Ears, Known, capture, files_with, open_with
from ears import Watch
from raw_client import RawClient
from zchat_test import Skipped, check, equal, program, run_tests, test, texts, wait_until

# And their -wal: in clear, as SECURITY.md says.
STORE = ("broker-data/zchat.db", "broker-data/search.db")


class Town:
    """Alice and Bob, others around them, and who listens to everything."""

    def __init__(self, scene, *options):
        self.scene = scene
        self.broker = scene.broker("--log-level", "debug", "--history", scene.folder / "broker.history", *options)
        self.wire, url = capture(scene, self.broker)
        self.alice, self.bob, self.carol = (scene.person(nick, url) for nick in ("alice", "bob", "carol"))
        for each in (self.alice, self.bob, self.carol):
            each.ok("join", "#lobby")
        with RawClient(self.broker.url) as eve:
            eve.hello("eve")
            self.eve_key = eve.hello("eve").get("key")
            self.ears = Ears(self.broker.url, (eve.public_key, eve.secret_key))
        scene.at_end(self.ears.close)
        self.logger = scene.logger(self.broker, "--format", "both", url=url)
        self.others = [self.carol.tail("#lobby", "@carol"), self.logger]
        self.ends = []  # processes that may print it
        self.canaries, self.lines = [], []
        wait_until(self._is_heard, "who listens to everything hears the room")

    def _is_heard(self):
        self.chatter()
        return self.ears.heard(self.lines[-1].encode())

    def chatter(self):
        """Talk in the room around it."""
        self.lines.append(f"everybody may read line {len(self.lines)}")
        self.carol.ok("send", "#lobby", self.lines[-1])

    def canary(self, about):
        self.canaries.append(Canary(about))
        return self.canaries[-1].text

    def inbox(self):
        self.ends.append(self.bob.start("tail", "--json", "@bob", "--since", "all", stdin=subprocess.DEVNULL))
        return self.ends[-1]

    def send(self, about, *more):
        """Alice tells bob a canary; it is on no command line."""
        text = self.canary(about)
        self.alice.ok("send", "@bob", "-", *more, stdin=text.encode())
        self.chatter()
        return text

    def search(self):
        """Everything that ran has ended; look through all of it."""
        for process in [*self.ends, *self.others]:
            process.stop()
        self.broker.stop()
        self.ears.close()
        self.wire.close()
        heard = b"\n".join(self.ears.frames)
        for canary in self.canaries:
            equal(canary.found_in(heard), None, "the canary, with who listens to everything")
            for port, data in self.wire.data.items():
                if port == self.broker.port and "key=" not in self.broker.url:
                    continue  # without encryption the commands are in clear
                equal(canary.found_in(bytes(data)), None, f"the canary, in {len(data)} bytes on the wire of port {port}")
            for process in self.scene.processes:
                said = "\n".join(process.err + ([] if process in self.ends else process.out)).encode()
                equal(canary.found_in(said), None, f"the canary, in what {process.name} said")
        hits = files_with(self.scene.folder, self.canaries)
        check(any(path.startswith(STORE) for path in hits), f"the search finds nothing in the store: {hits}")
        strange = [path for path in hits if not path.startswith((*STORE, "home-alice/", "home-bob/"))]
        equal(strange, [], "files that hold it and should not")
        remains = {path: how for path, how in hits.items() if path.startswith("home-")}
        print(f"# {len(self.ears.frames)} frames heard, {[len(data) for data in self.wire.data.values()]} bytes captured; "
              f"left at the two ends: {list(remains) or 'nothing'}")
        return remains, heard

    def controls(self, heard, key):
        """The search would have found it: the room's lines are there, and the boxes hold the canary for bob."""
        check(self.lines[-1].encode() in heard, "the listener does not hear the room")
        inside = [open_with([key], each) for each in self.ears.boxes() if each["stream"] == "@bob"]
        for canary in self.canaries:
            check(any(canary.text == (each or {}).get("text") for each in inside),
                  f"no box holds what was told to bob: {canary.text}")
        if self.eve_key:
            equal([each for each in self.ears.boxes() if open_with([self.eve_key], each) and each["stream"] != "@eve"],
                  [], "boxes that eve's key opens")


def tell_in_every_way(town):
    """Online, away, asleep while it is published again, over a restart, and by the line mode's outbox."""
    inbox = town.inbox()
    wait_until(lambda: town.alice.run("send", "@bob", "hi", "--wait", "delivered").code == 0, "bob is there")
    inbox.wait_event(text=town.send("online", "--wait", "delivered"))
    inbox.signal(signal.SIGSTOP)
    asleep = town.send("asleep")
    wait_until(lambda: len([each for each in town.ears.boxes() if each["stream"] == "@bob"]) > 3, "it is published again")
    town.broker.kill9()
    line = town.alice.start("--plain", stdin=subprocess.PIPE)
    town.ends.append(line)
    queued = town.canary("from the outbox")
    line.write(f"/msg bob {queued}\n")
    town.broker.start()
    inbox.signal(signal.SIGCONT)
    inbox.wait_event(text=asleep)
    inbox.wait_event(text=queued)
    inbox.stop()
    away = town.send("away")
    again = town.inbox()
    again.wait_event(text=away)
    again.wait_event(text=town.send("at the end", "--wait", "delivered"))
    line.write("/quit\n")
    equal(line.wait_exit(), 0, f"exit code of alice's line mode: {line.told()}")
    equal(texts(town.bob.history("@bob"))[-2:], [each.text for each in town.canaries[-2:]], "bob's history")


def key_of(town):
    """Bob's stream key, as a device of his is told."""
    with RawClient(town.broker.url, key_pair=keys_of(town.bob) if "key=" in town.broker.url else None) as device:
        return device.hello("bob")["key"]


def keys_of(person):
    """The key pair in the person's home."""
    import zmq.utils.z85 as z85  # pylint: disable=import-outside-toplevel
    for path in person.home.rglob("*.key"):
        words = [word.strip('"') for word in path.read_text().split()]
        found = [word for word in words if len(word) == 64 and not set(word) - set("0123456789abcdef")]
        if len(found) >= 2:
            return tuple(z85.encode(bytes.fromhex(word)) for word in found[:2])
    raise Skipped(f"no key pair in {person.home}")


@test
def a_private_text_is_found_at_its_two_ends_and_nowhere_else(scene):
    town = Town(scene)
    tell_in_every_way(town)
    key = key_of(town)
    remains, heard = town.search()
    town.controls(heard, key)
    check(not [path for path in remains if path.startswith("home-alice/") and "outbox" in path],
          f"what is acknowledged still stands in the outbox: {remains}")


@test
def without_encryption_of_the_wire_the_broadcasts_still_hide_it(scene):
    """The broadcast port in clear: nothing but the sealing keeps the text."""
    town = Town(scene, "--insecure")
    tell_in_every_way(town)
    key = key_of(town)
    _, heard = town.search()
    town.controls(heard, key)
    sent = bytes(town.wire.data[town.broker.port + 1])
    check(town.lines[-1].encode() in sent and b"sealed" in sent, "the capture does not hold the broadcasts")


@test
def the_search_finds_a_canary_in_each_of_its_forms(scene):
    canary = Canary("search")
    for name, form in canary.forms().items():
        (scene.folder / "file").write_bytes(b"before " + form + b" behind")
        check(files_with(scene.folder, [canary]), f"'{name}' is not found")
    (scene.folder / "file").write_bytes(Canary("another").text.encode())
    equal(files_with(scene.folder, [canary]), {}, "what is found of another canary")
    (scene.folder / "file").rename(scene.folder / canary.token)
    check(files_with(scene.folder, [canary]), "it is not found in a file's name")


@test
def who_listens_along_with_every_test_complains_of_what_is_not_sealed(scene):
    watch = Watch()
    watch.note(("send", "@bob", "-", "--wait", "stored"), b"only for bob\n")
    watch.note(("send", "#lobby", "hi", "--lines"), b"for everybody\n")
    watch.note(("send", "@bob", "for everybody"), b"")
    good = (b"@bob\0" + pack({"v": "sealed", "box": b"x" * 50}, {"v": "head", "seq": 3}),
            b"#lobby\0" + pack({"v": "event", "text": "for everybody"}), b"~0000000000000001\0" + pack({"v": "probe"}))
    for frame in good:
        watch.take(frame)
    equal(watch.complaints, [], f"complaints of what is good in {scene.folder.name}")
    bad = (b"#lobby\0" + pack({"v": "event", "text": "only for bob"}), b"@bob\0" + pack({"v": "event", "text": "x"}),
           b"@alice\0" + pack({"v": "head"}, {"v": "event", "text": "y"}))
    for count, frame in enumerate(bad, 1):
        watch.take(frame)
        equal(len(watch.complaints), count, f"complaints behind {frame}")


@test
def who_listens_along_knows_private_rooms_and_is_not_deaf(_):
    watch = Watch()
    for words in (("room", "create", "#lab", "--private"), ("room", "private", "#den")):
        watch.note(words, b"")
        watch.done(words)
    watch.note(("send", "#lab", "within the lab"), b"")
    watch.note(("send", "#den", "-"), b"within the den\n")
    watch.typed(b"/msg bob typed to bob\nto the room I am in\n")
    for text in ("within the lab", "within the den", "typed to bob"):
        count = len(watch.complaints)
        watch.take(b"#lobby\0" + pack({"v": "event", "text": text}))
        equal(len(watch.complaints), count + 1, f"complaints of {text}")
    watch.take(b"#lab\0" + pack({"v": "sealed", "box": b"x" * 50}, {"v": "head", "seq": 3}))
    watch.take(b"#lobby\0" + pack({"v": "event", "text": "to the room I am in"}))
    equal(len(watch.complaints), 3, "complaints of what is sealed, or open")
    watch.take(b"#lab\0" + pack({"v": "event", "type": "join"}))
    equal(len(watch.complaints), 4, "complaints of an event in clear")
    watch.note(("room", "public", "#lab"), b"")
    watch.take(b"#lab\0" + pack({"v": "event", "type": "join"}))
    equal(len(watch.complaints), 4, "complaints when the room is public")

    for count, complaints in ((0, 1), (1, 0)):
        deaf = Watch()
        deaf.ears.append(io.BytesIO())  # what can be closed
        deaf.done(("send", "#lobby", "hello"))
        deaf.count = count
        equal(len(deaf.close()), complaints, f"complaints of ears that heard {count} frames")


# A private room


def opened(ears, keys, stream):
    """Texts of the boxes of this stream that these keys open."""
    events = [open_with(keys, each) for each in ears.boxes() if each["stream"] == stream]
    return [each.get("text") for each in events if each]


@test
def who_was_kicked_reads_nothing_that_is_said_afterwards(scene):
    if b"--account-rate" not in scene.run([program("zchat-broker"), "--help"]).out:
        raise Skipped("this broker has no private rooms yet")
    broker = scene.broker("--log-level", "debug", *known_options(scene, account_rate=1000000, account_burst=1000000))
    wire, url = capture(scene, broker)
    client = scene.person("mallory", url)
    client.ok("ping")
    alice, bob, eve = (Known(url, nick) for nick in ("alice", "bob", "eve"))
    mallory = Known(url, "mallory", keys_of(client))
    people = {"alice": alice, "bob": bob, "mallory": mallory, "eve": eve}
    for each in people.values():
        scene.at_end(each.close)
    ears = Ears(broker.url, (mallory.public_key, mallory.secret_key))
    strangers_ears = Ears(broker.url, (eve.public_key, eve.secret_key))
    for each in (ears, strangers_ears):
        scene.at_end(each.close)
    equal(alice.ask(v="join", stream="#den", create=True, private=True)["v"], "joined", "answer to JOIN")
    equal(eve.ask(v="join", stream="#den").get("error"), "private", "a stranger's JOIN")
    for nick in ("bob", "mallory"):
        equal(alice.ask(v="invite", stream="#den", nick=nick)["v"], "done", "answer to INVITE")
        equal(people[nick].ask(v="join", stream="#den")["v"], "joined", "answer to JOIN")
        people[nick].ask(v="head", stream="#den")
    before, after, again = Canary("before"), Canary("after"), Canary("again")
    tail = client.tail("#den")
    wait_until(lambda: alice.post("#den", before.text) and before.text in opened(ears, mallory.keys.values(), "#den") and
               before.text in texts(tail.json()), "mallory reads along while a member")
    equal(alice.ask(v="kick", stream="#den", nick="mallory", text="enough")["v"], "done", "answer to KICK")
    held = dict(mallory.keys)
    for text in (after.text, again.text):
        bob.ask(v="head", stream="#den")
        bob.post("#den", text)
    for question in ({"v": "fetch"}, {"v": "head"}, {"v": "join"}, {"v": "who"}, {"v": "mark", "name": "x"}):
        answer = mallory.ask(stream="#den", **question)
        check(answer["v"] in ("error", "end"), f"{question} of who was kicked: {answer}")
    equal(mallory.read("#den"), "private", "FETCH of who was kicked")
    mallory.number = mallory.hello("mallory")["next"]
    mallory.send({"v": "post", "number": mallory.number, "stream": "#den", "text": "still here"})
    check(mallory.wait("error", number=mallory.number)["error"] in ("not_member", "private"), "POST of who was kicked")
    broker.restart()  # new epochs and keys are kept over it
    for each in people.values():
        each.hello(each.nick)
    alice.post("#den", again.text)
    alice.ask(v="head", stream="#den")

    def comes_to(listener):  # its connection may come back later than ours
        alice.post("#den", "the last")
        return "the last" in opened(listener, alice.keys.values(), "#den")

    for listener in (ears, strangers_ears):
        wait_until(lambda: comes_to(listener), "the boxes come to who listens")  # pylint: disable=cell-var-from-loop
    check({after.text, again.text} <= {each.get("text") for each in bob.read("#den")}, "what bob reads")
    equal({text for text in opened(ears, {**held, **mallory.keys}.values(), "#den")} & {after.text, again.text, "the last"},
          set(), "what the kicked one's keys open of what was said afterwards")
    equal(opened(strangers_ears, eve.keys.values(), "#den"), [], "what a stranger's keys open")
    for canary in (after, again):
        client.run("history", "#den", "--timeout", "2s")
        equal(canary.found_in("\n".join(tail.out + tail.err).encode()), None, "the canary in the kicked one's client")
    tail.stop()
    for each in (*people.values(), ears, strangers_ears, wire):
        each.close()
    for canary in (before, after, again):
        for listener in (ears, strangers_ears):
            equal(canary.found_in(b"\n".join(listener.frames)), None, "the canary in the broadcasts")
        for port, data in wire.data.items():
            equal(canary.found_in(bytes(data)), None, f"the canary on the wire of port {port}")
        equal(canary.found_in("\n".join(broker.process.err).encode()), None, "the canary in the broker's log")
    equal([path for path in files_with(scene.folder, [before]) if not path.startswith((*STORE, "home-mallory/"))], [],
          "files that hold what the kicked one might read")
    strange = [path for path in files_with(scene.folder, [after, again]) if not path.startswith(STORE)]
    equal(strange, [], "files that hold it and should not")


if __name__ == "__main__":
    run_tests()
