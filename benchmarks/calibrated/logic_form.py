"""Matrix-vector units with a few words of binary weights in the tables of their logic."""

from __future__ import annotations

from numpy.random import Generator

from benchmarks.calibrated.matrix_vector import BIPOLAR, with_thresholds
from benchmarks.calibration import Kind
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.target import Target

_MOST_SYNAPSES = 1024


def draw(rng: Generator, target: Target) -> MatrixVector:
    """A unit of two to as many words as are legal."""
    while True:
        outputs, inputs = (int(rng.choice([8, 16, 32, 64, 128, 256])) for _ in range(2))
        unit = MatrixVector("unit", rng.choice([-1, 1], (outputs, inputs)), BIPOLAR).built_for(target)
        unit = with_thresholds(unit, int(rng.choice([0, 1, 1, 1])), rng)
        pe = int(rng.choice(unit.legal_pe()))
        unit = unit.refolded(pe=pe, simd=int(rng.choice(unit.legal_simd(pe))))
        if unit.passes * unit.steps > 1 and unit.neurons * unit.simd <= _MOST_SYNAPSES and "logic" in unit.memory_kinds:
            return unit.refolded(memory="logic")


KIND = Kind("logic_form", draw, ("logic_form.",), ("logic_form.",))
