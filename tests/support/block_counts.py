"""Block RAMs and DSP blocks of modules, counted before logic is mapped to LUTs, which takes most of the time."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from bnnfpga.codegen.out_of_context import UnitSources
from bnnfpga.synthesis.cells import LIBRARIES
from bnnfpga.synthesis.recipes import RECIPES, TOP, reading
from tests.support.yosys_commands import run_commands


def block_counts(units: Sequence[UnitSources], family: str, folder: Path) -> list[Mapping[str, tuple[int, int]]]:
    """Of each unit, block RAMs and DSP blocks by module (`bnnfpga.dataflow.resources.RESOURCES`)."""
    commands = []
    for number, unit in enumerate(units):
        own = folder / f"{number:03}"
        own.mkdir(parents=True)
        for name, text in {**unit.modules, **unit.memories}.items():
            (own / name).write_text(text.replace('("dut_', f'("{own}/dut_'))
        files = [str(own / name) for name in unit.modules]
        commands += ["design -reset", *reading(files), *RECIPES[family].front]
        # Those that are not the family's cells.
        commands += ["select *", f"write_json -selected {own}/netlist.json", "select -clear"]
    run_commands(f"tee -q {command}" for command in commands)
    return [_counted(folder / f"{number:03}" / "netlist.json", family) for number in range(len(units))]


def _counted(path: Path, family: str) -> dict[str, tuple[int, int]]:
    library, counts = LIBRARIES[family], {}
    for name, module in json.loads(path.read_text())["modules"].items():
        kinds = Counter(cell["type"] for cell in module["cells"].values())
        blocks, slices = (
            sum(kinds[kind] * size for kind, size in cells.items()) for cells in (library.block_rams, library.dsps)
        )
        counts[name] = blocks, slices
    assert TOP in counts
    return counts
