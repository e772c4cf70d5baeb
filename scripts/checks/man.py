#!/usr/bin/python3
"""man.py - the manual pages and the programs' --help name the same options."""
import re
import subprocess

from common import ROOT, Faults, arguments

PAGES = {"zchat": "docs/man/zchat.1", "zchat-broker": "docs/man/zchat-broker.8",
         "zchat-logger": "docs/man/zchat-logger.1"}


def main():
    args, faults = arguments(), Faults()
    for program, page in PAGES.items():
        binary = args.build / "bin" / program
        if not binary.exists():
            faults.add(program, f"is not in {args.build}/bin: build it first")
            continue
        told = subprocess.run([binary, "--help"], check=True, capture_output=True, text=True).stdout
        in_help = set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", told))
        flags = [line for line in (ROOT / page).read_text().splitlines() if "Fl" in line]
        in_page = set(re.findall(r"\s-([a-z][a-z-]+)", "\n".join(flags)))
        for option in sorted(in_help - in_page):
            faults.add(page, f"does not tell of --{option}")
        for option in sorted(in_page - in_help):
            faults.add(page, f"tells of --{option}, which {program} --help does not have")
    faults.finish("man: pages and programs have the same options")


if __name__ == "__main__":
    main()
