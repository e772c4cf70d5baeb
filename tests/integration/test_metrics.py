#!/usr/bin/python3
"""Watching a broker: figures over HTTP and over the protocol [R-68] [R-61] [R-62], health, who may see what."""
import json
import pathlib
import re
import resource
import signal
import socket
import stat

from metrics import Page
from raw_client import RawClient
from zchat_test import DEADLINE, SLOW, check, equal, is_sanitized, program, run_tests, test, wait_until

DIST = pathlib.Path(__file__).resolve().parents[2] / "dist"
METRICS = ("--metrics", "127.0.0.1:0")
SOON_S = 5  # whoever is kept out by others waits until they are cut off, which takes longer


def watched(scene, *options, **more):
    broker = scene.broker(*METRICS, *options, **more)
    return broker, Page(broker)


def owner_of(scene, broker):
    """Somebody who runs this broker."""
    owner = scene.person("olga", broker)
    owner.ok("status", url=(broker.data / "owner.url").read_text().strip())
    return owner


@test
def what_happens_is_counted(scene):
    broker, page = watched(scene)
    alice, bob = scene.person("alice", broker), scene.person("bob", broker)
    before = page.samples()
    check(0 < before["zchat_descriptors"] < before["zchat_descriptors_max"], f"{before}")
    check(before["zchat_resident_bytes"] > 1 << 20, f"{before['zchat_resident_bytes']}")
    check(is_sanitized(broker.process.pid) or before["zchat_allocated_bytes"] > 1 << 20, f"{before['zchat_allocated_bytes']}")
    check(0 < before["zchat_disk_free_bytes"] <= before["zchat_disk_size_bytes"], "the disk")
    equal(before['zchat_build_info{version="0.1.0"}'], 1, "the version")
    alice.ok("join", "#lobby")
    sent = [alice.ok("send", "#lobby", f"message {n}", "--json").json()[0] for n in range(20)]
    again = alice.ok("send", "#lobby", "message 0", "--session", sent[0]["session"], "--number",
                     str(sent[0]["number"]), "--json").json()[0]
    equal(again["seq"], sent[0]["seq"], "a repeat is answered with the first place")
    bob.ok("join", "#lobby")
    equal(len(bob.history("#lobby")), len(bob.history("#lobby")), "history")
    alice.ok("send", "@bob", "psst")
    bob.refused(6, "no_such_room", "send", "#nowhere", "hello")
    tail = alice.tail("#lobby")
    wait_until(lambda: page.figures()["sessions"] >= 1, "a session is seen")
    now = page.samples()

    def grown(name):
        return now[name] - before[name]

    equal(grown("zchat_posts_total"), 21, "posts")
    equal(grown("zchat_duplicates_total"), 1, "duplicates")
    check(grown("zchat_retries_total") >= 1, "retries")
    check(grown("zchat_acks_total") >= 22, "acknowledgements")
    check(grown("zchat_events_total") >= 21, "events")
    check(grown("zchat_repairs_total") >= 2, "histories are fetched")
    check(grown('zchat_deliveries_total{by="broadcast"}') >= 21, "broadcasts")
    check(grown('zchat_refusals_total{code="no_such_room"}') >= 1, "refusals by code")
    equal(grown("zchat_ack_latency_seconds_count"), 21, "each post that was stored has its time")
    check(0 < grown("zchat_commit_latency_seconds_count") == grown("zchat_commits_total"), "commits")
    check(grown("zchat_handshakes_total") > 0 and grown("zchat_connections_accepted_total") > 0, "connections")
    equal((now["zchat_people"], now["zchat_rooms"]), (before["zchat_people"] + 2, 1), "people and rooms")
    check(now["zchat_memberships"] == 2 and now["zchat_database_bytes"] > 0, "members, database")
    check(now["zchat_mailbox_events"] >= 1, "nobody has confirmed what bob got")
    tail.stop()
    wait_until(lambda: page.figures()["queue_depth.pending"] == 0, "nothing waits in the end")


@test
def text_json_and_stats_have_the_same_figures(scene):
    broker, page = watched(scene)
    owner = owner_of(scene, broker)
    figures, samples = page.figures(), page.samples()
    rows = owner.ok("admin", "stats", "--json").json()
    stats = {row["name"]: row["value"] for row in rows}
    equal(len(stats), len(rows), "each name once")
    told = {key for key in figures if ".bucket." not in key} - {"version", "alarms", "texts"}
    equal(sorted(stats), sorted(told), "names of STATS and of the page")
    for name in stats:
        if name.partition(".")[0].endswith("_latency"):
            continue
        family, _, value = name.partition(".")
        names = [key for key in samples if key.split("{")[0] in (f"zchat_{family}", f"zchat_{family}_total")
                 and (not value or f'="{value}"' in key)]
        equal(len(names), 1, f"the sample of {name}: {names}")
    check(stats["rooms"] == 0 and stats["people"] >= 1 and stats["resident_bytes"] > 0, f"{stats}")
    plain = owner.ok("admin", "stats").lines()
    check(any(re.fullmatch(r"posts +\d+", line) for line in plain), f"the human form: {plain[:5]}")
    scene.person("alice", broker).refused(4, "denied", "admin", "stats")


@test
def stats_need_no_page(scene):
    broker = scene.broker()
    stats = {row["name"]: row["value"] for row in owner_of(scene, broker).ok("admin", "stats", "--json").json()}
    wait_until(lambda: "metrics.listening" not in "\n".join(broker.process.err), "no page")
    check(stats["descriptors"] > 0 and stats["descriptors_max"] > 0, f"what the system says is there too: {stats}")


def page_of_stats(client, ref, **cursor):
    """The rows of one page, and its END."""
    client.send({"v": "stats", "ref": ref, **cursor})
    rows, told = [], []
    while not told or told[-1]["v"] != "end":
        frame = client.receive()
        check(frame is not None, f"STATS {cursor} has no END")
        told += [each for each in frame if each.get("ref") == ref]
    rows = [each["name"] for each in told[:-1]]
    check(all(each["v"] == "stat" for each in told[:-1]), f"what a page is made of: {told}")
    return rows, told[-1]


@test
def a_page_of_stats_begins_where_it_is_asked_to(scene):
    broker = scene.broker()
    token = (broker.data / "owner.url").read_text().strip().rsplit("invite=", 1)[1]
    with RawClient(broker.url) as owner:
        owner.hello("olga", invite=bytes.fromhex(token))
        whole, end = page_of_stats(owner, 1)
        check("cursor" not in end or len(whole) == 128, f"only a full page has another: {len(whole)} {end}")
        while "cursor" in end:
            rows, end = page_of_stats(owner, 2, cursor=end["cursor"])
            whole += rows
        for first in (1, 7, len(whole) - 1):
            rows, end = page_of_stats(owner, 3, cursor=first)
            equal((rows, end.get("cursor")), (whole[first:first + 128], first + 128 if first + 128 < len(whole) else None),
                  f"the page from row {first} on")
        for first in (len(whole), len(whole) + 5, 2**40):
            equal(page_of_stats(owner, 4, cursor=first)[0], [], f"the page from row {first} on")


@test
def health_follows_the_disk_and_says_so_once(scene):
    config = scene.folder / "disk.conf"
    config.write_text("disk-free-min = 1M\n")
    broker, page = watched(scene, "--config", config)
    equal(page.health(), (200, "text/plain; charset=utf-8", b"ok\n"), "health")
    config.write_text("disk-free-min = 1T\n")
    broker.process.signal(signal.SIGHUP)
    wait_until(lambda: page.health()[0] == 503, "health turns bad")
    status, kind, body = page.health()
    equal((status, kind, json.loads(body)["reasons"]), (503, "application/json", ["disk_full"]), "why")
    equal(page.samples()['zchat_alarm{name="disk_full"}'], 1, "the alarm is a sample, too")
    for _ in range(3):
        page.health()
    config.write_text("disk-free-min = 1M\n")
    broker.process.signal(signal.SIGHUP)
    wait_until(lambda: page.health()[0] == 200, "health turns good")
    broker.process.wait_line("alarm.over", where="err")
    lines = [line for line in broker.process.err if " alarm." in line]
    equal([re.search(r"(\w+) (alarm\.\w+) name=(\w+)", line).groups() for line in lines],
          [("error", "alarm.raised", "disk_full"), ("info", "alarm.over", "disk_full")], "words in the log")


@test
def low_descriptors_are_an_alarm(scene):
    broker, page = watched(scene)
    soft, hard = resource.prlimit(broker.process.pid, resource.RLIMIT_NOFILE)
    in_use = int(page.samples()["zchat_descriptors"])
    resource.prlimit(broker.process.pid, resource.RLIMIT_NOFILE, (in_use + 4, hard))
    broker.process.wait_line(re.compile(r" error alarm\.raised name=descriptors_low"), where="err")
    equal((page.health()[0], json.loads(page.health()[2])["reasons"]), (503, ["descriptors_low"]), "health")
    resource.prlimit(broker.process.pid, resource.RLIMIT_NOFILE, (soft, hard))
    broker.process.wait_line(re.compile(r" info alarm\.over name=descriptors_low"), where="err")
    equal(page.health()[0], 200, "well again")


@test
def rooms_and_sessions_need_the_token(scene):
    broker, page = watched(scene)
    token = page.token_file.read_text().strip()
    equal(stat.S_IMODE(page.token_file.stat().st_mode), 0o600, "mode of the token's file")
    wrong = [{}, {"Authorization": "Bearer "}, {"Authorization": token}, {"Authorization": f"Basic {token}"},
             {"Authorization": f"Bearer {token[:-1]}"}, {"Authorization": f"Bearer {token}x"}, {"Cookie": f"token={token}"}]
    for path in ("/rooms.json", "/sessions.json"):
        for headers in wrong:
            status, got, body = page.ask(path, headers=headers)
            equal((status, got["WWW-Authenticate"] is None), (401, False), f"{path} with {headers}")
            check(b"rooms" not in body and b"sessions" not in body, f"{body}")
        equal(page.ask(f"{path}?token={token}&access_token={token}")[0], 401, "the token is no part of an address")
        equal(page.json(path, page.bearer())["total"], 0, path)
    broker.restart()
    equal(page.token_file.read_text().strip(), token, "the token stays")
    check(not any(token in line for line in broker.process.err), "the token is in the log")


@test
def rooms_and_sessions_are_told_and_names_are_data(scene):
    broker, page = watched(scene)
    alice = scene.person("alice", broker)
    topic = '</script><script>alert(1)</script><img src=x onerror=alert(1)>"\\\u202egnp.exe\x1b[2J'
    alice.ok("room", "create", "#lobby")
    alice.ok("room", "topic", "#lobby", topic)
    alice.ok("room", "create", "#secret", "--private")
    tail = alice.tail("#lobby")
    wait_until(lambda: page.json("/sessions.json", page.bearer())["total"] > 0, "a session")
    status, headers, body = page.ask("/rooms.json", headers=page.bearer())
    equal((status, headers["X-Content-Type-Options"]), (200, "nosniff"), "no guessing at types")
    check(b"\x1b" not in body and "\u202e".encode() not in body and b"\\u202e" not in body, f"{body}")
    rooms = {row["name"]: row for row in json.loads(body)["rooms"]}
    equal(rooms["#lobby"]["topic"], topic.replace("\u202e", "\ufffd").replace("\x1b", "\ufffd"), "the topic is cleaned")
    equal((rooms["#lobby"]["private"], rooms["#secret"]["private"]), (False, True), "kinds of rooms")
    session = page.json("/sessions.json", page.bearer())["sessions"][0]
    equal((session["nick"], session["state"]), ("alice", "online"), f"{session}")
    check(re.fullmatch(r"([0-9a-f]{4} ){7}[0-9a-f]{4}", session["key"]), f"a fingerprint: {session}")
    tail.stop()


@test
def only_get_and_head_of_known_pages_under_our_own_name(scene):
    _, page = watched(scene, "--metrics-host", "chat.example")
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"):
        status, headers, _ = page.ask("/metrics", method=method, body=b"x" * 100 if method == "POST" else None)
        equal((status, headers["Allow"]), (405, "GET, HEAD"), method)
    for path in ("/metrics/", "/../metrics", "/rooms", "/favicon.ico", "//"):
        equal(page.ask(path)[0], 404, path)
    status, _, body = page.ask("/metrics", method="HEAD")
    equal((status, body), (200, b""), "HEAD")
    for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:80", "localhost.evil.example"):
        for path in ("/", "/metrics", "/health", "/rooms.json"):
            equal(page.ask(path, headers={"Host": host, **page.bearer()})[0], 421, f"{path} of {host}")
    for host in ("localhost:1", "[::1]", "chat.example", "10.0.0.1:9670"):
        equal(page.ask("/metrics", headers={"Host": host})[0], 200, host)
    status, headers, body = page.ask("/")
    equal((status, headers["X-Frame-Options"], headers["Cache-Control"]), (200, "DENY", "no-store"), "the page")
    policy = headers["Content-Security-Policy"]
    check(policy.startswith("default-src 'none'; ") and "unsafe" not in policy and "*" not in policy, policy)
    check(b"http://" not in body.replace(b"http://www.w3.org/2000/svg", b"") and b"https://" not in body and
          b"@import" not in body and b"url(" not in body, "something is loaded from elsewhere")


@test
def beyond_loopback_all_figures_need_the_token(scene):
    broker = scene.broker("--metrics", "0.0.0.0:0", "--metrics-token-file", make_token(scene))
    page = Page(broker)
    page.token_file = scene.folder / "token"
    broker.process.wait_line(" warn metrics.in_clear ", where="err")
    for path in ("/metrics", "/metrics.json", "/rooms.json", "/sessions.json"):
        equal(page.ask(path)[0], 401, path)
        equal(page.ask(path, headers=page.bearer())[0], 200, path)
    for path in ("/", "/health"):
        equal(page.ask(path)[0], 200, path)
    check(not (broker.data / "metrics.token").exists(), "no other token is made")


def make_token(scene):
    path = scene.folder / "token"
    path.write_text("a-token-of-somebody\n")
    path.chmod(0o600)
    return path


@test
def what_cannot_be_served_is_refused_at_the_start(scene):
    loose = scene.folder / "loose"
    loose.write_text("a-token-of-somebody\n")
    loose.chmod(0o644)
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    for code, part, options in (
            (2, "without metrics-token-file", ("--metrics", "0.0.0.0:0")),
            (2, "ADDRESS:PORT was expected", ("--metrics", "9670")),
            (2, "ADDRESS:PORT was expected", ("--metrics", "example.org:80")),
            (1, "chmod", (*METRICS, "--metrics-token-file", loose)),
            (1, "cannot read the token", (*METRICS, "--metrics-token-file", scene.folder / "none")),
            (1, "metrics: cannot listen at", ("--metrics", f"127.0.0.1:{taken.getsockname()[1]}"))):
        result = scene.run([program("zchat-broker"), "--data", scene.folder / "data", "--port", "0",
                            *options])
        check(result.code == code and part in result.err.decode(), f"{options}: {result}")
    taken.close()


def send_slowly(links):
    for link in links:
        try:
            link.sendall(b"X")
        except OSError:
            pass


def is_cut(link):
    link.setblocking(False)
    try:
        return link.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def is_served(page):
    """Whoever opens many connections at the same moment may push out this one, too: then it comes again."""
    try:
        return page.health(SOON_S * SLOW)[0] == 200
    except OSError:
        return False


@test
def who_sends_slowly_keeps_nobody_out(scene):
    broker, page = watched(scene)
    alice = scene.person("alice", broker)
    links = []
    for _ in range(120):
        link = socket.create_connection(("127.0.0.1", page.port), timeout=DEADLINE)
        link.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        links.append(link)
    for _ in range(20):
        send_slowly(links)
        wait_until(lambda: is_served(page), "health is told among them", SOON_S)
    wait_until(lambda: sum(not is_cut(link) for link in links) <= 16, "most of them are cut")
    alice.ok("ping")
    for link in links:
        link.close()


@test
def what_is_no_request_is_refused(scene):
    _, page = watched(scene)
    for data, answer in ((b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"414"),
                         (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20000 + b"\r\n\r\n", b"431"),
                         (b"GET /metrics HTTP/1.1\r\n\r\n", b"421"), (b"GET /metrics HTTP/1.0\r\n\r\n", b"421"),
                         (b"GET\r\n\r\n", b"")):
        with socket.create_connection(("127.0.0.1", page.port), timeout=DEADLINE) as link:
            try:
                link.sendall(data)
            except OSError:
                pass
            got = b""
            try:
                while b"\r\n" not in got and (part := link.recv(65536)):
                    got += part
            except OSError:
                pass
            check(got.split(b" ")[1:2] == [answer] if answer else not got.startswith(b"HTTP/1.1 200"),
                  f"{data[:40]} was answered with {got[:60]}")
    with socket.create_connection(("127.0.0.1", page.port), timeout=DEADLINE) as link:
        link.sendall(bytes(range(256)))
        equal(page.health()[0], 200, "it lives")


@test
def a_connection_is_used_again(scene):
    _, page = watched(scene)
    with socket.create_connection(("127.0.0.1", page.port), timeout=DEADLINE) as link:
        reader = link.makefile("rb")
        for _ in range(5):
            link.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            equal(reader.readline(), b"HTTP/1.1 200 OK\r\n", "status")
            while reader.readline() not in (b"\r\n", b""):
                pass
            equal(reader.read(3), b"ok\n", "body")


@test
def dashboard_and_rules_name_what_there_is(scene):
    _, page = watched(scene)
    known = {key.split("{")[0] for key in page.samples()}
    dashboard = json.loads((DIST / "grafana" / "zchat.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    rules = (DIST / "prometheus" / "zchat.rules.yml").read_text()
    asked += re.findall(r"^ +expr: (.+)$", rules, re.M)
    check(len(asked) > 15, f"{len(asked)} expressions")
    for text in asked:
        names = set(re.findall(r"\bzchat_\w+", text))
        check(names or "up{" in text, f"no figure in {text}")
        check(names <= known, f"{text}: {names - known} is not on the page")
    ids = [panel["id"] for panel in dashboard["panels"]]
    equal(len(ids), len(set(ids)), "numbers of panels")


if __name__ == "__main__":
    run_tests()
