"""Inputs that become parities in a pipeline, where a fast clock asks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnfpga.dataflow.memory_kinds import MemoryKind
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.dataflow.parity_stages import ParityStages
from bnnfpga.dataflow.target import Target
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntegerType
from tests.dataflow.chains import random_table
from tests.support.device_cells import as_synthesised
from tests.support.graphs import chain, check_in_verilator

BIPOLAR = IntegerType.bipolar()
WINDOWS = Geometry((3, 4), (1, 2), pads=(0, 1, 0, 0))
# Outputs, inputs, pe, simd, bits of a result (0: sums), kind of the memory: behind a padded window, in parts of an odd
# number; steps of several odd beats, beside weights from block RAM and in LUTs; two vectors at once.
SIZES: list[tuple[int, int, int, int, int, MemoryKind]] = [
    *((42, 38, 7, 38, 1, "distributed"), (25, 42, 5, 21, 1, "block"), (20, 25, 4, 25, 1, "distributed")),
    (4, 20, 8, 20, 0, "distributed"),
]

STAGES = [(1, 1), (2, 2), (1, 1), (1, 1)]
"""Stages of parities and of weights."""


@pytest.mark.parametrize("change_rtl", [as_synthesised, lambda rtl: None], ids=["synthesis", "simulation"])
def test_inputs_become_parities_while_weights_come(change_rtl: Callable[[Path], None], tmp_path: Path) -> None:
    rng, units, input_type, lanes = np.random.default_rng(0), list[MatrixVector](), BIPOLAR, None
    for number, (mh, mw, pe, simd, bits, memory) in enumerate(SIZES):
        table = random_table(rng, mh, -3, 3, bits) if bits else None
        image = {"kernel": (1, 2), "padded": True} if number == 0 else {"source_lanes": lanes}
        unit = MatrixVector(
            f"matrix_vector{number}",
            rng.choice([-1, 1], (mh, mw)),
            input_type,
            WINDOWS.windows,
            table,
            pe,
            simd,
            memory,
            target=Target(250),
            **image,  # type: ignore[arg-type]
        )
        units.append(unit)
        input_type, lanes = BIPOLAR, pe
    assert [(unit.parameters().rtl["ParityStages"], unit.weight_stages) for unit in units] == STAGES
    window = Window("window", WINDOWS, 19, BIPOLAR, lanes=38)
    check_in_verilator(chain([window, *units]), tmp_path, frames=5, change_rtl=change_rtl)


@pytest.mark.parametrize("family", ["xc7", "ecp5"])
def test_the_encoder_has_the_stages_that_the_clock_asks_for(family: str) -> None:
    def encoder(lanes: int, simd: int, read_levels: int, weight_stages: int, clock_mhz: float) -> ParityStages:
        return ParityStages(lanes, simd, None, read_levels, weight_stages, Target(clock_mhz, family))

    slow, fast = 50, 200 if family == "xc7" else 150
    assert encoder(64, 64, 3, 1, slow).count == 0
    assert encoder(4, 64, 3, 1, fast).count == 0
    assert encoder(64, 64, 3, 1, fast).count > 0
    assert encoder(1, 64, 3, 1, fast).count > 0
    # Registers that wait for weights are those in front of the encoder.
    assert encoder(64, 64, 3, 3, fast).count == 1
    for clock_mhz in (50, 100, 150, 200, 250):
        for lanes in (1, 3, 8, 16, 48, 576):
            unit = encoder(lanes, 576, 4, 1, clock_mhz)
            assert unit.logic_levels <= max(unit.target.levels, 6)
