"""Area and delay of one unit by Yosys, in a process of its own, cached by content."""

from __future__ import annotations

import importlib.metadata
import json
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bnnfpga.base.errors import UserError
from bnnfpga.codegen.out_of_context import UnitSources
from bnnfpga.native.cache import cached_build
from bnnfpga.synthesis.cell_counts import CellCounts, count_cells
from bnnfpga.synthesis.cells import LIBRARIES
from bnnfpga.synthesis.mapped_netlist import MappedNetlist
from bnnfpga.synthesis.path_length import logic_depth, read_sta
from bnnfpga.synthesis.recipes import ABC9_CELLS, RECIPES, TIMED, TIMED_FILE, TOP, reading, writing

RunProcess = Callable[[Sequence[str], Path, Path], int]
"""Runs a command in a folder with its output in a log, and returns its exit status."""
_WORKER = Path(__file__).with_name("yosys_worker.py")
_COUNTING = "5"
"""The version of what is counted and how: a new one makes cached results obsolete."""
_RESULT, _NETLIST = "area.json", "netlist.v"
_REQUEST = "request.json"
_MOST_BYTES = 2**30
"""Of any file that Yosys writes: where `sta` sees a loop, it has no end and would fill the disk."""


@dataclass(frozen=True)
class UnitArea:
    """What a unit takes of an FPGA, and how fast its logic is; all figures are of one netlist.

    Parameters
    ----------
    name, operator
        The unit and its kind.
    recipe
        The mapper whose netlist it is: `abc`, or `abc9` where that is smaller.
    counts
        Its cells.
    depth
        Cells of logic on the longest path between registers or ports.
    logic_ns
        The latest arrival by Yosys' `sta` in ns, without routing; None without a path.
    critical_path
        The wires where that path starts and ends.
    netlist
        The netlist as Verilog: the module `unit` of the family's cells.
    """

    name: str
    operator: str
    recipe: str
    counts: CellCounts
    depth: int
    logic_ns: float | None
    critical_path: str | None
    netlist: Path

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON data, with the counts as entries of their own."""
        data = asdict(self)
        counts = data.pop("counts")
        del data["netlist"]
        return {**{key: data.pop(key) for key in ("name", "operator", "recipe")}, **counts, **data}


def yosys_version() -> str:
    """The version of the installed Yosys.

    Raises
    ------
    UserError
        If there is none.
    """
    try:
        return importlib.metadata.version("pyosys")
    except importlib.metadata.PackageNotFoundError:
        raise UserError(
            "Yosys is not installed for this Python", where="--flow yosys", hint='pip install "bnnfpga[open]"'
        ) from None


def measure_unit(unit: UnitSources, family: str, run: RunProcess) -> UnitArea:
    """Synthesise a unit for a family, unless the cache has the result.

    Raises
    ------
    UserError
        If Yosys is missing or fails.
    """
    recipe = RECIPES[family]
    files = [item for name, text in (*unit.modules.items(), *sorted(unit.memories.items())) for item in (name, text)]
    commands = [*recipe.front, *(line for mapper in recipe.mappers.items() for line in (mapper[0], *mapper[1]))]

    def build(folder: Path) -> None:
        figures, netlist = _synthesise(unit, family, run)
        (folder / _RESULT).write_text(json.dumps(figures, indent=1))
        (folder / _NETLIST).write_text(netlist)

    key = [_COUNTING, yosys_version(), family, str(ABC9_CELLS), *commands, *files]
    cached = cached_build(key, build, f"yosys-{family}")
    figures = json.loads((cached / _RESULT).read_text())
    figures["counts"] = CellCounts(**figures["counts"])
    return UnitArea(unit.name, unit.kind, **figures, netlist=cached / _NETLIST)


def _synthesise(unit: UnitSources, family: str, run: RunProcess) -> tuple[dict[str, Any], str]:
    """The figures of the smaller netlist, and the netlist as Verilog."""
    recipe = RECIPES[family]
    request = {
        "front": [*reading(list(unit.modules)), *recipe.front],
        "mappers": {name: [*commands, *writing(name)] for name, commands in recipe.mappers.items()},
        "most_cells": ABC9_CELLS,
        "most_bytes": _MOST_BYTES,
    }
    try:
        with tempfile.TemporaryDirectory(prefix="bnnfpga-") as scratch:
            folder = Path(scratch)
            # Names relative to the folder reach the netlist, where they must not depend on the machine.
            own = {TIMED_FILE: TIMED, _REQUEST: json.dumps(request)}
            for name, text in {**unit.modules, **unit.memories, **own}.items():
                (folder / name).write_text(text)
            log = folder / "yosys.log"
            status = run([sys.executable, "-P", str(_WORKER)], folder, log)
            if status:
                raise _failure(unit, status, log.read_text(errors="replace"))
            tried = [name for name in recipe.mappers if (folder / f"{name}.json").is_file()]
            found = [_figures(folder, name, family) for name in tried]
            best = min(found, key=lambda figures: (figures["counts"]["lut"], figures["logic_ns"] or 0))
            return best, (folder / f"{best['recipe']}.v").read_text()
    except OSError as error:
        raise UserError(
            f"temporary files cannot be written: {error.strerror or error}",
            where=str(error.filename or tempfile.gettempdir()),
            hint="set TMPDIR to a folder with room that you may write",
        ) from error


def _figures(folder: Path, name: str, family: str) -> dict[str, Any]:
    netlist = MappedNetlist(json.loads((folder / f"{name}.json").read_text())["modules"][TOP])
    path = read_sta((folder / f"{name}.sta").read_text(), netlist)
    return {
        "recipe": name,
        "counts": asdict(count_cells(netlist, LIBRARIES[family])),
        "depth": logic_depth(netlist, LIBRARIES[family]),
        "logic_ns": None if path is None else path.ns,
        "critical_path": None if path is None else str(path),
    }


def _failure(unit: UnitSources, status: int, log: str) -> UserError:
    """The error for a process that failed, or that the system ended."""
    if status == -signal.SIGXFSZ:
        return UserError(
            f"Yosys wrote more than {_MOST_BYTES} bytes about this unit and was ended: its timing analysis sees a loop",
            where=unit.name,
            hint="give another --family, and report this unit with its project as an error of bnnfpga",
        )
    if status < 0:
        return UserError(
            f"Yosys was ended by signal {-status} while it worked on this unit",
            where=unit.name,
            hint="it may have needed more memory than there is: run fewer at a time with --jobs, or fold the unit less",
        )
    lines = re.findall(r"^.*?(?:ERROR: |Error: )(.*)$", log, re.MULTILINE) or log.strip().splitlines()[-1:]
    about = lines[-1] if lines else f"it ended with status {status} and printed nothing"
    return UserError(
        f"Yosys cannot synthesise this unit: {about}",
        where=unit.name,
        hint="if the project is of another version of bnnfpga, compile the model again",
    )
