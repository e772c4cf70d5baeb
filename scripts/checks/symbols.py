#!/usr/bin/python3
"""symbols.py - what the pure libraries ask of the world: outside symbols against a short list.

A socket, a clock, a file or a random number in the core would show here, however it came in."""
import re
import subprocess

from common import Faults, arguments

PLAIN = {"memcpy", "memmove", "memset", "memcmp", "memchr", "strlen", "strcmp", "strncmp", "malloc", "calloc",
         "free", "snprintf", "qsort", "bsearch", "abort"}
OURS = {"invariant_failed", "rc_name", "rc_sentence", "rc_is_wire", "rc_is_transient", "rc_from_number",
        "verb_row", "verb_from_name", "field_row", "field_from_key"}
LIBRARIES = {
    "libbroker_core.a": PLAIN | OURS | {"crypto_shorthash"},
    "libclient_model.a": PLAIN | OURS | {"realloc", "explicit_bzero", "x_alloc", "x_realloc", "x_strdup", "x_spandup"},
}
# What the compiler adds for itself: hardening, sanitizers, counting of lines.
COMPILER = re.compile(r"^(__stack_chk_fail|__(asan|ubsan|tsan|gcov|sanitizer)_.*|__\w+_chk|_GLOBAL_OFFSET_TABLE_"
                      r"|__start_.*|__stop_.*)$")


def outside(library):
    """Symbols that the archive uses and does not define."""
    lines = subprocess.run(["nm", "--format=posix", library], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    used, defined = set(), set()
    for line in lines:
        fields = line.split()
        if len(fields) < 2 or fields[0].endswith(":"):
            continue
        (used if fields[1] in "Uw" else defined).add(fields[0])
    return used - defined


def main():
    args, faults = arguments(), Faults()
    for name, allowed in LIBRARIES.items():
        found = list(args.build.rglob(name))
        if not found:
            faults.add(name, f"is not in {args.build}: build it first")
            continue
        for symbol in sorted(outside(found[0])):
            plain = symbol.split("@")[0]
            if plain not in allowed and not COMPILER.match(plain):
                faults.add(name, f"uses {plain}, which is not on its list in scripts/checks/symbols.py")
    faults.finish("symbols: the core and the model ask nothing of the world")


if __name__ == "__main__":
    main()
