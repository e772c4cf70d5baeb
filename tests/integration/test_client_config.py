#!/usr/bin/python3
"""zchat.conf: it stands in for options, is told of where it is wrong, and is printed as it is read."""
from zchat_test import check, equal, program, run_tests, test


@test
def the_configuration_stands_in_for_options(scene):
    broker = scene.broker()
    home = scene.folder / "own"
    home.mkdir(mode=0o700)
    config = home / "zchat.conf"
    config.write_text(f"broker = {broker.url}\nnick = carol\njson = yes\n")

    def run(*args, env=None):
        return scene.run([program("zchat"), "--home", str(home), *args], env=env)
    result = run("send", "@carol", "hello")
    equal(result.code, 0, f"{result}")
    check(b'"state":"stored"' in result.out, f"json = yes: {result}")
    result = run("--no-json", "send", "@carol", "hello")
    check(result.out.startswith(b"@carol "), f"--no-json: {result}")
    result = run("status", "--broker", "zchat://127.0.0.1:1", "--timeout", "200ms")
    equal(result.code, 5, f"the command line goes first: {result}")
    config.write_text(f"broker = {broker.url}\nnick = carol\ntimeout = 200ms\n")
    result = run("who", env={"ZCHAT_BROKER": "zchat://127.0.0.1:1"})
    equal(result.code, 5, f"so does the environment: {result}")


@test
def a_bad_configuration_is_told_with_file_line_and_what_was_expected(scene):
    home = scene.folder / "own"
    home.mkdir(mode=0o700)
    config = home / "zchat.conf"

    def run(*args):
        return scene.run([program("zchat"), "--home", str(home), *args])
    config.write_text("\ntimeout = soon\n")
    for args in (["who"], ["--check-config"], ["--print-config"], []):
        result = run(*args)
        equal(result.code, 2, f"{args}")
        check(result.err.startswith(f"zchat: {config}:2: timeout = soon: expected a time from ".encode()), f"{result}")
    equal(run("--help").code, 0, "--help needs no configuration")
    config.write_text("nick = a\ncolour = red\n")
    equal(run("who").err.decode(), f"zchat: {config}:2: colour: there is no such key, see zchat --help\n", "key")
    other = scene.folder / "other.conf"
    equal(run("--config", str(other), "who").code, 2, "a file that is named must be there")
    other.write_text("nick = b\n")
    equal(run("--config", str(other), "--check-config").code, 0, "another file")


@test
def what_is_printed_is_a_configuration(scene):
    home = scene.folder / "own"
    home.mkdir(mode=0o700)

    def run(*args):
        return scene.run([program("zchat"), "--home", str(home), *args])
    first = run("--print-config")
    equal((first.code, first.err), (0, b""), "--print-config")
    check(b"\n#timeout = 10s\n" in first.out, "defaults are shown")
    (home / "zchat.conf").write_bytes(first.out)
    equal(run("--print-config").out, first.out, "and mean the same")
    (home / "zchat.conf").write_text("nick = dora\nroom.#ops.notify = all\nkey.C-g = cancel\n")
    second = run("--print-config").out
    for line in (b"\nnick = dora\n", b"\nroom.#ops.notify = all\n", b"\nkey.C-g = cancel\n"):
        check(line in second, f"{line} in {second}")
    (home / "zchat.conf").write_bytes(second)
    equal(run("--print-config").out, second, "so do settings")


if __name__ == "__main__":
    run_tests()
