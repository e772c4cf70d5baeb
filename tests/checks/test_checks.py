#!/usr/bin/python3
"""test_checks.py - a check that cannot fail is none: each must find a fault planted in a copy of the tree."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Copy(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="zchat-checks-")
        self.root = pathlib.Path(self.folder.name)
        for name in ("shared", "broker", "client", "docs"):
            shutil.copytree(ROOT / name, self.root / name)

    def tearDown(self):
        self.folder.cleanup()

    def check(self, name, *arguments):
        done = subprocess.run([sys.executable, ROOT / "scripts/checks" / f"{name}.py", *arguments],
                              env={**os.environ, "ZCHAT_ROOT": str(self.root)}, capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def plant(self, path, text):
        (self.root / path).write_text(text)

    def change(self, path, old, new):
        text = (self.root / path).read_text()
        self.assertIn(old, text)
        self.plant(path, text.replace(old, new, 1))

    def assert_found(self, name, pattern, *arguments):
        status, out = self.check(name, *arguments)
        self.assertEqual(status, 1, out)
        self.assertRegex(out, pattern)

    def test_the_core_may_not_know_the_store(self):
        self.plant("broker/core/planted.c", '#include "broker/store/store.h"\n')
        self.assert_found("includes", r"planted\.c:1: broker/core may not know broker/store/store\.h")

    def test_shared_may_not_know_the_client(self):
        self.plant("shared/text/planted.c", '#include "client/lib/zchat.h"\n')
        self.assert_found("includes", r"shared/text may not know")

    def test_only_wire_knows_messagepack(self):
        self.plant("client/cli/planted.c", "#include <msgpack.h>\n")
        self.assert_found("includes", r"client/cli may not use <msgpack\.h>")

    def test_the_core_may_not_ask_the_time(self):
        self.plant("broker/core/planted.c", "#include <time.h>\n")
        self.assert_found("includes", r"broker/core is pure")

    def test_a_folder_without_a_row_is_named(self):
        (self.root / "client/new").mkdir()
        self.plant("client/new/planted.c", "\n")
        self.assert_found("includes", r"client/new/planted\.c: this folder has no row")

    def test_a_long_function_is_named(self):
        self.plant("shared/base/planted.c", "int planted(void)\n{\n" + "    work();\n" * 68 + "}\n")
        self.assert_found("sizes", r"planted\.c:1: planted\(\) has 71 lines")

    def test_a_table_may_be_long(self):
        before = self.check("sizes")
        self.plant("shared/base/planted.c", "const int planted[] = {\n" + "    1,\n" * 700 + "};\n")
        self.plant("shared/base/planted.h", "#define PLANTED(X) \\\n" + "    X(1) \\\n" * 200 + "    X(2)\n")
        self.assertEqual(self.check("sizes")[0], before[0])

    def test_a_long_header_is_named(self):
        self.plant("shared/base/planted.h", "int planted;\n" * 151)
        self.assert_found("sizes", r"planted\.h: 151 lines, at most 150")

    def test_another_sentence_of_an_error_is_named(self):
        self.change("docs/protocol.md", "join the room first", "join the room at first")
        self.assert_found("tables", r"error 13")

    def test_a_missing_error_is_named(self):
        text = (self.root / "docs/protocol.md").read_text()
        self.plant("docs/protocol.md", re.sub(r"^\| 19 .*\n", "", text, flags=re.M))
        self.assert_found("tables", r"error 19")

    def test_another_transience_is_named(self):
        self.change("docs/protocol.md", "try again a little later | yes |", "try again a little later | |")
        self.assert_found("tables", r"transient")

    def test_another_limit_is_named(self):
        self.change("shared/base/limits.h", "MAPS_PER_FRAME_MAX 1024", "MAPS_PER_FRAME_MAX 1025")
        self.assert_found("tables", r"MAPS_PER_FRAME_MAX: limits\.h says 1025, the document 1024")

    def test_another_timer_is_named(self):
        self.change("docs/protocol.md", "nothing heard for 10 s: open", "nothing heard for 9 s: open")
        self.assert_found("tables", r"LINK_DEAD_MS")

    def test_a_verb_without_its_section_is_named(self):
        self.change("shared/proto/message.h", 'X(MARK, "mark")', 'X(MARK, "mark") X(NEW, "renew")')
        self.assert_found("tables", r"verb 'renew'")

    def test_another_setting_than_the_page_has_is_named(self):
        shutil.copytree(ROOT / "dist", self.root / "dist")
        programs = self.root / "bin"
        programs.mkdir()
        for name in ("zchat", "zchat-broker", "zchat-logger"):
            self.plant(f"bin/{name}", "#!/bin/sh\nprintf '# about\\n\\n# a new one\\n# (N; default 1)\\n#new = 1\\n'\n")
            (programs / name).chmod(0o755)
        status, out = self.check("settings", "--build", str(self.root))
        self.assertEqual(status, 1)
        for path in ("docs/man/zchat.conf.5", "docs/man/zchat-logger.1", "dist/conf/zchat-broker.conf"):
            self.assertIn(f"{path}: is not what the table of settings says", out)
        self.assertEqual(self.check("settings", "--build", str(self.root), "--write")[0], 0)
        self.assertEqual(self.check("settings", "--build", str(self.root))[0], 0)
        self.assertIn(".It Cm new\nA new one.\n", (self.root / "docs/man/zchat.conf.5").read_text())

    def test_a_list_that_a_manual_page_does_not_close_is_named(self):
        page = self.root / "docs/man/zchat.7"
        lines = page.read_text().splitlines(keepends=True)
        lines.remove(".El\n")
        page.write_text("".join(lines))
        self.assert_found("man", r"docs/man/zchat\.7:\d+: \.Bl is not closed", "--build", str(self.root))

    def test_a_symbol_of_the_world_in_the_core_is_named(self):
        if shutil.which("cc") is None:
            self.skipTest("no compiler in the path")
        source = "#include <unistd.h>\n#include <string.h>\n" \
                 "long planted(void *p) { return read(0, p, strlen(p)); }\n"
        self.plant("planted.c", source)
        subprocess.run(["cc", "-c", "-fno-builtin", "planted.c"], cwd=self.root, check=True)
        for name in ("libbroker_core.a", "libclient_model.a"):
            subprocess.run(["ar", "rc", name, "planted.o"], cwd=self.root, check=True)
        status, out = self.check("symbols", "--build", str(self.root))
        self.assertEqual(status, 1)
        self.assertIn("libbroker_core.a: uses read", out)
        self.assertNotIn("strlen", out)


if __name__ == "__main__":
    unittest.main()
