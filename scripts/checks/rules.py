#!/usr/bin/python3
"""rules.py - a report: which rules [R-n] of docs/protocol.md no test cites yet.

A test cites a rule as R-17 in a comment, or at the end of its name, `..._r17`. tests/checks/not-yet-cited lists the rules
that are known to wait; a rule that is neither cited nor listed, or listed and cited, is named."""
import re

from common import ROOT

LIST = ROOT / "tests" / "checks" / "not-yet-cited"
CITED = re.compile(r"(?<![A-Za-z0-9])[Rr][-_]?(\d+)(?=\b|_)")


def main():
    rules = {int(n) for n in re.findall(r"\[R-(\d+)\]", (ROOT / "docs/protocol.md").read_text())}
    cited = set()
    for path in (ROOT / "tests").rglob("*"):
        if path.suffix in {".c", ".h", ".py", ".txt", ".json", ".md", ".transcript"}:
            cited |= {int(n) for n in CITED.findall(path.read_text(errors="replace"))}
    waiting = {int(n) for n in re.findall(r"R-(\d+)", LIST.read_text())}
    cited &= rules
    print(f"rules: {len(cited)} of {len(rules)} are cited by tests")
    for title, group in (("neither cited nor listed in tests/checks/not-yet-cited", rules - cited - waiting),
                         ("cited, so to be taken from tests/checks/not-yet-cited", waiting & cited),
                         ("listed, but not in docs/protocol.md", waiting - rules)):
        if group:
            print(f"  {title}: " + " ".join(f"R-{n}" for n in sorted(group)))


if __name__ == "__main__":
    main()
