#!/usr/bin/python3
"""The units for systemd: how exposed it finds them, and that they let the programs do what they do."""
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNITS = ROOT / "dist" / "systemd"
EXPOSURE_MAX = 1.5
# SQLite gives a file that it makes as root the database's owner; the service is not root.
NOT_NEEDED = {"fchown", "chown"}


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, timeout=60)


def settings(name, key):
    return re.findall(rf"^{key}=(.*)$", (UNITS / name).read_text(), re.M)


def group(name, known={}):
    """The calls of one of systemd's groups, with those of the groups in it."""
    if name not in known:
        lines = [line.strip() for line in analyze("syscall-filter", name).stdout.splitlines()[1:]]
        known[name] = set()
        for line in lines:
            if line.startswith("@"):
                known[name] |= group(line)
            elif line and not line.startswith("#"):
                known[name].add(line)
    return known[name]


def allowed(unit):
    calls = set()
    for row in settings(unit, "SystemCallFilter"):
        is_taken, words = row.startswith("~"), row.lstrip("~").split()
        for word in words:
            names = group(word) if word.startswith("@") else {word}
            calls = calls - names if is_taken else calls | names
    return calls


class Units(unittest.TestCase):
    def test_their_exposure_is_small(self):
        for unit in sorted(UNITS.glob("*.service")):
            told = analyze("security", "--offline=true", f"--threshold={int(EXPOSURE_MAX * 10)}", unit)
            level = re.search(r"exposure level for \S+: ([\d.]+)", told.stdout)
            self.assertIsNotNone(level, told)
            self.assertLessEqual(float(level.group(1)), EXPOSURE_MAX, told.stdout)
            self.assertEqual((told.returncode, told.stderr), (0, ""), unit)

    def test_systemd_understands_every_line(self):
        for unit in sorted(UNITS.glob("*.service")):
            complaints = [line for line in analyze("verify", unit).stderr.splitlines()
                          if "not executable" not in line and "Command 'man" not in line]
            self.assertEqual(complaints, [], unit)

    def test_what_the_broker_allows_itself_its_unit_allows(self):
        source = (ROOT / "broker/ops/syscalls.c").read_text()
        wanted = set(re.findall(r"SCMP_SYS\((\w+)\)", source[:source.index("DEADLY[]")]))
        wanted |= set(re.findall(r"^\s+\{SCMP_SYS\((\w+)\), \d", source, re.M))
        self.assertGreater(len(wanted), 100)
        wanted |= {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp", "setrlimit"}
        self.assertEqual(wanted - allowed("zchat-broker.service") - NOT_NEEDED, set())

    def test_the_ports_that_documents_and_samples_name_may_be_bound(self):
        texts = {path: (ROOT / path).read_text() for path in ("docs/operations.md", "dist/conf/zchat-broker.conf",
                                                              "dist/prometheus/zchat.rules.yml", "broker/ops/options.c")}
        wanted = {port for text in texts.values() for port in re.findall(r"127\.0\.0\.1:(\d+)", text)}
        wanted |= set(re.findall(r"^#port = (\d+)$", texts["dist/conf/zchat-broker.conf"], re.M))
        self.assertEqual(wanted, {"5670", "9670"})
        wanted.add("5671")
        self.assertEqual({f"tcp:{port}" for port in wanted}, set(settings("zchat-broker.service", "SocketBindAllow")))
        self.assertEqual(settings("zchat-broker.service", "SocketBindDeny"), ["any"])

    def test_a_broker_that_ends_is_there_again_at_once(self):
        unit = "zchat-broker.service"
        for key, value in (("Type", "notify"), ("Restart", "always"), ("RestartSec", "100ms"),
                           ("StartLimitIntervalSec", "0"), ("LimitCORE", "0"), ("StateDirectoryMode", "0700")):
            self.assertEqual(settings(unit, key), [value], key)
        for key in ("MemoryMax", "TasksMax", "LimitNOFILE", "WatchdogSec"):
            self.assertEqual(len(settings(unit, key)), 1, key)

    def test_a_logger_that_hangs_or_ends_is_started_again(self):
        unit = "zchat-logger.service"
        for key, value in (("Type", "notify"), ("NotifyAccess", "main"), ("Restart", "always"), ("StartLimitIntervalSec", "0"),
                           ("LimitCORE", "0"), ("StateDirectoryMode", "0700")):
            self.assertEqual(settings(unit, key), [value], key)
        for key in ("MemoryMax", "TasksMax", "LimitNOFILE", "WatchdogSec"):
            self.assertEqual(len(settings(unit, key)), 1, key)
        self.assertIn("$ZCHAT_LOGGER_OPTIONS", settings(unit, "ExecStart")[0])
        # What rotation and compression do to files.
        wanted = {"renameat2", "renameat", "unlinkat", "utimensat", "fsync", "fdatasync", "ftruncate", "flock", "fstatfs"}
        self.assertEqual(wanted - allowed(unit), set())


if __name__ == "__main__":
    if shutil.which("systemd-analyze") is None:
        print("skipped: no systemd-analyze")
        sys.exit(77)
    unittest.main()
