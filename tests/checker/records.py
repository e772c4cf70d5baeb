"""records.py - what only a test knows of a broker's log, as lines for zchat-check (shared/text/history.h)."""
import datetime
import json


def now():
    """As the programs write it into their histories, so that it can be compared with what they were told."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Records:
    def __init__(self, path):
        self.path = path

    def _add(self, kind, **fields):
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"history": kind, **fields}, separators=(",", ":"), ensure_ascii=False) + "\n")

    def removed(self, stream, first, last):
        """These places were to be given up: kept no longer, or a purge of the room."""
        self._add("removed", stream=stream, seq=first, last=last)

    def purged(self, nick):
        """What that person said until now was to be emptied."""
        self._add("purged", ts=now(), nick=nick)

    def restored(self, asked, stream, first, last):
        """The broker goes on from a copy that was asked for at `asked`: these places are nobody's. What was acknowledged
        there before is lost, what was acknowledged later had to be."""
        self._add("restored", ts=asked, stream=stream, seq=first, last=last)


def told_gaps(path):
    """[(stream, first, last)] that the reader of that history was told."""
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    return [(line["stream"], line["seq"], line["last"]) for line in lines if line["history"] == "gap"]


def count_stored(paths):
    """How many posts were acknowledged to the writers of these histories, so far."""
    return sum(path.read_bytes().count(b'"history":"stored"') for path in paths if path.exists())
