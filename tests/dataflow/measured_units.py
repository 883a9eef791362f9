"""Units whose area Yosys has measured, of each datapath and memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.vector_vector import VectorVector
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable

BIPOLAR = IntegerType.bipolar()


def _matrix(shape: tuple[int, int], input: IntegerType, levels: int, **folding: object) -> MatrixVector:
    rng = np.random.default_rng(3)
    unit = MatrixVector("unit", rng.choice([-1, 1], shape), input, **folding)  # type: ignore[arg-type]
    if not levels:
        return unit
    values = np.sort(rng.integers(unit.accumulator.lo // 2, unit.accumulator.hi // 2, (shape[0], levels)), axis=1)
    output = BIPOLAR if levels == 1 else IntegerType.interval(0, levels)
    return replace(unit, table=ThresholdTable(values, np.zeros(shape[0], bool), output))


def _depthwise() -> VectorVector:
    weights = np.random.default_rng(4).choice([-1, 1], (9, 16))
    return VectorVector("unit", weights, BIPOLAR, (4, 4), None, False, 4, kernel=(3, 3))


_TWO_BITS = IntegerType.interval(0, 3)
UNITS: dict[str, Operator] = {
    "signs": _matrix((32, 64), BIPOLAR, 1, pe=8, simd=16, memory="distributed"),
    "sums": _matrix((16, 128), BIPOLAR, 0, pe=4, simd=32, memory="block"),
    "padded": _matrix((16, 72), BIPOLAR, 1, pe=4, simd=24, kernel=(3, 3), padded=True, memory="distributed"),
    "planes": _matrix((16, 32), _TWO_BITS, 3, pe=4, simd=8, memory="distributed", requantizer="comparators"),
    "logic": _matrix((16, 64), BIPOLAR, 1, pe=8, simd=16, memory="logic"),
    "unfolded": _matrix((16, 32), BIPOLAR, 1, pe=16, simd=32, memory="logic"),
    "depthwise": _depthwise(),
}
