#!/usr/bin/python3
"""zchat doctor names what is wrong, for each way in which a connection fails, and does nothing else."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading

from told_broker import ToldBroker
from zchat_test import Person, Skipped, check, equal, run_tests, test, wait_until

KEY = "aa" * 32


def doctor(person, code, *words, url=None, **more):
    """The findings by check, after an exit with this code."""
    result = person.run("doctor", "--json", *words, url=url, **more)
    check(result.code == code, f"should exit with {code}: {result}")
    found = {}
    for row in result.json():
        check(row["check"] not in found, f"one line for {row['check']}: {result}")
        equal(sorted(row), ["check", "found", "mend", "state"], "fields")
        found[row["check"]] = row
    return found


def failed(found):
    return [name for name, row in found.items() if row["state"] == "fail"]


def serve(scene, answer):
    """Something else that listens: answer(connection) for each that comes. Its address, with port + 1 open as well."""
    port = scene.free_port("127.0.0.1")
    listeners = []
    for each in (port, port + 1):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", each))
        listener.listen()
        listeners.append(listener)

    def work(listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                answer(connection)

    for listener in listeners:
        threading.Thread(target=work, args=(listener,), daemon=True).start()
        scene.at_end(lambda one=listener: one.shutdown(socket.SHUT_RDWR))
    return f"zchat://127.0.0.1:{port}?key={KEY}"


@test
def all_is_well_for_somebody_who_is_known(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    found = doctor(alice, 0)
    equal({row["state"] for row in found.values()}, {"ok"}, "states")
    equal(list(found), ["home", "address", "key", "outbox", "commands", "broadcasts", "greeting", "handshake", "hello", "clock",
                        "hearing"], "checks, in this order")
    lines = alice.ok("doctor").lines()
    equal(len(lines), len(found), "a line for each")
    check(all(line.startswith("ok    ") for line in lines), f"ok stands first: {lines}")


@test
def a_stranger_is_not_registered_by_looking(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    found = doctor(alice, 0)
    check("not said" in found["hello"]["found"], f"no HELLO without a key: {found['hello']}")
    check(not alice.home.exists(), "nothing is made")
    scene.person("bob", broker).ok("join", "#lobby")
    nicks = [row["nick"] for row in scene.person("bob", broker).ok("who", "--json").json()]
    equal(nicks, ["bob"], "who has an account")


@test
def an_invitation_is_neither_used_up_nor_shown(scene):
    broker = scene.broker("--registration", "invite")
    owner = scene.person("olga", None)
    invitation = pathlib.Path(broker.data / "owner.url").read_text().strip()
    owner.ok("status", url=invitation)
    bobs = owner.ok("invite", "bob", url=broker.url).lines()[0]
    token = bobs.split("invite=")[1].split("&")[0]
    bob = scene.person("bob", bobs)
    told = bob.ok("doctor")
    check(token.encode() not in told.out + told.err, f"the token stays a secret: {told}")
    found = doctor(bob, 0)
    check("with an invitation" in found["address"]["found"], str(found["address"]))
    bob.ok("join", "#lobby")


@test
def a_closed_port_is_told(scene):
    url = f"zchat://127.0.0.1:{scene.free_port('127.0.0.1')}?key={KEY}"
    found = doctor(scene.person("alice", url), 5)
    equal(failed(found), ["commands", "broadcasts"], "what failed")
    check("nobody listens" in found["commands"]["found"] and "start the broker" in found["commands"]["mend"], str(found))
    check("greeting" not in found, "what follows is not tried")


@test
def a_second_port_that_is_closed_is_told(scene):
    port = scene.free_port("127.0.0.1")
    with socket.socket() as one:
        one.bind(("127.0.0.1", port))
        one.listen()
        found = doctor(scene.person("alice", f"zchat://127.0.0.1:{port}?key={KEY}"), 5, "--timeout", "500ms")
    check("broadcasts" in failed(found) and "commands" not in failed(found), str(found))


@test
def a_firewall_that_drops_is_told_from_a_port_that_is_closed(scene):
    if os.geteuid() != 0 or shutil.which("nft") is None:
        raise Skipped("needs root and nft")
    holder = scene.start(["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep 600"], "namespace",
                         stdin=subprocess.DEVNULL)
    holder.wait_line("up")
    inside = ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]
    made = subprocess.run([*inside, "nft", "add table inet f; add chain inet f in { type filter hook input priority 0; }; "
                           "add rule inet f in tcp dport 6001 drop"], check=False, capture_output=True, timeout=20)
    if made.returncode != 0:
        raise Skipped(f"nft does not work here: {made.stderr.decode()[:200]}")
    alice = Person(scene, "alice", f"zchat://127.0.0.1:6001?key={KEY}", prefix=inside)
    found = doctor(alice, 5, "--timeout", "600ms")
    check("no answer" in found["commands"]["found"] and "firewall" in found["commands"]["mend"], str(found))
    check("refused" in found["broadcasts"]["found"], str(found))


@test
def a_name_that_nobody_knows_is_told(scene):
    found = doctor(scene.person("alice", f"zchat://broker.invalid:5670?key={KEY}"), 5)
    check("broker.invalid" in found["commands"]["found"] and "spelled" in found["commands"]["mend"], str(found))


@test
def what_is_no_address_is_told(scene):
    found = doctor(scene.person("alice", "http://example.org"), 2)
    equal(failed(found), ["address"], "what failed")


@test
def another_key_is_told_before_and_after_one_was_known(scene):
    broker = scene.broker()
    wrong = broker.url.replace(broker.key(), KEY)
    found = doctor(scene.person("carol", wrong), 5)
    equal(failed(found), ["handshake"], "what failed for somebody new")
    check("fingerprint" in found["handshake"]["mend"], str(found))
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    equal(failed(doctor(alice, 5, url=wrong)), ["address"], "what failed for whoever knows the broker")


@test
def what_is_no_broker_is_told(scene):
    for answer, part in ((lambda peer: peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "does not speak ZeroMQ"),
                         (lambda peer: peer.recv(100) and peer.recv(1), "says nothing"),
                         (lambda peer: None, "closes the connection"),
                         (lambda peer: peer.sendall(b"\xff\0\0\0\0\0\0\0\1\x7f\1\0\0\0\0\0" + b"\0" * 40), "another ZeroMQ")):
        found = doctor(scene.person("alice", serve(scene, answer)), 5, "--timeout", "500ms")
        equal(failed(found), ["greeting"], "what failed")
        check(part in found["greeting"]["found"], f"{part}: {found['greeting']}")


@test
def a_broker_with_and_without_encryption_are_told_apart(scene):
    plain = scene.broker("--insecure", name="plain")
    alice = scene.person("alice", plain)
    alice.ok("join", "#lobby")
    equal(failed(doctor(alice, 0)), [], "without encryption, as the address says")
    found = doctor(scene.person("bob", f"{plain.url}?key={KEY}"), 5)
    check("does not encrypt" in found["greeting"]["found"], str(found))
    sealed = scene.broker(name="sealed")
    found = doctor(scene.person("bob", sealed.url.split("?")[0]), 5)
    check("encrypts, and the address has no key" in found["greeting"]["found"], str(found))


@test
def a_socket_file_is_looked_at_too(scene):
    path = scene.folder / "sock"
    broker = scene.broker("--bind", f"ipc://{path}", address=None)
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    found = doctor(alice, 0)
    check(str(path) in found["commands"]["found"], str(found))
    broker.stop()
    found = doctor(alice, 5)
    check(failed(found)[0] == "commands", str(found))


@test
def an_older_broker_and_a_refusal_say_how_to_go_on(scene):
    for error, part in ((("version", 5), "install the same version"), (("not_let_in", 7), "zchat invite"),
                        (("nick_in_use", 8), "--nick"), (("revoked", 27), "device add")):
        broker = ToldBroker(scene)
        alice = scene.person("alice", broker.url)
        alice.ok("ping")  # so that there is a key
        broker.answers["hello"] = lambda each, peer, error=error: [{"v": "error", "error": error[0], "code": error[1],
                                                                   "text": "no \x1b[31m entry"}]
        found = doctor(alice, 5, "--timeout", "2s")
        equal(failed(found), ["hello"], "what failed")
        check(error[0] in found["hello"]["found"] and part in found["hello"]["mend"], str(found["hello"]))
        told = alice.run("doctor", "--timeout", "2s")
        check(b"\x1b" not in told.out, f"what a peer said is cleaned: {told}")


@test
def a_clock_that_is_off_is_told(scene):
    broker = ToldBroker(scene)  # its time stands still
    alice = scene.person("alice", broker.url)
    alice.ok("ping")
    found = doctor(alice, 0)
    equal(found["clock"]["state"], "warn", f"{found['clock']}")
    check("NTP" in found["clock"]["mend"] and " s " in found["clock"]["found"], str(found["clock"]))


@test
def a_key_that_others_may_read_is_told_with_its_remedy(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    (alice.home / "keys" / "alice.key").chmod(0o644)
    found = doctor(alice, 5)
    equal(failed(found), ["key"], "what failed")
    check("chmod" in found["key"]["found"], str(found["key"]))


@test
def messages_that_wait_are_told(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    line = alice.start()
    line.write("/join #lobby\n")
    line.wait_line("you are in #lobby", where="err")
    broker.process.signal(signal.SIGSTOP)
    line.write("kept\n")
    outbox = alice.home / "outbox"
    wait_until(lambda: outbox.exists() and any(path.stat().st_size > 0 for path in outbox.glob("*.log")), "it is written down")
    line.kill9()
    broker.process.signal(signal.SIGCONT)
    found = doctor(alice, 0)
    equal(found["outbox"]["state"], "warn", str(found["outbox"]))


if __name__ == "__main__":
    run_tests()
