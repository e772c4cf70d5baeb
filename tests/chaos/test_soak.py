#!/usr/bin/python3
"""What judges a soak finds what is lost, doubled, out of order or different, and tells a slope from noise."""
import json
import os
import types

import wire  # noqa: F401  makes zchat_test known
import sys
import pathlib
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "hostile"))
# pylint: disable=wrong-import-position
from soak_check import Growing, Join, Order, Problems, RoomFiles, text_of  # noqa: E402
from soak_report import slope, slopes, verdict  # noqa: E402
from zchat_test import check, equal, run_tests, test  # noqa: E402

ROOM = "#userroom0"


def said(seq, number, nick="user1", session="01", **more):
    return {"type": "message", "seq": seq, "session": session, "number": number, "from": nick, "text": text_of(nick, number), **more}


def problems_of(events, **more):
    problems = Problems()
    order = Order("it", problems, **more)
    for event in events:
        order.take(event)
    return problems.told


@test
def a_reader_is_judged_by_numbers_texts_and_sessions(_):
    good = [{"type": "join", "seq": 1}, said(2, 1), said(3, 2), said(4, 1, "user2", "02"), said(5, 7, "burster", "03", text="x")]
    equal(problems_of(good), [], "what is good")
    gap = {"type": "gap", "first": 6, "last": 9}
    equal(len(problems_of(good + [gap])), 1, "problems of a gap")
    equal(problems_of([gap, said(10, 5), said(11, 6)], may_miss=True), [], "who begins later")
    for name, events in {"hole": good[:2] + good[3:], "twice": good + [good[-1]], "late": [good[0], good[2], good[1]],
                         "lost": [good[0], said(2, 1), said(3, 3)], "doubled": [good[0], said(2, 1), said(3, 1)],
                         "text": [good[0], said(2, 1, text="line 2 of user 1, as people say things")],
                         "first": [good[0], said(2, 2)]}.items():
        check(problems_of(events), f"{name} is not found")


@test
def two_sides_have_to_say_the_same_of_every_place(_):
    problems = Problems()
    join = Join("join", problems)
    for side in (0, 1):
        for place in range(100):
            join.take(side, place, str(place))
    equal((join.agreed, join.left(), problems.told), (100, (0, 0), []), "what agrees")
    join.take(0, 100, "a")
    join.take(1, 100, "b")
    equal(problems.count, 1, "problems, when they differ")
    join.take(0, 101, "a")
    join.take(0, 101, "a")
    equal(problems.count, 2, "problems, when one comes twice")
    join.judge(("one", "two"))
    equal(problems.count, 3, "problems, when one is missing")


@test
def an_archive_is_read_over_rotations_and_torn_lines(scene):
    folder, taken = scene.folder / "out", []
    folder.mkdir()
    current = folder / "%23userroom0.jsonl"
    files = RoomFiles(folder, ROOM, lambda event: taken.append(event["seq"]))
    equal(files.poll(), 0, "events of nothing")

    def line(seq):
        return json.dumps(said(seq, seq)) + "\n"

    current.write_text(line(1) + line(2) + line(3)[:20])
    files.poll()
    equal(taken, [1, 2], "without the torn one")
    with open(current, "a", encoding="utf-8") as file:
        file.write(line(3)[20:] + line(4))
    os.rename(current, folder / "%23userroom0.000000000004.jsonl")
    (folder / "%23userroom0.000000000006.jsonl").write_text(line(5) + line(6))
    current.write_text(line(7))
    files.poll()
    equal(taken, [1, 2, 3, 4, 5, 6, 7], "over two rotations")
    with open(current, "a", encoding="utf-8") as file:
        file.write(line(8))
    files.poll()
    equal(taken[-1], 8, "the last one")


@test
def what_was_read_of_a_file_is_given_back_to_the_disk(scene):
    path = scene.folder / "acks"
    path.write_bytes(b"a line of acks\n" * 10000)
    growing = Growing(path)
    count = len(growing.lines())
    before = os.stat(path)
    growing.free_what_was_read()
    after = os.stat(path)
    equal((count, after.st_size), (10000, before.st_size), "lines, size")
    check(after.st_blocks < before.st_blocks, f"{before.st_blocks} blocks, then {after.st_blocks}")
    with open(path, "ab") as file:
        file.write(b"the end\n")
    equal(growing.lines(), [b"the end"], "what is read behind it")


def soak_of(**changes):
    """A good one, of two hours with a sample every ten seconds."""
    kinds = {"cut": 1}
    samples = [{"at": at, **{f"{name}_{kind}_mb": 80 + at * changes.get("mb_an_hour", 0.2) / 3600 + at // 10 % 3
                             for name in ("broker", "logger", "client") for kind in ("anon", "rss")}} for at in range(10, 7201, 10)]
    problems = Problems()
    for each in changes.get("problems", ()):
        problems.tell(each)
    fds = {"broker": 500, "logger": 38, "client": 17}
    figures = {"window_s": 7200, "fds_before": fds, "fds_after": {**fds, **changes.get("fds", {})}, "fds_more": {},
               "last": {"acked": changes.get("acked", 5)}}
    return types.SimpleNamespace(problems=problems, figures=figures, samples=samples, is_short=False, is_stopped=False,
                                 options=types.SimpleNamespace(seconds=7200),
                                 faults=types.SimpleNamespace(KINDS=kinds, counts=changes.get("faults", kinds)))


@test
def the_verdict_names_growth_leaks_and_what_was_broken(_):
    equal(verdict(soak_of()), [], "the verdict on what is good")
    for change in ({"mb_an_hour": 1.2}, {"fds": {"broker": 501}}, {"fds": {"logger": 39}}, {"problems": ["lost"]}, {"acked": 0},
                   {"faults": {"cut": 0}}):
        equal(len(verdict(soak_of(**change))), 1, f"what is wrong with {change}")
    check(abs(slopes(soak_of(mb_an_hour=3))["broker_anon"] - 3) < 0.01, "the slope of 3 MB an hour")
    equal(slope([(0, 1), (1, 1)]), None, "the slope of two samples")


if __name__ == "__main__":
    run_tests()
