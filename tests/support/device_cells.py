"""The function of the cells that `rtl/` instantiates, by family of devices."""

from __future__ import annotations

import re
from pathlib import Path

_FOLDER = Path(__file__).parent
_FILES = {"xc7": "xilinx", "xcup": "xilinx", "ecp5": "ecp5", "ice40": "ice40", "gowin": "gowin"}
_FORM = re.compile(
    r"(?P<head>^(?P<indent> *)[^\n]*begin : gen_(?P<family>ice40|ecp5|gowin)\n).*?(?=^(?P=indent)end)", re.M | re.S
)
CARRY_CELLS = {"any family": 0, "ice40": 1, "ecp5": 2, "gowin": 3, "xc7": 4, "xcup": 8}
"""The parameter that chooses a family's form in modules that have one."""


def models(family: str) -> Path:
    """The file of a family's cells."""
    return _FOLDER / f"{_FILES[family]}_cells.sv"


def as_synthesised(rtl: Path) -> None:
    """Let Verilator read what synthesis reads in a folder like a project's `rtl/`, with the cells of its family.

    Cells of several families have one name but other ports, which Verilator refuses in forms that are not chosen, too.
    """
    top = (rtl / "accelerator.sv").read_text()
    [family] = {*re.findall(r'\.Family\("(\w+)"\)', top)}

    def chosen(form: re.Match[str]) -> str:
        return form[0] if form["family"] == family else form["head"]

    for file in rtl.glob("*.sv"):
        text = _FORM.sub(chosen, file.read_text())
        file.write_text("`define SYNTHESIS\n`define YOSYS\n/* verilator lint_off UNOPTFLAT */\n" + text)
    with (rtl / "accelerator.sv").open("a") as file:
        file.write("/* verilator lint_off MULTITOP */\n" + models(family).read_text())
