#!/usr/bin/python3
"""Whatever way the program goes, the terminal is as it was before."""
import itertools
import os
import re
import shlex
import signal

from terminal import Screen, chat
from zchat_test import check, equal, run_tests, test, wait_until

_marks = itertools.count()


def room(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    return broker, alice


def shell(scene):
    """A shell with job control; its terminal's modes."""
    screen = Screen(scene, ["bash", "--norc", "--noprofile", "-i"], columns=140, env={"PS1": "sh% ", "HISTFILE": "/dev/null"})
    screen.wait("sh%")
    return screen


def modes(screen):
    mark = f"modes-{next(_marks)}"  # what was asked before may stand on the screen until `clear` is carried out
    shown = re.compile(rf"^{mark}\n(\d+:[0-9a-f:]+)\nsh%", re.M)
    screen.say(f"clear; echo {mark}; stty -g")
    return wait_until(lambda: shown.search(screen.text()), f"the terminal's modes behind {mark}").group(1)


def child_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        words = file.read().split()
    return int(words[-1]) if words else None


def in_shell(scene, person):
    screen = shell(scene)
    before = modes(screen)
    screen.say(shlex.join(person.args([])))
    screen.wait("#lobby>")
    screen.wait("online")
    equal(screen.state("#{alternate_on}"), "1", "the screen is the program's")
    return screen, before, wait_until(lambda: child_of(screen.pid()), "the program runs")


def check_restored(screen, before):
    screen.wait(re.compile(r"sh% *$", re.M))
    equal(screen.state("#{alternate_on} #{cursor_flag}"), "0 1", "alternate screen, cursor")
    equal(modes(screen), before, "modes of the terminal")


def ends_by(scene, number):
    _, alice = room(scene)
    screen, before, pid = in_shell(scene, alice)
    os.kill(pid, number)
    check_restored(screen, before)


@test
def it_is_restored_after_sigterm(scene):
    ends_by(scene, signal.SIGTERM)


@test
def it_is_restored_after_sighup(scene):
    ends_by(scene, signal.SIGHUP)


@test
def it_is_restored_after_a_crash(scene):
    ends_by(scene, signal.SIGSEGV)
    for report in scene.folder.glob("sanitizer*"):
        report.unlink()  # it was asked for


@test
def it_is_restored_after_an_abort(scene):
    ends_by(scene, signal.SIGABRT)
    for report in scene.folder.glob("sanitizer*"):
        report.unlink()


@test
def it_is_restored_after_quit(scene):
    _, alice = room(scene)
    screen, before, _ = in_shell(scene, alice)
    screen.say("/quit")
    check_restored(screen, before)


@test
def two_interrupts_quit(scene):
    _, alice = room(scene)
    screen, before, _ = in_shell(scene, alice)
    screen.type("half a line")
    screen.wait("half a line")
    screen.keys("C-c")
    screen.wait_gone("half a line")
    screen.keys("C-c")
    screen.wait("once more to quit")
    screen.keys("C-c")
    check_restored(screen, before)


@test
def it_stops_and_goes_on(scene):
    _, alice = room(scene)
    screen, before, pid = in_shell(scene, alice)
    screen.type("unfinished")
    screen.wait("unfinished")
    screen.keys("C-z")
    screen.wait("Stopped")
    check_restored(screen, before)
    screen.say("fg")
    screen.wait("#lobby> unfinished")
    os.kill(pid, signal.SIGTSTP)
    screen.wait(re.compile(r"sh% *$", re.M))
    screen.say("fg")
    screen.wait("#lobby> unfinished")
    os.kill(pid, signal.SIGSTOP)
    screen.wait("Stopped")
    screen.say("fg")
    screen.wait("#lobby> unfinished")
    screen.keys("C-u")
    screen.say("/quit")
    check_restored(screen, before)


@test
def a_terminal_that_cannot_show_it_is_told_so(scene):
    _, alice = room(scene)
    screen = shell(scene)
    screen.say("TERM=dumb " + shlex.join(alice.args([])) + "; echo ended with $?")
    screen.wait("--plain works everywhere")
    screen.wait("ended with 1")


@test
def plain_keeps_line_mode(scene):
    _, alice = room(scene)
    screen = chat(scene, alice, "--plain")
    screen.wait("what you type goes to #lobby")
    equal(screen.state("#{alternate_on}"), "0", "alternate screen")


if __name__ == "__main__":
    run_tests()
