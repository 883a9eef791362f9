"""Matrix-vector units that read their weights from memories: of all datapaths, memories, thresholds and clocks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.random import Generator

from benchmarks.calibration import Kind
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.target import Target
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable

BIPOLAR = IntegerType.bipolar()
INPUTS = (BIPOLAR, BIPOLAR, BIPOLAR, IntegerType.interval(0, 3), IntegerType.interval(0, 15))
_MOST_WORDS, _MOST_SYNAPSES = 2048, 1024


def with_thresholds(unit: MatrixVector, levels: int, rng: Generator) -> MatrixVector:
    """The unit with so many random thresholds an output; with none, it sends sums."""
    if not levels:
        return unit
    lo, hi = unit.accumulator.lo // 2, unit.accumulator.hi // 2
    values = np.sort(rng.integers(lo, hi + 1, (unit.mh, levels)), axis=1)
    output = BIPOLAR if levels == 1 else IntegerType.interval(0, levels)
    return replace(unit, table=ThresholdTable(values, rng.random(unit.mh) < rng.choice([0, 0.3]), output))


def draw(rng: Generator, target: Target) -> MatrixVector:
    """A unit whose weights are in LUTs or block RAM."""
    while True:
        kernel = (3, 3) if rng.random() < 0.3 else (1, 1)
        channels, outputs = (int(rng.choice([8, 16, 32, 64, 128, 256])) for _ in range(2))
        inputs = channels * kernel[0] * kernel[1]
        type = INPUTS[rng.integers(len(INPUTS))]
        weights = (
            rng.choice([-1, 1], (outputs, inputs)) if rng.random() < 0.8 else rng.integers(-7, 8, (outputs, inputs))
        )
        unit = MatrixVector(
            "unit", weights, type, (4, 4), kernel=kernel, padded=kernel != (1, 1) and bool(rng.random() < 0.5)
        ).built_for(target)
        unit = with_thresholds(unit, int(rng.choice([0, 1, 1, 1, 3, 15])), rng)
        pe = int(rng.choice(unit.legal_pe()))
        unit = unit.refolded(pe=pe, simd=int(rng.choice(unit.legal_simd(pe))))
        synapses = unit.neurons * unit.pixels * unit.simd
        words = unit.passes * unit.steps
        if 1 < words <= _MOST_WORDS and 4 <= synapses * type.bits <= _MOST_SYNAPSES:
            return unit.refolded(memory=str(rng.choice(["block", "distributed"] if words <= 256 else ["block"])))


_SUMS = ("parity.", "products.", "results.", "starts.", "xnor.")
_TERMS = ("counters.", "pipeline.", "queue.", "rom.", "vector_buffer.", *_SUMS)
KIND = Kind("matrix_vector", draw, _TERMS, _TERMS)
