#!/usr/bin/python3
"""What the compiler and the linker were asked for stands in the programs: read with readelf."""
import argparse
import pathlib
import re
import subprocess
import sys
import unittest

PROGRAMS = ("zchat-broker", "zchat", "zchat-logger")
ARGUMENTS = argparse.ArgumentParser()
ARGUMENTS.add_argument("--bin", type=pathlib.Path, required=True, help="programs of this build, whatever its flags")
ARGUMENTS.add_argument("--release", type=pathlib.Path, required=True, help="programs as they are installed")


def readelf(path, *options):
    return subprocess.run(["readelf", "--wide", *options, path], check=True, capture_output=True, text=True).stdout


class Binaries(unittest.TestCase):
    folders = ()
    release = None

    def every(self, *options):
        """(path, what readelf says) of every program of both builds."""
        for folder in self.folders:
            for name in PROGRAMS:
                yield folder / name, readelf(folder / name, *options)

    def released(self, *options):
        return ((path, told) for path, told in self.every(*options) if path.parent == self.release)

    def test_their_addresses_are_not_known_beforehand(self):
        for path, told in self.every("--file-header", "--dynamic"):
            self.assertRegex(told, r"Type:\s+DYN", path)
            self.assertRegex(told, r"FLAGS_1.*\bPIE\b", path)

    def test_the_tables_of_the_linker_are_read_only_before_main(self):
        for path, told in self.every("--program-headers", "--dynamic"):
            self.assertIn("GNU_RELRO", told, path)
            self.assertRegex(told, r"\(FLAGS\).*BIND_NOW|FLAGS_1.*\bNOW\b", path)

    def test_nothing_is_writable_and_executable(self):
        for path, told in self.every("--program-headers"):
            segments = re.findall(r"^\s+(LOAD|GNU_STACK)\s+(?:0x\w+\s+){5}([R W E]{3})", told, re.M)
            self.assertTrue(any(kind == "GNU_STACK" for kind, _ in segments), f"{path}: no GNU_STACK: {told}")
            self.assertGreater(len(segments), 2, path)
            for kind, rights in segments:
                self.assertFalse("W" in rights and "E" in rights, f"{path}: {kind} is {rights}")

    def test_no_text_is_relocated_and_no_foreign_folder_is_searched(self):
        for path, told in self.every("--dynamic"):
            self.assertNotIn("TEXTREL", told, path)
            self.assertNotRegex(told, r"\((RPATH|RUNPATH)\)", path)

    def test_a_smashed_stack_is_noticed(self):
        for path, told in self.every("--dyn-syms"):
            self.assertIn("__stack_chk_fail", told, path)

    def test_calls_that_know_their_buffer_are_checked(self):
        for path, told in self.released("--dyn-syms"):
            checked = set(re.findall(r"__(\w+)_chk@", told))
            self.assertIn("snprintf", checked, path)
        told = readelf(self.release / "zchat-broker", "--dyn-syms")
        self.assertIn("__memcpy_chk", told, "the broker copies lengths that are known at run time only")

    def test_jumps_and_returns_are_guarded_where_the_processor_can(self):
        """In our own code: the linker drops the note from a program when one object, such as Debian's crti.o,
        lacks it."""
        if "X86-64" not in readelf(self.release / "zchat-broker", "--file-header"):
            self.skipTest("not asked for on this processor")
        archives = sorted(self.release.parent.glob("lib*.a"))
        self.assertGreater(len(archives), 8, self.release.parent)
        for path in archives:
            for told in readelf(path, "--notes").split("\nFile: ")[1:]:
                self.assertRegex(told, r"x86 feature:.*\bIBT\b.*\bSHSTK\b", path)


if __name__ == "__main__":
    arguments, rest = ARGUMENTS.parse_known_args()
    Binaries.release = arguments.release
    Binaries.folders = tuple(dict.fromkeys((arguments.bin, arguments.release)))
    unittest.main(argv=sys.argv[:1] + rest)
