#!/usr/bin/python3
"""The broker on a PostgreSQL database: everything it does on SQLite, what it promises when the server dies, and what it says
when something is wrong with it. [R-19] [R-20] [R-23]. $ZCHAT_LINES: how many lines a sender has under load (10000)."""
import os
import pathlib
import random
import re
import subprocess

from load import LINES, NICKS, acknowledged, begin, check_end, kill_in_the_middle
from postgres import Postgres
from zchat_test import Skipped, check, equal, program, run_tests, test, texts, wait_until


def broker_on(scene, server, *options, **more):
    return scene.broker("--store", server.url(), *options, **more)


def refused(scene, *options):
    """A start that fails with 1 and one line; returns the line."""
    result = scene.run([program("zchat-broker"), "--data", scene.folder / "refused", "--port", "0", *options])
    equal(result.code, 1, f"exit code of {result}")
    lines = [line for line in result.err.decode().splitlines() if " error " in line]
    equal(len(lines), 1, f"lines of {result}")
    check("broker.failed" in lines[0], f"the line says what failed: {lines[0]}")
    return lines[0]


@test
def people_talk_search_and_leave_and_find_all_of_it_after_a_restart(scene):
    server = Postgres(scene)
    broker = broker_on(scene, server)
    alice, bob = (scene.person(nick, broker) for nick in ("alice", "bob"))
    alice.ok("join", "#lobby")
    bob.ok("join", "#lobby")
    alice.ok("send", "#lobby", "the kettle is on")
    bob.ok("send", "@alice", "coming")
    alice.ok("room", "topic", "#lobby", "tea")
    equal(texts(bob.history("#lobby")), ["the kettle is on"], "what bob reads")
    wait_until(lambda: b"kettle" in bob.run("search", "kettle").out, "the index finds it")
    check(not (broker.data / "zchat.db").exists(), "there is no database in the data folder")
    broker.restart()
    bob.ok("send", "#lobby", "with milk")
    equal(texts(alice.history("#lobby")), ["the kettle is on", "with milk"], "what alice reads")
    equal(texts(alice.history("@alice")), ["coming"], "what was for alice")
    opened = [line for line in broker.process.err if "store.opened" in line]
    equal(len(opened), 1, "lines about the store")
    check("synchronous_standby_names=''" in opened[0] and "zchat@" in opened[0], opened[0])
    root = scene.person("root", broker)
    root.ok("status", url=f"@{broker.data}/owner.url")

    def bytes_told():
        said = {row["name"]: row["value"] for row in root.ok("admin", "stats", "--json").json()}
        return said["database_bytes"]
    wait_until(lambda: bytes_told() > 1000000, "how large the database is")
    refused_backup = alice.run("admin", "backup", "copy")
    check(refused_backup.code != 0, "there is no file to copy")
    equal(broker.stop(), 0, "exit code of the broker")


@test
def nothing_is_lost_doubled_or_out_of_order_when_broker_and_server_are_killed(scene):
    server = Postgres(scene)
    broker = broker_on(scene, server)
    people = [scene.person(nick, broker) for nick in NICKS]
    readers = [scene.person(nick, broker) for nick in ("carol", "dave")]
    senders, tails, logger = begin(scene, broker, people, readers)

    kill_in_the_middle(broker, senders, 1 / 4)
    wait_until(lambda: acknowledged(senders) >= 2 * LINES / 2, "half is acknowledged", 120)
    server.kill9()
    check(acknowledged(senders) < 2 * LINES, "the server was killed too late: all was acknowledged")
    # What was on its way ends the broker, since nobody knows its outcome; if nothing was, it waits for its database.
    wait_until(lambda: any("store.failed" in line or "store.lost" in line for line in broker.process.err), "the broker notices")
    server.start()
    if any("store.failed" in line for line in broker.process.err):
        equal(broker.process.wait_exit(), 1, "exit code of a broker without its database")
        check(any("the database" in line and " error " in line for line in broker.process.err), "it says why")
        broker.start()

    check_end(senders, readers, tails, logger)
    equal(broker.stop(), 0, "exit code of the broker")


@test
def a_reader_that_is_cut_is_connected_again_from_inside_the_sandbox(scene):
    server = Postgres(scene, port=scene.free_port("127.0.0.1"))
    server.say("CREATE ROLE chat LOGIN PASSWORD 'tea'; GRANT CREATE ON DATABASE postgres TO chat")
    secret = scene.folder / "url"
    authority = scene.folder / "authority.crt"  # read again with each connection
    authority.write_bytes(server.certificate.read_bytes())
    secret.write_text(f"postgres://chat:tea@127.0.0.1:{server.port}/postgres?sslmode=verify-full&sslrootcert={authority}\n")
    secret.chmod(0o600)
    broker = scene.broker("--store", f"@{secret}")
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    alice.ok("send", "#lobby", "one")
    equal(texts(alice.history("#lobby")), ["one"], "before")
    # The broker's first connection writes; it alone holds the lock of the database.
    server.say("SELECT pg_terminate_backend(pid) FROM pg_stat_activity a WHERE application_name = 'zchat-broker'"
               " AND NOT EXISTS (SELECT 1 FROM pg_locks l WHERE l.pid = a.pid AND locktype = 'advisory')")
    equal(texts(alice.history("#lobby")), ["one"], "behind the cut")
    broker.process.wait_line("reader.lost", where="err")  # by the indexer at the latest
    check(not any("tea" in line for line in broker.process.err), "no password in the log")
    check(any("tls=yes" in line and "chat@127.0.0.1" in line for line in broker.process.err), "it says where it is")
    equal(broker.stop(), 0, "exit code of the broker")


@test
def an_idle_broker_waits_for_a_server_that_is_started_anew(scene):
    server = Postgres(scene)
    broker = broker_on(scene, server)
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    alice.ok("send", "#lobby", "one")
    server.kill9()
    later = alice.start("send", "#lobby", "two", "--timeout", "60s")
    wait_until(lambda: any("store.lost" in line for line in broker.process.err), "the broker notices")
    server.start()
    equal(later.wait_exit(60), 0, "exit code of what was said meanwhile")
    equal(texts(alice.history("#lobby")), ["one", "two"], "what is there")
    broker.process.wait_line("store.reconnected", where="err")
    equal(broker.stop(), 0, "exit code of the broker")


@test
def of_several_hosts_the_one_that_can_be_written_is_found_again_from_inside_the_sandbox(scene):
    servers = [Postgres(scene, port=scene.free_port("127.0.0.1")) for _ in range(2)]
    for server in servers:
        server.say("CREATE ROLE chat LOGIN PASSWORD 'tea'; GRANT CREATE ON DATABASE postgres TO chat")
    first, second = servers
    second.say("ALTER SYSTEM SET default_transaction_read_only = on")
    second.say("SELECT pg_reload_conf()")
    secret = scene.folder / "url"
    secret.write_text(f"postgres://chat:tea@localhost:{first.port},127.0.0.1:{second.port}/postgres\n")
    secret.chmod(0o600)
    broker = scene.broker("--store", f"@{secret}")
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    first.kill9()
    # The second takes over: a copy of the first, as a promoted standby is.
    second.kill9()
    second.take_over(first)
    later = alice.start("send", "#lobby", "at the second", "--timeout", "60s")
    equal(later.wait_exit(60), 0, f"exit code of what was said meanwhile; {later.err} {broker.process.err[-3:]}")
    broker.process.wait_line(re.compile(rf"store\.reconnected .*port={second.port}\b"), where="err")
    equal(texts(alice.history("#lobby")), ["at the second"], "what is there")
    equal(broker.stop(), 0, "exit code of the broker")


@test
def what_is_wrong_with_the_database_is_said_in_one_line(scene):
    server = Postgres(scene)
    server.say("CREATE ROLE locked LOGIN PASSWORD 'right'")
    secret = scene.folder / "url"
    secret.write_text(server.url("locked").replace("locked@", "locked:wrong@") + "\n")
    secret.chmod(0o600)
    line = refused(scene, "--store", f"@{secret}")
    check("password authentication failed" in line and "wrong" not in line, line)
    line = refused(scene, "--store", server.url(database="nowhere"))
    check('database "nowhere" does not exist' in line, line)
    line = refused(scene, "--store", f"postgres://zchat@/postgres?host={scene.folder}")
    check("Is the server running" in line, line)
    line = refused(scene, "--store", server.url().replace("zchat@", "zchat:secret@"))
    check("~/.pgpass" in line and "secret" not in line, line)
    secret.chmod(0o644)
    line = refused(scene, "--store", f"@{secret}")
    check("0600" in line, line)
    line = refused(scene, "--store", server.url(), "--require-replication")
    check("does not wait for a standby" in line, line)
    server.say("ALTER ROLE zchat SET default_transaction_read_only = on")
    line = refused(scene, "--store", server.url())
    check("read-only" in line, line)
    server.say("SET default_transaction_read_only = off; BEGIN READ WRITE;"
               " ALTER ROLE zchat RESET default_transaction_read_only; COMMIT")
    first = broker_on(scene, server)
    line = refused(scene, "--store", server.url())
    check("another broker works in the database" in line, line)
    equal(first.stop(), 0, "exit code of the broker")


@test
def a_server_without_room_refuses_posts_and_takes_them_again_when_there_is_some(scene):
    server = Postgres(scene)
    small = pathlib.Path(server.folder) / "small"
    small.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6M", "zchat-test", str(small)], capture_output=True, check=False)
    if done.returncode != 0:
        raise Skipped("no file system of a test's own can be mounted here")
    scene.at_end(lambda: subprocess.run(["umount", "-l", str(small)], check=False))
    os.chown(small, server.folder.stat().st_uid, server.folder.stat().st_gid)
    broker = broker_on(scene, server)
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    server.say(f"CREATE TABLESPACE small LOCATION '{small}'")
    server.say("ALTER TABLE zchat.event SET TABLESPACE small")
    chance = random.Random(1)  # the server packs what repeats itself
    lines = "".join(f"{number} {chance.randbytes(2500).hex()}\n" for number in range(2000)).encode()
    result = alice.run("send", "#lobby", "--lines", "--timeout", "5s", stdin=lines, timeout=120)
    check(result.code != 0, "all of it found room")
    said = result.out.decode().splitlines()
    check(said, "nothing found room")
    check(b"full" in result.err, f"it says why: {result.err[-300:]}")
    equal(len(texts(alice.history("#lobby"))), len(said), "what was acknowledged is there, and nothing else")
    subprocess.run(["mount", "-o", "remount,size=64M", str(small)], check=True)
    wait_until(lambda: alice.run("send", "#lobby", "there is room").code == 0, "posts are taken again")
    equal(texts(alice.history("#lobby"))[-1], "there is room", "the last post")
    equal(broker.stop(), 0, "exit code of the broker")


@test
def all_of_it_moves_into_a_database_and_back(scene):
    server = Postgres(scene)
    broker = scene.broker()
    alice, bob = (scene.person(nick, broker) for nick in ("alice", "bob"))
    for person in (alice, bob):
        person.ok("join", "#lobby")
        person.ok("send", "#lobby", f"{person.nick} was here")
    alice.ok("send", "@bob", "a word")
    before = alice.history("#lobby")

    def move(to, *options):
        equal(broker.stop(), 0, "exit code of the broker")
        result = scene.run([program("zchat-broker"), "--data", broker.data, *options, "--migrate", to])
        equal(result.code, 0, f"{result}")
        check(b"copied" in result.err, f"{result}")

    move(server.url())
    broker.options += ["--store", server.url()]
    broker.start()
    broker.process.wait_line("store.unused", where="err")
    equal(alice.history("#lobby"), before, "the room in the database")
    bob.ok("send", "#lobby", "in the database")
    after = alice.history("#lobby")
    back = scene.folder / "back"
    move(back, "--store", server.url())
    (broker.data / "zchat.db").rename(scene.folder / "old.db")
    (back / "zchat.db").rename(broker.data / "zchat.db")
    for rest in broker.data.glob("zchat.db-*"):
        rest.unlink()
    broker.options = broker.options[:-2]
    broker.start()
    equal(alice.history("#lobby"), after, "the room in the folder again")
    equal(texts(bob.history("@bob")), ["a word"], "the private message")
    bob.ok("send", "#lobby", "at home")
    equal(broker.stop(), 0, "exit code of the broker")
    result = scene.run([program("zchat-broker"), "--data", broker.data, "--check-data"])
    equal(result.code, 0, f"{result}")


if __name__ == "__main__":
    run_tests()
