#!/usr/bin/python3
"""man.py - the manual pages and the programs' --help name the same options, libzchat(3) has every function and kind of
event that zchat.h has, and what a page opens it closes."""
import re
import subprocess

from common import ROOT, Faults, arguments

PAGES = {"zchat": "docs/man/zchat.1", "zchat-broker": "docs/man/zchat-broker.8",
         "zchat-logger": "docs/man/zchat-logger.1"}

HEADER, LIBRARY_PAGE = "client/lib/zchat.h", "docs/man/libzchat.3"


def check_library(faults):
    header, page = (ROOT / HEADER).read_text(), (ROOT / LIBRARY_PAGE).read_text()
    code = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
    functions = set(re.findall(r"^[a-z].*?\b(zchat_[a-z_]+)\(", code, re.M))
    kinds = set(re.findall(r"\b(ZCHAT_[A-Z]+)\b", re.search(r"enum zchat_event_kind \{(.*?)\}", code, re.S).group(1)))
    states = set(re.findall(r"\b(ZCHAT_[A-Z]+)\b", re.search(r"enum zchat_post_state \{(.*?)\}", code, re.S).group(1)))
    named = set(re.findall(r"\bzchat_[a-z_]+(?=[^a-z_.])", page)) | set(re.findall(r"\bZCHAT_[A-Z]+\b", page))
    for name in sorted((functions | kinds | states) - named):
        faults.add(LIBRARY_PAGE, f"does not name {name}")
    for name in sorted(each for each in set(re.findall(r"Fn (zchat_[a-z_]+)", page)) - functions):
        faults.add(LIBRARY_PAGE, f"names {name}(), which {HEADER} does not have")


def check_blocks(faults):
    """Lists and displays are closed before the next section begins; groff only warns of it, when somebody listens."""
    ends = {"El": "Bl", "Ed": "Bd"}
    for path in sorted((ROOT / "docs/man").iterdir()):
        page, opened = path.relative_to(ROOT), []
        for number, line in enumerate([*path.read_text().splitlines(), ".Sh"], 1):
            word = line[1:].split(" ", 1)[0] if line.startswith(".") else ""
            if word in ends.values():
                opened.append((word, number))
            elif word in ends and (not opened or opened.pop()[0] != ends[word]):
                faults.add(f"{page}:{number}", f".{word} closes nothing")
            elif word in ("Sh", "Ss") and opened:
                faults.add(f"{page}:{opened[-1][1]}", f".{opened[-1][0]} is not closed before the section ends")
                opened = []


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
    check_library(faults)
    check_blocks(faults)
    faults.finish("man: pages, programs and the library's header name the same")


if __name__ == "__main__":
    main()
