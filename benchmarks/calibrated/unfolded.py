"""Matrix-vector units that use all of their weights in every cycle."""

from __future__ import annotations

from numpy.random import Generator

from benchmarks.calibrated.matrix_vector import INPUTS, with_thresholds
from benchmarks.calibration import Kind
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.target import Target

_MOST_WEIGHTS = 1 << 13


def draw(rng: Generator, target: Target) -> MatrixVector:
    """A unit of one word; the largest are of more weights than a netlist is made of for an estimate."""
    while True:
        outputs, inputs = (int(rng.choice([8, 10, 16, 32, 64, 128, 256])) for _ in range(2))
        if outputs * inputs > _MOST_WEIGHTS:
            continue
        weights = rng.choice([-1, 1] if rng.random() < 0.8 else [-1, 0, 1], (outputs, inputs))
        type = INPUTS[rng.integers(len(INPUTS) - 1)]
        unit = MatrixVector("unit", weights, type, pe=outputs, simd=inputs).built_for(target)
        unit = with_thresholds(unit, int(rng.choice([0, 1, 1, 1])), rng)
        return unit.refolded(memory="logic")


KIND = Kind("unfolded", draw, ("unfolded.",), ("unfolded.",))
