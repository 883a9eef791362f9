"""How long each test file took, `python -m tests.support.durations REPORT [BASE]`.

Reads the JUnit reports of `make test` and lists the files that took longest or, with an earlier report as BASE, those
that have changed most since then. Times from different machines, or under different loads, are not comparable.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

SHOWN = 20


def seconds_by_file(report: Path) -> dict[str, float]:
    """Seconds by dotted file name, including setup and teardown."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for case in ElementTree.parse(report).iter("testcase"):
        # For a test in a class, the class's name follows that of its file.
        parts = [part for part in case.get("classname", "").split(".") if not part[:1].isupper()]
        seconds[".".join(parts)] += float(case.get("time", "0"))
    return dict(seconds)


def table(now: Mapping[str, float], before: Mapping[str, float] | None = None) -> list[str]:
    """The lines to print: the sum, and the files with the largest times or the largest changes."""
    total = sum(now.values())
    if before is None:
        slowest = sorted(now, key=lambda name: -now[name])[:SHOWN]
        return [f"{total:9.1f} s  in {len(now)} files", *(f"{now[name]:9.1f} s  {name}" for name in slowest)]
    change = {name: now.get(name, 0.0) - before.get(name, 0.0) for name in now.keys() | before.keys()}
    most = sorted(change, key=lambda name: (-abs(change[name]), name))[:SHOWN]
    lines = [f"{now.get(name, 0.0):9.1f} s  {change[name]:+9.1f} s  {name}" for name in most]
    return [f"{total:9.1f} s  {sum(change.values()):+9.1f} s  in {len(now)} files", *lines]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="durations", description="How long each test file took.")
    parser.add_argument("report", type=Path, help="what `make test` left: build/tests.xml")
    parser.add_argument("base", type=Path, nargs="?", help="an earlier one, to compare with")
    chosen = parser.parse_args(arguments)
    for report in (chosen.report, chosen.base):
        if report is not None and not report.is_file():
            print(f"{report}: there is no such report; `make test` writes build/tests.xml", file=sys.stderr)
            return 2
    before = None if chosen.base is None else seconds_by_file(chosen.base)
    print("\n".join(table(seconds_by_file(chosen.report), before)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
