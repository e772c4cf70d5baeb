#!/usr/bin/python3
"""Keys and data are their owner's alone: what is looser than 0700 and 0600 is refused at start, by each program, with
the path, its mode and the command that mends it; and what they make is not looser."""
import os
import pathlib
import stat
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from zchat_test import check, equal, program, read_log, run_tests, test, wait_until  # noqa: E402

NOBODY = 65534


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def refused(result, code, path, is_folder, mode):
    told = result.err.decode()
    check(result.code == code, f"{path}: should exit with {code}: {result}")
    wanted = "700" if is_folder else "600"
    for part in (str(path), f"mode {mode:04o}", f"must have 0{wanted}", f"chmod {wanted} {path}"):
        check(part in told, f"should say '{part}': {result}")


def each_looser_mode(path, run, code=1):
    """run() is refused while path is looser than it was, or not its owner's, or a link; and works again afterwards."""
    is_folder, tight = path.is_dir(), mode_of(path)
    for loose in (tight | 0o040, tight | 0o004, tight | 0o020, tight | 0o011):
        path.chmod(loose)
        refused(run(), code, path, is_folder, loose)
    path.chmod(tight)
    if os.geteuid() == 0:
        os.chown(path, NOBODY, -1)
        result = run()
        check(result.code == code and f"{path} belongs to user {NOBODY}" in result.err.decode(), f"owner: {result}")
        os.chown(path, 0, -1)
    if not is_folder:
        aside = path.with_name("aside")
        path.rename(aside)
        path.symlink_to(aside)
        result = run()
        check(result.code == code and f"{path} is a link" in result.err.decode(), f"link: {result}")
        path.unlink()
        aside.rename(path)


@test
def the_broker_refuses_data_log_and_history_that_others_may_use(scene):
    logs = scene.folder / "logs"
    logs.mkdir()
    options = ("--log-file", logs / "log", "--history", logs / "history")
    broker = scene.broker(*options)
    scene.person("alice", broker).ok("ping")
    broker.kill9()  # leaves -wal and -shm
    data = sorted(path for path in broker.data.iterdir() if path.is_file())
    check({"zchat.db", "zchat.db-wal", "broker.key", "broker.url"} <= {path.name for path in data}, f"{data}")
    for path in data + [logs / "log", logs / "history"]:
        equal(mode_of(path), 0o600, f"mode of {path}")
    equal(mode_of(broker.data), 0o700, "mode of the data folder")

    def run():
        return scene.run([program("zchat-broker"), "--data", broker.data, "--port", "0", *options])
    for path in [broker.data, *data, logs / "log", logs / "history"]:
        each_looser_mode(path, run)
    broker.start()
    equal(broker.stop(), 0, "exit code")


@test
def the_client_refuses_a_home_that_others_may_use(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    history = scene.folder / "history"
    alice.ok("join", "#lobby", "--history", history)
    alice.ok(stdin=b"hello\n")
    everything = [path for path in alice.home.rglob("*")] + [alice.home, history]
    for path in everything:
        equal(mode_of(path), 0o700 if path.is_dir() else 0o600, f"mode of {path}")
    check({"keys", "outbox", "places", "known_brokers", "alice.key"} <= {path.name for path in everything},
          f"{everything}")
    for path in everything:
        code = 5 if path.suffix == ".key" else 1
        each_looser_mode(path, lambda: alice.run("ping", "--history", history), code)
    alice.ok("ping", "--history", history)


@test
def the_logger_refuses_an_archive_that_others_may_look_into(scene):
    broker = scene.broker()
    alice = scene.person("alice", broker)
    alice.ok("join", "#lobby")
    alice.ok("send", "#lobby", "hello")
    logger = scene.logger(broker)
    wait_until(lambda: read_log(logger.out_folder, "#lobby"), "something is in the archive")
    equal(logger.stop(), 0, "exit code of the logger")
    out = logger.out_folder
    equal([mode_of(out)] + [mode_of(path) for path in out.iterdir()], [0o700, 0o600], "modes of folder and file")
    each_looser_mode(out, lambda: scene.run([program("zchat-logger"), "--out", out, "--broker", broker.url, "--home",
                                             scene.folder / "home-logger"]))


if __name__ == "__main__":
    run_tests()
