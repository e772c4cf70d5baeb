#!/usr/bin/python3
"""What is in the Debian packages: files, control fields, settings, scripts; that they come out the same twice; and that a
stranger's program builds with what is in libzchat-dev. Installing, upgrading and purging is tried by
`scripts/dev packages --chroot`."""
import argparse
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = "usr/lib/[^/]+"
# package: what has to be in it, as patterns; `usr/share/doc/PACKAGE/` has copyright and changelog in each.
FILES = {
    "zchat-broker": ["usr/bin/zchat-broker", "usr/lib/systemd/system/zchat-broker.service", "usr/lib/sysusers.d/zchat-broker.conf",
                     "usr/lib/tmpfiles.d/zchat-broker.conf", "usr/share/man/man8/zchat-broker.8.gz",
                     "usr/share/man/man5/zchat-broker.conf.5.gz", "etc/zchat/broker/broker.conf"],
    "zchat": ["usr/bin/zchat", "usr/share/man/man1/zchat.1.gz", "usr/share/man/man5/zchat.conf.5.gz"],
    "zchat-logger": ["usr/bin/zchat-logger", "usr/lib/systemd/system/zchat-logger.service", "usr/lib/sysusers.d/zchat-logger.conf",
                     "usr/share/man/man1/zchat-logger.1.gz", "usr/share/doc/zchat-logger/examples/logrotate",
                     "etc/zchat/logger.conf", "etc/zchat/logger.env"],
    "libzchat0": [f"{LIBRARY}/libzchat.so.0"],
    "libzchat-dev": ["usr/include/zchat.h", f"{LIBRARY}/libzchat.so", f"{LIBRARY}/pkgconfig/zchat.pc",
                     "usr/share/doc/libzchat-dev/examples/echo_bot.c"],
}
NEEDS = {"zchat-broker": ["libzmq5", "libsodium23", "libsqlite3-0", "libpq5", "libseccomp2", "libicu", "libc6", "adduser"],
         "zchat": ["libzmq5", "libsodium23", "libicu", "libc6"], "zchat-logger": ["libzmq5", "zlib1g", "adduser"],
         "libzchat0": ["libzmq5", "libsodium23"], "libzchat-dev": ["libzchat0 (= "]}
BUILD = None


def output(*command, **more):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **more).stdout


def pack(folder):
    """Packages of the build, in `folder`: their names and paths."""
    subprocess.run(["cpack", "--config", str(BUILD / "CPackConfig.cmake"), "-B", str(folder)], check=True, capture_output=True,
                   env=dict(os.environ, SOURCE_DATE_EPOCH="1700000000"))
    return {path.name.split("_")[0]: path for path in folder.glob("*.deb")}


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="zchat-packages-")
        cls.base = pathlib.Path(cls.folder.name)
        cls.packages = pack(cls.base / "once")
        cls.root = cls.base / "root"
        for path in cls.packages.values():
            output("dpkg-deb", "-x", path, cls.root)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def paths(self, package):
        """{path: mode} of the files in a package."""
        lines = [line.split(None, 5) for line in output("dpkg-deb", "-c", self.packages[package]).splitlines()]
        for line in lines:
            self.assertEqual(line[1], "root/root", line)
        return {line[5].split(" -> ")[0].lstrip("./"): line[0] for line in lines if not line[0].startswith("d")}

    def control(self, package, name):
        return output("dpkg-deb", "-I", self.packages[package], name)

    def test_there_are_five_and_each_has_its_files(self):
        self.assertEqual(set(self.packages), set(FILES))
        for package, wanted in FILES.items():
            paths = self.paths(package)
            documents = [f"usr/share/doc/{package}/copyright", f"usr/share/doc/{package}/changelog.gz"]
            for pattern in wanted + documents:
                self.assertTrue(any(re.fullmatch(pattern, path) for path in paths), f"{package}: no {pattern} in {sorted(paths)}")

    def test_nothing_lies_where_it_does_not_belong(self):
        for package in FILES:
            for path, mode in self.paths(package).items():
                self.assertRegex(path, r"^(usr/(bin|include|lib|share)/|etc/zchat/)", package)
                if mode.startswith("l"):
                    continue
                self.assertNotIn("w", mode[5] + mode[8], f"{package}: {path} {mode}")
                self.assertNotIn("s", mode, f"{package}: {path} {mode}")

    def test_no_file_is_in_two(self):
        seen = {}
        for package in FILES:
            for path in self.paths(package):
                self.assertNotIn(path, seen, package)
                seen[path] = package

    def test_each_names_what_it_needs(self):
        for package, wanted in NEEDS.items():
            depends = output("dpkg-deb", "-f", self.packages[package], "Depends")
            for name in wanted:
                self.assertIn(name, depends, package)
            for key in ("Maintainer", "Section", "Priority", "Version", "Architecture", "Installed-Size"):
                self.assertTrue(output("dpkg-deb", "-f", self.packages[package], key).strip(), f"{package}: {key}")
            lines = output("dpkg-deb", "-f", self.packages[package], "Description").splitlines()
            self.assertGreater(len(lines), 1, package)
            for line in lines[1:]:
                self.assertRegex(line, r"^ \S.{0,78}$")

    def test_settings_under_etc_are_conffiles_and_no_others(self):
        for package in FILES:
            in_etc = {f"/{path}" for path in self.paths(package) if path.startswith("etc/")}
            told = set(self.control(package, "conffiles").split()) if in_etc else set()
            self.assertEqual(told, in_etc, package)
        self.assertEqual(self.paths("zchat-logger")["etc/zchat/logger.env"], "-rw-------", "it may hold an invitation")

    def test_the_settings_are_those_that_the_units_name(self):
        for package in ("zchat-broker", "zchat-logger"):
            unit = (self.root / f"usr/lib/systemd/system/{package}.service").read_text()
            named = set(re.findall(r"(/etc/zchat/\S+\.(?:conf|env))", "\n".join(
                line for line in unit.splitlines() if not line.startswith("#"))))
            self.assertEqual(named, set(self.control(package, "conffiles").split()))
            user = re.search(r"^User=(.*)$", unit, re.M).group(1)
            self.assertIn(f"u {user} ", (self.root / f"usr/lib/sysusers.d/{package}.conf").read_text())

    def test_the_settings_as_they_come_are_good(self):
        for program, place in (("zchat-broker", "etc/zchat/broker/broker.conf"), ("zchat-logger", "etc/zchat/logger.conf")):
            more = ["--data", "/nonexistent"] if program == "zchat-broker" else ["--out", "/nonexistent"]
            output(self.root / "usr/bin" / program, "--config", self.root / place, *more, "--check-config")

    def test_scripts_of_the_maintainer_are_sound_shell(self):
        for package in ("zchat-broker", "zchat-logger"):
            for name in ("postinst", "prerm", "postrm"):
                script = self.control(package, name)
                self.assertNotIn("@", re.sub(r'"\$@"', "", script), f"{package} {name}: something was not filled in")
                subprocess.run(["sh", "-n"], input=script, text=True, check=True)
                self.assertIn("set -e", script)

    def test_the_same_sources_give_the_same_bytes(self):
        again = pack(self.base / "again")
        for package, path in self.packages.items():
            self.assertEqual(hashlib.sha256(path.read_bytes()).hexdigest(), hashlib.sha256(again[package].read_bytes()).hexdigest(),
                             package)

    def test_no_path_of_this_machine_is_in_the_programs(self):
        for path in [self.root / "usr/bin" / name for name in ("zchat", "zchat-broker", "zchat-logger")]:
            self.assertNotIn(str(ROOT).encode(), path.read_bytes(), path.name)

    def test_the_library_shows_only_its_own_names(self):
        library = next(self.root.glob("usr/lib/*/libzchat.so.0"))
        names = [line.split()[-1] for line in output("nm", "-D", "--defined-only", library).splitlines()]
        header = (self.root / "usr/include/zchat.h").read_text()
        for name in names:
            self.assertRegex(name, r"^(zchat_\w+@@ZCHAT_0|ZCHAT_0)$")
        shown = {name.split("@")[0] for name in names} - {"ZCHAT_0"}
        declared = set(re.findall(r"\b(zchat_\w+)\(", header.split("struct zchat;", 1)[1]))
        self.assertEqual(shown - declared, set(), "exported, but not in zchat.h")
        self.assertGreater(len(shown), 30)

    def test_a_program_builds_with_the_development_package(self):
        pkgconfig = next(self.root.glob("usr/lib/*/pkgconfig"))
        flags = output("pkg-config", "--cflags", "--libs", "zchat", env=dict(
            os.environ, PKG_CONFIG_PATH=str(pkgconfig), PKG_CONFIG_SYSROOT_DIR=str(self.root))).split()
        program = self.base / "echo_bot"
        source = self.root / "usr/share/doc/libzchat-dev/examples/echo_bot.c"
        # Its includes name the header as the sources have it, or as it is installed.
        output("cc", "-std=gnu11", "-Wall", "-Werror", source, *flags, "-o", program)
        told = subprocess.run([program], capture_output=True, text=True, timeout=20, check=False, env=dict(
            LD_LIBRARY_PATH=str(pkgconfig.parent), HOME=str(self.base), ZCHAT_BROKER="nonsense"))
        self.assertNotIn("cannot open shared object", told.stderr)
        self.assertNotEqual(told.returncode, 127)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    given, sys.argv[1:] = parser.parse_known_args()
    BUILD = given.build
    for tool in ("dpkg-deb", "dpkg-shlibdeps", "file", "cpack", "pkg-config"):
        if shutil.which(tool) is None:
            print(f"skipped: no {tool}")
            sys.exit(77)
    unittest.main()
