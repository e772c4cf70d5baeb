#!/usr/bin/python3
"""settings.py - the settings in manual pages, and the sample files, are what the programs print of their tables.

`--write` (scripts/dev settings) writes them; without it, a difference is a fault."""
import argparse
import pathlib
import re
import subprocess

from common import ROOT, Faults

# program: page
PAGES = {"zchat": "docs/man/zchat.conf.5",
         "zchat-broker": "docs/man/zchat-broker.conf.5",
         "zchat-logger": "docs/man/zchat-logger.1"}
BEGIN, END = '.\\" settings: written by scripts/dev settings', '.\\" settings end'
PLACES = {"HOME": "/nonexistent", "XDG_STATE_HOME": "/var/lib", "ASAN_OPTIONS": "detect_leaks=0"}


def printed(binary):
    """The configuration without any file; of a home there is none."""
    done = subprocess.run([binary, "--print-config"], check=True, capture_output=True, text=True, env=PLACES)
    return done.stdout


def sample(text):
    """All of it as comments, so that it changes nothing as it is."""
    return "".join(line if not line.strip() or line.startswith("#") else "#" + line
                   for line in text.splitlines(keepends=True))


def settings(text):
    """Yield (key, help, bounds) of every block."""
    for block in sample(text).split("\n\n")[1:]:
        lines = block.strip().splitlines()
        words = [line[2:] for line in lines if line.startswith("# ")]
        key = re.match(r"#([^ =]+) =", lines[-1]).group(1)
        yield key, " ".join(words[:-1]), words[-1]


def mdoc(text):
    """A line of text as mdoc takes it."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def section(text):
    lines = [BEGIN, ".Bl -tag -width Ds"]
    for key, words, bounds in settings(text):
        lines += [f".It Cm {mdoc(key)}", mdoc(words[:1].upper() + words[1:] + "."), mdoc(bounds)]
    return "\n".join(lines + [".El", END])


def in_page(text, page):
    begin, end = page.find(BEGIN), page.find(END)
    if begin < 0 or end < 0:
        return None
    return page[:begin] + section(text) + page[end + len(END):]


def compare(path, wanted, is_written, faults):
    path = ROOT / path
    if path.exists() and path.read_text() == wanted:
        return
    if is_written:
        path.write_text(wanted)
    else:
        faults.add(path.relative_to(ROOT), "is not what the table of settings says: run `scripts/dev settings`")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "dev")
    parser.add_argument("--write", action="store_true")
    args, faults = parser.parse_args(), Faults()
    for program, page in PAGES.items():
        binary = args.build / "bin" / program
        if not binary.exists():
            faults.add(program, f"is not in {args.build}/bin: build it first")
            continue
        text = printed(binary)
        wanted = in_page(text, (ROOT / page).read_text())
        if wanted is None:
            faults.add(page, f"has no place for the settings: '{BEGIN}' to '{END}'")
        else:
            compare(page, wanted, args.write, faults)
        compare(f"dist/conf/{program}.conf", sample(text), args.write, faults)
    faults.finish("settings: pages and samples are those of the tables")


if __name__ == "__main__":
    main()
