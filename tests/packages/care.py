"""care.py - in a fresh system: people talk, and meanwhile the broker is backed up and purged; then its backups are restored
into other folders, and every message that was acknowledged and not purged has to be there (tests/packages/chroot.py).

What each sender said and was told stands in its history, and zchat-check judges it against what a reader of the restored
broker is shown. It runs outside of the system: no package holds it."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "checker"))
from records import Records, count_stored, now, told_gaps  # pylint: disable=wrong-import-position

NOBODY = 65534
ROOM, DOOMED = "#talk", "#doomed"
# nick: to whom. carol is purged, and so is the room that dave writes to.
TALKERS = {"nina": ROOM, "omar": ROOM, "carol": ROOM, "dave": DOOMED, "erin": "@frank"}
PURGED = ("carol", "dave")
READERS = {"judge": (ROOM, DOOMED), "frank": ("@frank",)}
CANARY = "canary7c1e5"
LINES, PAUSE_S = 50, 0.05  # of each talker, at a time


def expect(is_true, text):
    if not is_true:
        raise SystemExit(f"not so: {text}")


class Talker:
    """`zchat send --lines`, fed until it is stopped."""

    def __init__(self, care, nick, target):
        self.nick, self.said = nick, 0
        self.word = CANARY if nick in PURGED else "hello"
        self.is_quiet = self.is_over = False
        self.history = care.histories / f"{nick}.jsonl"
        self.process = care.start(nick, "send", target, "--lines", "--timeout", "600s", history=self.history, stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.thread = threading.Thread(target=self._feed, daemon=True)
        self.thread.start()

    def _feed(self):
        while not self.is_over:
            if not self.is_quiet:
                word = self.word
                lines = "".join(f"{self.nick} {self.said + n} {word}\n" for n in range(LINES))
                self.said += LINES
                self.process.stdin.write(lines)
                self.process.stdin.flush()
            time.sleep(PAUSE_S)
        self.process.stdin.close()

    def acknowledged(self):
        return count_stored([self.history])


class Care:
    """The whole story, in a system where the broker's package is installed; `chroot` is the module of chroot.py."""

    def __init__(self, chroot, system, checker):
        self.chroot, self.system, self.checker = chroot, system, checker
        self.data = system.folder / "var/lib/zchat-broker"
        self.histories = self.folder("authors")
        self.url = None
        self.talkers = []
        self.asked = {}  # name of a backup: when

    def folder(self, name):
        path = self.system.folder / "tmp/care" / name
        path.mkdir(parents=True)
        for each in (path.parent, path):
            os.chown(each, NOBODY, NOBODY)
        return path

    def words(self, nick, words, history):
        more = ["--history", "/" + str(history.relative_to(self.system.folder))] if history else []
        return ["zchat", "--home", f"/tmp/{nick}", "--nick", nick, "--broker", self.url, *words, *more]

    def start(self, nick, *words, history=None, **pipes):
        return self.system.start(*self.words(nick, words, history), user=NOBODY, **pipes)

    def zchat(self, nick, *words, history=None, stdin=""):
        return self.system.run(*self.words(nick, words, history), user=NOBODY, stdin=stdin).stdout

    def become_owner(self):
        invitation = self.system.folder / "tmp/owner.url"
        shutil.copyfile(self.data / "owner.url", invitation)
        os.chown(invitation, NOBODY, NOBODY)
        invitation.chmod(0o600)
        self.system.run("zchat", "--home", "/tmp/olga", "--nick", "olga", "--broker", "@/tmp/owner.url", "status", user=NOBODY)

    def wait(self, condition, about):
        end = time.monotonic() + 60
        while not condition():
            expect(time.monotonic() < end, about)
            time.sleep(0.05)

    def wait_for_more(self, count=500):
        """Each talker is acknowledged so many more."""
        before = {talker: talker.acknowledged() for talker in self.talkers}
        self.wait(lambda: all(talker.acknowledged() >= seen + count for talker, seen in before.items()), "the load goes on")

    # The steps

    def back_up(self, name):
        before = count_stored([talker.history for talker in self.talkers])
        begin = time.monotonic()
        self.asked[name] = now()
        told = json.loads(self.zchat("olga", "admin", "backup", name, "--json", "--timeout", "60s"))
        meanwhile = count_stored([talker.history for talker in self.talkers]) - before
        expect(meanwhile > 0, "posts are acknowledged while the backup runs")
        self.chroot.done(f"`zchat admin backup {name}` under load: {told['events']} events, {told['size']} bytes; "
                         f"{meanwhile} posts were acknowledged meanwhile, {before} before", begin)

    def purge(self, records):
        """What carol has said, and all that stands in dave's room: nothing of it stays in a file. Others talk on."""
        begin = time.monotonic()
        purged = [talker for talker in self.talkers if talker.nick in PURGED]
        for talker in purged:
            talker.is_quiet = True
        self.wait(lambda: all(talker.acknowledged() == talker.said for talker in purged), "who is purged is answered")
        person = json.loads(self.zchat("olga", "admin", "purge", "@carol", "--json", "--timeout", "60s"))
        records.purged("carol")
        room = json.loads(self.zchat("olga", "admin", "purge", DOOMED, "--json", "--timeout", "60s"))
        records.removed(DOOMED, 1, room["events"])
        carol, dave = (talker.said for talker in purged)
        expect(person["events"] == carol, f"all of carol's messages are purged: {person} of {carol}")
        expect(room["events"] > dave, f"all of the room's events are purged: {room} of {dave} and who joined")
        self.wait(lambda: not self.files_with(CANARY, self.data), "the purged texts leave the broker's files")
        for talker in purged:
            talker.word, talker.is_quiet = "again", False
        self.chroot.done(f"`zchat admin purge` of a person ({person['events']} messages) and of a room ({room['events']} events) under "
                         "load; their texts are in no file of the broker, but for the backup before", begin)

    def files_with(self, word, folder):
        return [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "backups" and
                word.encode() in path.read_bytes()]

    def end_of_load(self):
        for talker in self.talkers:
            talker.is_over = True
        for talker in self.talkers:
            talker.thread.join()
            expect(talker.process.wait(120) == 0, f"all that {talker.nick} said is acknowledged")
            expect(talker.acknowledged() == talker.said, f"{talker.nick}: {talker.acknowledged()} of {talker.said} acknowledged")

    def read(self, name):
        """Readers of everything; their histories."""
        folder = self.folder(f"read-{name}")
        for nick, streams in READERS.items():
            for stream in streams:
                self.zchat(nick, "tail", stream, "--since", "all", "--until-end", "--json", history=folder / f"{nick}.jsonl")
        return sorted(folder.iterdir())

    def judge(self, files, must_find=None):
        """zchat-check over all authors and these; what it says last. `must_find`: it has to find that broken."""
        result = self.chroot.run(self.checker, "--complete", *sorted(self.histories.iterdir()), *files, check=False)
        if must_find is None:
            expect(result.returncode == 0, f"every promise is kept: {result.stdout[-3000:]}{result.stderr}")
        else:
            expect(result.returncode == 1 and must_find in result.stdout, f"{must_find} is found: {result.stdout[-3000:]}{result.stderr}")
        return result.stdout.splitlines()[-1]

    def restore(self, name, records):
        """Into another folder; a broker on it is talked to, and read. The histories of that, and the gaps it told."""
        begin = time.monotonic()
        folder = f"/srv/{name}"
        number = self.chroot.user_id(self.system, "zchat-broker")
        place = self.system.folder / folder[1:]
        place.mkdir(mode=0o700)
        shutil.copy(self.data / "broker.key", place / "broker.key")
        for each in (place, place / "broker.key"):
            os.chown(each, number, number)
        self.system.run("zchat-broker", "--data", folder, "--restore", f"/var/lib/zchat-broker/backups/{name}", user=number)
        self.system.run("zchat-broker", "--data", folder, "--check-data", user=number)
        self.chroot.done(f"`zchat-broker --data {folder} --restore …/backups/{name}`, `--check-data`", begin)
        with self.chroot.broker(self.system, folder) as self.url:
            said = self.folder(f"said-{name}")
            for talker in ("nina", "omar"):
                self.zchat(talker, "send", ROOM, "--lines", "--timeout", "60s", history=said / f"{talker}.jsonl",
                           stdin="".join(f"{talker} after {name} {n}\n" for n in range(100)))
            read = [*self.read(name), *sorted(said.iterdir())]
        gaps = [gap for path in read for gap in told_gaps(path)]
        holes = [gap for gap in gaps if gap[2] % 1000000000 == 0]
        expect({stream for stream, _, _ in holes} == {ROOM, DOOMED, "@frank"}, f"readers are told of the hole behind the copy: {gaps}")
        for stream, first, last in holes:
            records.restored(self.asked[name], stream, first, last)
        return read, gaps

    def close(self):
        shutil.rmtree(self.system.folder / "tmp/care")
        for name in self.asked:
            shutil.rmtree(self.system.folder / "srv" / name)


def take_care(chroot, system, checker):
    care = Care(chroot, system, checker)
    purges = Records(care.folder("records") / "purges.jsonl")
    with chroot.broker(system) as care.url:
        care.become_owner()
        for room in (ROOM, DOOMED):
            care.zchat("olga", "join", room)
        inbox = care.start("frank", "tail", "@frank", "--json", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        begin = time.monotonic()
        care.talkers = [Talker(care, nick, target) for nick, target in TALKERS.items()]
        care.wait(lambda: all(talker.acknowledged() > 500 for talker in care.talkers), "a load")
        care.back_up("first")
        care.purge(purges)
        care.wait_for_more()
        care.back_up("second")
        care.wait_for_more()
        care.end_of_load()
        said = sum(talker.said for talker in care.talkers)
        chroot.done(f"five people talked meanwhile, a room, another, and a private talk: {said} messages, all acknowledged", begin)
        inbox.kill()
        read = care.read("kept")
        chroot.say(f"- zchat-check, where all that happened: {care.judge([purges.path, *read])}")
    purged = told_gaps(care.system.folder / "tmp/care/read-kept/judge.jsonl")
    expect([stream for stream, _, _ in purged] == [DOOMED], f"who reads is told that the room's events are gone: {purged}")

    own = Records(purges.path.with_name("second.jsonl"))
    read, gaps = care.restore("second", own)
    expect(purged[0] in gaps, f"the purged events are gone in the copy of after the purge, too: {gaps}")
    expect(not care.files_with(CANARY, system.folder / "srv/second"), "and none of their texts is in its files")
    chroot.say(f"- zchat-check, of the copy of after the purge: {care.judge([purges.path, own.path, *read])}")

    own = Records(purges.path.with_name("first.jsonl"))
    read, gaps = care.restore("first", own)
    chroot.say(f"- zchat-check, of the copy of before the purge: {care.judge([own.path, *read])}")
    # Were what was acknowledged between the two copies asked of the older one, it would be missing.
    late = Records(purges.path.with_name("late.jsonl"))
    for stream, first, last in gaps:
        late.restored(care.asked["second"], stream, first, last)
    chroot.say(f"- zchat-check can find it: the older copy in the place of the later one: {care.judge([late.path, *read], must_find='lost:')}")
    care.close()
