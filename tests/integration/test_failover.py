#!/usr/bin/python3
"""Clients of a chat that several brokers serve go to another one when theirs dies, stops, or falls silent. [R-23] [R-63] [R-64] [R-65]

A store is handed from one broker to the next here, since a folder has one broker at a time; where time is measured, told
brokers stand side by side."""
import re
import signal
import stat
import time

from told_broker import ToldBroker
from zchat_test import SLOW, Broker, check, check_no_hole, equal, is_kept, read_log, run_tests, test, texts, wait_until

CHAT = 4711
IS_STORED = re.compile("behind ✓|has it: behind")  # shown with it, or before
SOON = 5 * SLOW  # from when it could be known: 3 s are promised, and this machine may be busy


class Pair:
    """Two brokers over one data folder, at two ports, with keys of their own or the same one; one of them runs."""

    def __init__(self, scene, other_key, *options):
        self.scene, self.running = scene, None
        first = scene.broker(name="first")
        first.stop()
        self.data = first.data
        self.keys = [(first.data / "broker.key").read_bytes()] * 2
        urls = [first.url]
        other = Broker(scene, data=scene.folder / "other-data", name="other") if other_key else first
        if other_key:
            other.start()
            other.stop()
            self.keys[1] = (other.data / "broker.key").read_bytes()
        ports = [first.port, other.port if other_key else scene.free_port("127.0.0.1")]
        urls.append(f"zchat://127.0.0.1:{ports[1]}?key={other.key()}")
        self.urls, self.places = urls, [f"127.0.0.1:{port}" for port in ports]
        told = () if options == ("untold",) else ("--brokers", ",".join(urls))
        self.broker = [Broker(scene, told, data=self.data, name=name) for name in ("a", "b")]
        for broker, port in zip(self.broker, ports):
            broker.port = port

    def start(self, which):
        path = self.data / "broker.key"
        path.write_bytes(self.keys[which])
        path.chmod(0o600)
        self.running = self.broker[which].start()
        equal(self.running.url, self.urls[which], "the address of the broker")
        return self.running

    def people(self, *nicks, url=None):
        people = [self.scene.person(nick, url or self.urls[0]) for nick in nicks]
        for person in people:
            person.ok("join", "#lobby")
        return people


def talk(person, *words):
    """Line mode, with the link up and the rooms known."""
    line = person.start("--timeout", "60s", *words)
    line.write("/who\n")
    line.wait_line("online")
    return line


def go_over(scene, other_key, ending):
    """Alice types while there is no broker; Bob follows; a logger archives."""
    pair = Pair(scene, other_key)
    pair.start(0)
    alice, bob = pair.people("alice", "bob")
    logger = scene.logger(pair.running)
    tail = bob.tail("#lobby", "--since", "all")
    line = talk(alice)
    line.write("one\n")
    line.wait_line("alice: one ✓")
    tail.wait_event(text="one")
    wait_until(lambda: "one" in texts(read_log(logger.out_folder, "#lobby")), "the logger has it")
    ending(pair.running)
    line.wait_line("the link is down", where="err")
    line.write("two\n")
    pair.start(1)
    begin = time.monotonic()
    line.wait_line(f"the link is back (another broker: {pair.places[1]})", where="err")
    took = time.monotonic() - begin
    line.wait_line("two ✓")
    line.write("three\n")
    line.wait_line("three ✓")
    tail.wait_event(text="three")
    wait_until(lambda: "three" in texts(read_log(logger.out_folder, "#lobby")), "the logger has it")
    print(f"# back {took:.2f} s after there was a broker again")
    # Both were tried for as long as there was none, with growing pauses: at most RECONNECT_MAX_MS and its jitter.
    check(took < 6.5 + SOON, f"it took {took:.2f} s")
    equal(texts(tail.json()), ["one", "two", "three"], "what Bob is shown")
    equal(texts(alice.history("#lobby")), ["one", "two", "three"], "what stands in the room")
    archived = read_log(logger.out_folder, "#lobby")
    equal(texts(archived), ["one", "two", "three"], "what the logger has")
    check_no_hole(archived, "the archive")
    return pair, alice, line


@test
def a_line_that_is_typed_while_its_broker_is_killed_is_sent_at_the_next_one_once(scene):
    go_over(scene, True, lambda broker: broker.kill9())


@test
def brokers_of_one_key_are_as_good_as_those_of_several(scene):
    go_over(scene, False, lambda broker: broker.kill9())


@test
def a_broker_that_is_stopped_sends_its_clients_on_and_back_again(scene):
    pair, _, line = go_over(scene, True, lambda broker: broker.stop())
    seen = len(line.err)
    pair.running.stop()
    pair.start(0)
    line.wait_line(f"the link is back (another broker: {pair.places[0]})", where="err", start=seen)
    line.write("four\n")
    line.wait_line("four ✓")


@test
def a_run_that_begins_while_its_usual_broker_is_dead_finds_another(scene):
    pair = Pair(scene, True)
    pair.start(0)
    alice, = pair.people("alice")
    kept = list((alice.home / "brokers").iterdir())
    equal(len(kept), 1, "files of chats")
    equal(stat.S_IMODE(kept[0].stat().st_mode), 0o600, "its mode")
    pair.running.kill9()
    pair.start(1)
    alice.ok("send", "#lobby", "here I am")  # with --broker and the dead one's address
    alice.url = None
    alice.ok("send", "#lobby", "and again")  # the last one used
    status = alice.ok("status", "--json").json()[0]
    equal(status["broker"], pair.urls[1], "the broker in use")
    equal(sorted(status["brokers"]), sorted(pair.urls), "the brokers of the chat")
    known = (alice.home / "known_brokers").read_text()
    for place in pair.places:
        check(place in known, f"the key of {place} is pinned: {known}")
    told = alice.ok("status").out.decode()
    check(f"also at      zchat://{pair.places[0]}" in told, f"status tells of the other: {told}")
    equal(texts(alice.history("#lobby")), ["here I am", "and again"], "what stands in the room")


@test
def the_outbox_of_a_run_that_was_killed_is_sent_at_the_other_broker(scene):
    pair = Pair(scene, True)
    pair.start(0)
    alice, = pair.people("alice")
    line = talk(alice)
    pair.running.kill9()
    line.wait_line("the link is down", where="err")
    line.write("one\ntwo\n")
    wait_until(lambda: is_kept(alice.home / "outbox", "two"), "it is kept")
    line.kill9()
    pair.start(1)
    result = alice.run(url=pair.urls[1])
    equal(result.code, 0, f"exit code of {result}")
    check("2 messages from last time are sent now" in result.err.decode(), f"it says so: {result}")
    equal(texts(alice.history("#lobby")), ["one", "two"], "what stands in the room")


@test
def a_broker_of_another_chat_is_passed_over_and_gets_nothing(scene):
    pair = Pair(scene, True, "untold")
    pair.start(0)
    stranger = scene.broker(name="stranger")
    alice, = pair.people("alice", url=f"{pair.urls[0]}, {stranger.url}")
    line = talk(alice)
    line.write("one\n")
    line.wait_line("one ✓")
    pair.running.kill9()
    line.wait_line("the link is down", where="err")
    line.write("two\n")
    place = stranger.url.split("//")[1].split("?")[0]
    wait_until(lambda: "alice" in stranger_heard(stranger), "the stranger has heard of her")
    result = alice.run("ping", "--timeout", "3s")
    equal(result.code, 5, f"exit code of {result}")
    pair.start(0)
    line.wait_line("the link is back", where="err")
    line.wait_line("two ✓")
    check(not [each for each in line.err if "another broker" in each], f"never at {place}: {line.err}")
    equal(texts(alice.history("#lobby")), ["one", "two"], "what stands in the room")
    bob = scene.person("bob", stranger)
    equal([each["stream"] for each in bob.ok("rooms", "--json").json()], [], "rooms at the other chat")


def stranger_heard(broker):
    """Who has an account there."""
    bob = broker.scene.person("listener", broker)
    return bob.ok("who", "--json").out.decode()


@test
def a_reload_tells_those_who_are_there_of_other_brokers(scene):
    pair = Pair(scene, True, "untold")
    config = scene.folder / "a.conf"
    config.write_text("")
    pair.broker[0].options += ["--config", str(config)]
    broker = pair.start(0)
    alice, = pair.people("alice")
    tail = alice.tail("#lobby", "--since", "all")
    alice.ok("send", "#lobby", "one")
    tail.wait_event(text="one")
    check(not (alice.home / "brokers").exists(), "one broker is nothing to keep")
    config.write_text("brokers = nowhere\n")
    broker.process.signal(signal.SIGHUP)
    broker.process.wait_line(re.compile(r"config.refused.*a.conf:1: brokers"), where="err")
    config.write_text("".join(f"brokers = {url}\n" for url in pair.urls))
    broker.process.signal(signal.SIGHUP)
    broker.process.wait_line(re.compile(r'config.reloaded changed="brokers"'), where="err")
    wait_until(lambda: is_kept(alice.home / "brokers", pair.places[1]), "PONG tells it")
    broker.kill9()
    pair.start(1)
    alice.ok("send", "#lobby", "two", url=pair.urls[1])
    tail.wait_event(text="two")
    equal(texts(tail.json()), ["one", "two"], "what is shown")


@test
def an_address_whose_key_is_known_otherwise_is_not_gone_to(scene):
    pair = Pair(scene, True)
    pair.start(0)
    alice, = pair.people("alice")
    known = alice.home / "known_brokers"
    known.write_text(known.read_text() + f"{pair.places[1]} {'ab' * 32}\n")
    status = alice.ok("status", "--json").json()[0]
    equal(status["brokers"], [pair.urls[0]], "the brokers of the chat")
    pair.running.kill9()
    pair.start(1)
    result = alice.run("ping", "--timeout", "3s")
    equal(result.code, 5, f"exit code of {result}")


@test
def doctor_tells_which_brokers_can_be_reached(scene):
    pair = Pair(scene, True)
    pair.start(0)
    alice, = pair.people("alice")
    result = alice.run("doctor", "--json")
    equal(result.code, 0, f"exit code of {result}")
    told = [(each["check"], each["state"], each["found"]) for each in result.json() if each["check"] == "brokers"]
    equal(len(told), 1, f"lines about other brokers: {result}")
    check(told[0][1] == "warn" and pair.places[1] in told[0][2], f"the other one is down: {told}")
    pair.running.kill9()
    pair.start(1)
    result = alice.run("doctor", "--json")
    equal(result.code, 0, f"exit code of {result}")
    told = result.json()
    check(any(each["check"] == "brokers" and each["state"] == "warn" and pair.places[0] in each["found"] for each in told),
          f"the first one is down: {told}")
    check(any(each["check"] == "commands" and pair.places[1] in each["found"] for each in told),
          f"the other one is looked at: {told}")


@test
def lists_that_make_no_sense_are_refused_in_one_line(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.refused(2, "\"nowhere\" is not a broker's address", "ping", url=f"{broker.url},nowhere")
    file = scene.folder / "urls"
    file.write_text(f"{broker.url},zchat://127.0.0.1:1?key={'ab' * 32}&invite={'00' * 16}\n")
    alice.refused(2, "\"zchat://127.0.0.1:1?key=" + "ab" * 32 + "&invite=...\" is not a broker's address: only the first address can be an invitation",
                  "ping", url=f"@{file}")
    alice.refused(2, "has no key", "ping", url=f"{broker.url},zchat://chat.example.org")
    config = alice.home / "zchat.conf"
    config.write_text(f"broker = {broker.url}, zchat://127.0.0.1:1?key={'ab' * 32}\n")
    alice.url = None
    alice.ok("ping")


# --- how long it takes, with brokers that stand side by side --------------------------------


def told_brokers(scene, count=2):
    brokers = [ToldBroker(scene) for _ in range(count)]
    urls = [broker.url for broker in brokers]
    for broker in brokers:
        broker.welcome = {"chat": CHAT, "brokers": " ".join(urls)}
        broker.streams, broker.members = brokers[0].streams, brokers[0].members
    return brokers


def sit_at(scene, brokers):
    """Somebody's line mode, at the first of them."""
    alice = scene.person("alice", brokers[0].url)
    line = alice.start("--timeout", "60s")
    line.write("/join #lobby\n")
    brokers[0].wait_asked("join")
    line.write("before\n")
    line.wait_line("before ✓")
    return line


def time_until_back(line, broker, begin):
    line.write("behind\n")
    line.wait_line("the link is back (another broker:", where="err")
    line.wait_line(IS_STORED)
    took = time.monotonic() - begin
    equal([each["text"] for each in broker.asked_of("post")], ["behind"], "what the other one gets")
    return took


@test
def a_killed_broker_is_left_at_once(scene):
    brokers = told_brokers(scene)
    line = sit_at(scene, brokers)
    begin = time.monotonic()
    brokers[0].close()
    took = time_until_back(line, brokers[1], begin)
    print(f"# {took:.2f} s")
    check(took < SOON, f"it took {took:.2f} s")


@test
def a_silent_broker_is_left_soon_after_a_ping_that_it_does_not_answer(scene):
    brokers = told_brokers(scene)
    line = sit_at(scene, brokers)
    for verb in ("ping", "head", "post", "fetch", "rooms", "who", "probe"):
        brokers[0].answers[verb] = lambda each, peer: []
    pings = len(brokers[0].asked_of("ping"))
    wait_until(lambda: len(brokers[0].asked_of("ping")) > pings, "a ping without an answer")
    begin = time.monotonic()
    took = time_until_back(line, brokers[1], begin)
    print(f"# {took:.2f} s after the ping")
    check(took < 2 + SOON, f"it took {took:.2f} s")


@test
def a_broker_that_accepts_but_does_not_speak_is_passed_by(scene):
    brokers = told_brokers(scene, 3)
    line = sit_at(scene, brokers)
    silent = []  # whichever is asked first

    def answer_of(broker):
        def answer(each, peer):
            silent.append(broker)
            return [] if silent[0] is broker else None
        return answer

    for broker in brokers[1:]:
        broker.answers["hello"] = answer_of(broker)
    begin = time.monotonic()
    brokers[0].close()
    line.write("behind\n")
    line.wait_line("the link is back (another broker:", where="err")
    took = time.monotonic() - begin
    line.wait_line(IS_STORED)
    print(f"# {took:.2f} s")
    check(took < 2 + SOON, f"it took {took:.2f} s")
    last, = (broker for broker in brokers[1:] if broker is not silent[0])
    equal([each["text"] for each in last.asked_of("post")], ["behind"], "what the third one gets")


@test
def a_broker_that_says_bye_is_left_within_its_half_second(scene):
    brokers = told_brokers(scene)
    line = sit_at(scene, brokers)
    begin = time.monotonic()
    brokers[0].answers["post"] = lambda each, peer: []  # it may come before the client has read BYE
    brokers[0].answers["ping"] = lambda each, peer: [{"v": "bye", "retry": 30000}]
    brokers[0].wait_asked("ping")
    took = time_until_back(line, brokers[1], begin)
    print(f"# {took:.2f} s")
    check(took < 1 + SOON, f"it took {took:.2f} s")


@test
def when_all_are_dead_nobody_runs_in_circles(scene):
    brokers = told_brokers(scene)
    line = sit_at(scene, brokers)
    for broker in brokers:
        broker.answers["hello"] = lambda each, peer: [{"v": "bye"}]
    begin = time.monotonic()
    brokers[0].answers["ping"] = lambda each, peer: [{"v": "bye"}]
    wait_until(lambda: sum(len(broker.asked_of("hello")) for broker in brokers) >= 8, "some rounds")
    took = time.monotonic() - begin
    rounds = 3  # 7 more hellos: at least three pauses, 0.1 s, 0.2 s, 0.4 s, each a quarter shorter or longer
    check(took > (0.1 + 0.2 + 0.4) * 0.75, f"{rounds} rounds in {took:.2f} s")
    for broker in brokers:
        del broker.answers["hello"]
    del brokers[0].answers["ping"]
    line.wait_line("the link is back", where="err")


if __name__ == "__main__":
    run_tests()
