#!/usr/bin/python3
"""sizes.py - no source beyond 600 lines, no header beyond 150, no function beyond 70; tables are exempt.

Functions are found by the form that .clang-format gives: `{` and `}` alone at the line's begin."""
import re

from common import ROOT, Faults, sources

SOURCE_MAX, HEADER_MAX, FUNCTION_MAX = 600, 150, 70
FIXTURE_MAX = 300  # a fixture that several tests share is a header with code in it
# The public header is one file because that is what a stranger installs and reads.
HEADERS_LARGER = {"client/lib/zchat.h": 300}
TABLE_BEGIN = re.compile(r"^\S.*= ?\{$")


def without_tables(lines):
    """How many lines are no table: neither in an initializer nor in a macro of many lines."""
    count, in_table, in_macro = 0, False, False
    for line in lines:
        in_macro = in_macro or line.startswith("#define")
        is_long_macro = in_macro and line.endswith("\\")
        if not in_table and not is_long_macro:
            count += 1
        in_table = (in_table or TABLE_BEGIN.match(line)) and not line.startswith("}")
        in_macro = is_long_macro
    return count


def functions(lines):
    """Yield (first line, name, lines) of every function."""
    begin = None
    for number, line in enumerate(lines):
        if line == "{":
            begin = number
            while begin > 0 and lines[begin - 1].strip() and lines[begin - 1][0] not in "}/#*":
                begin -= 1
        elif line == "}" and begin is not None:
            head = " ".join(lines[begin:number])
            name = re.search(r"(\w+)\s*\(", head)
            yield begin + 1, name.group(1) if name else "?", number - begin + 1
            begin = None


def main():
    faults, count = Faults(), 0
    for path in sources(".c", ".h"):
        lines = (ROOT / path).read_text().splitlines()
        most = SOURCE_MAX
        if path.suffix == ".h":
            usual = FIXTURE_MAX if path.parts[0] == "tests" else HEADER_MAX
            most = HEADERS_LARGER.get(path.as_posix(), usual)
        size = without_tables(lines)
        count += 1
        if size > most:
            faults.add(path, f"{size} lines, at most {most}")
        for first, name, length in functions(lines):
            if length > FUNCTION_MAX:
                faults.add(f"{path}:{first}", f"{name}() has {length} lines, at most {FUNCTION_MAX}")
    faults.finish(f"sizes: {count} files are small enough")


if __name__ == "__main__":
    main()
