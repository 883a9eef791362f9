"""Reading the reports of Vivado and Vitis HLS."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from bnnfpga.base.errors import UserError
from bnnfpga.base.input_files import read_file

_AGAIN = "run the tool again, and see its log"
_MAX_BYTES = 1 << 28


@dataclass(frozen=True)
class Area:
    """Cells used; `bram` counts 18 Kbit blocks."""

    lut: int
    ff: int
    bram: int
    dsp: int


@dataclass(frozen=True)
class Timing:
    """The fastest clock in MHz, None if nothing was constrained, and whether timing is met at the requested one."""

    fmax_mhz: float | None
    met: bool


_ROWS = {
    "lut": ("Slice LUTs", "CLB LUTs"),
    "ff": ("Slice Registers", "CLB Registers", "Registers"),
    "bram": ("Block RAM Tile",),
    "dsp": ("DSPs", "DSP Slices"),
}


def read_utilization(path: Path) -> Area:
    """Read Vivado's `report_utilization`: the first row of each kind, whose name depends on the FPGA family.

    Raises
    ------
    UserError
        If there is no such file, or a row is missing.
    """
    text = read_file(path, "the tool's report", _AGAIN, _MAX_BYTES).decode(errors="replace")
    used: dict[str, float] = {}
    for name, number in re.findall(r"^\|\s*([^|]*?)\*?\s*\|\s*([0-9.]+)\s*\|", text, re.MULTILINE):
        used.setdefault(name, float(number))
    cells = {}
    for kind, names in _ROWS.items():
        values = [used[name] for name in names if name in used]
        if not values:
            raise UserError(f"this report has no row {' or '.join(names)}", where=str(path), hint=_AGAIN)
        cells[kind] = values[0]
    # A tile has two 18 Kbit blocks, and may be half used.
    return Area(int(cells["lut"]), int(cells["ff"]), round(2 * cells["bram"]), int(cells["dsp"]))


def read_timing(path: Path) -> Timing:
    """Read Vivado's `report_timing_summary`: the worst slacks, and the period of the fastest clock.

    Raises
    ------
    UserError
        If there is no such file, or it has no summary.
    """
    text = read_file(path, "the tool's report", _AGAIN, _MAX_BYTES).decode(errors="replace")
    lines = text.splitlines()
    heading = next((index for index, line in enumerate(lines) if line.split()[:1] == ["WNS(ns)"]), None)
    values = lines[heading + 2].split() if heading is not None and heading + 2 < len(lines) else []
    if heading is None or not values:
        raise UserError("this report has no timing summary", where=str(path), hint=_AGAIN)
    names = re.findall(r"[A-Z]+\(ns\)|(?:[A-Z]+ )+Failing Endpoints|(?:[A-Z]+ )+Total Endpoints", lines[heading])
    try:
        row = {name: None if value == "NA" else float(value) for name, value in zip(names, values, strict=True)}
    except ValueError as error:
        raise UserError(f"its timing summary cannot be read: {error}", where=str(path), hint=_AGAIN) from error
    slacks = [row.get(name) for name in ("WNS(ns)", "WHS(ns)", "WPWS(ns)")]
    periods = re.findall(r"^\s*\S+\s+\{[^}]*\}\s+([0-9.]+)\s+[0-9.]+\s*$", text, re.MULTILINE)
    worst = slacks[0]
    if worst is None or not periods:
        # Without a constrained path, no clock frequency is proven.
        return Timing(None, False)
    period = min(map(float, periods))
    return Timing(1000 / (period - worst), all(slack is None or slack >= 0 for slack in slacks))


def read_csynth(path: Path) -> tuple[Area, Timing]:
    """Read Vitis HLS' `csynth.xml`: its estimates of area and clock.

    Raises
    ------
    UserError
        If there is no such file, or an estimate is missing.
    """
    text = read_file(path, "the tool's report", _AGAIN, _MAX_BYTES)
    try:
        root = ElementTree.fromstring(text)
        resources = {
            kind: int(_text(root, f"AreaEstimates/Resources/{name}"))
            for kind, name in (("lut", "LUT"), ("ff", "FF"), ("bram", "BRAM_18K"), ("dsp", "DSP"))
        }
        estimated = float(_text(root, "PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod"))
        target = float(_text(root, "UserAssignments/TargetClockPeriod"))
    except (ElementTree.ParseError, ValueError) as error:
        raise UserError(f"this report cannot be read: {error}", where=str(path), hint=_AGAIN) from error
    return Area(**resources), Timing(1000 / estimated if estimated > 0 else None, estimated <= target)


def _text(root: ElementTree.Element, place: str) -> str:
    text = root.findtext(place)
    if text is None:
        raise ValueError(f"it has no {place}")
    return text.strip()
