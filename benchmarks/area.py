"""Area by Yosys against its bars: matrix-vector modules alone, and whole accelerators unit by unit.

    python -m benchmarks.area [--only WORD ...] [--modules] [--jobs N]

All figures are of the xc7 family and of the recipe in their row, counted as `bnnfpga synth --flow yosys` counts them.
The foldings of accelerators are the committed files of `benchmarks/foldings`; each row of one also checks the interval
that the folding promises. Published nets are taken from the folder `shared` (`BNNFPGA_SHARED`) if they are there, else
random ones of the same structure, whose units are the same but for their constants. Results are cached by content; from
an empty cache, whole accelerators take some minutes each.
"""

from __future__ import annotations

import argparse

from benchmarks.area_accelerators import ACCELERATORS, accelerator_row
from benchmarks.area_modules import module_rows
from benchmarks.area_row import show


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", metavar="WORD", default=[], help="accelerators whose name has one of these"
    )
    parser.add_argument("--modules", action="store_true", help="only the modules alone")
    parser.add_argument("--jobs", type=int, help="Yosys processes at a time")
    arguments = parser.parse_args()
    rows = [] if arguments.only else module_rows(arguments.jobs)
    for accelerator in () if arguments.modules else ACCELERATORS:
        if not arguments.only or any(word in accelerator.name for word in arguments.only):
            rows.append(accelerator_row(accelerator, arguments.jobs))
            show(rows[-1:])
    show(rows)


if __name__ == "__main__":
    main()
