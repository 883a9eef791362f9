"""Units drawn at random: kinds, sizes, element types, foldings, memories, clocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.dataflow.dot_product_unit import DotProductUnit
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.arg_max import ArgMax
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.pool import Pool
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.operators.upsample import Upsample
from bnnfpga.dataflow.operators.vector_vector import VectorVector
from bnnfpga.dataflow.operators.width_converter import WidthConverter
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.target import Target
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable

_BITS = IntegerType.bipolar()
_TYPES = (_BITS, IntegerType.interval(0, 3), IntegerType.interval(-7, 7), IntegerType.interval(0, 255))
_CLOCKS_MHZ = (50, 300)
_MOST_WEIGHTS, _MOST_SUMMED = 1 << 16, 2048
"""Weights of a unit, and operand bits of a step for all sums: larger ones take synthesis more than a minute."""


def drawn_units(seed: int, count: int, family: str) -> list[Operator]:
    """So many units, each for a clock of its own; the same for the same seed."""
    rng = np.random.default_rng(seed)
    kinds = list(_KINDS)
    shares = np.array([_KINDS[kind] for kind in kinds], float)
    units: list[Operator] = []
    while len(units) < count:
        kind = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
        target = Target(float(rng.integers(*_CLOCKS_MHZ)), family)
        unit = kind(_Draw(rng), target)
        if unit is not None:
            units.append(replace(unit, name=f"{unit.kind}{len(units)}"))
    return units


class _Draw:
    """Draws sizes and the like."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def one(self, values: Any) -> Any:
        """One of several."""
        values = list(values)
        return values[int(self.rng.integers(len(values)))]

    def type(self) -> IntegerType:
        """An element type."""
        chosen: IntegerType = self.one(_TYPES)
        return chosen

    def weights(self, shape: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Of one bit, three levels or several bits."""
        largest = self.one((0, 0, 0, 1, 3, 127))
        if not largest:
            return self.rng.choice([-1, 1], shape).astype(np.int64)
        return self.rng.integers(-largest, largest + 1, shape)

    def table(self, sums: IntegerType, rows: int) -> ThresholdTable:
        """Thresholds near the middle, some of them decreasing; of one bit, two or four."""
        levels = self.one((1, 1, 3, 15))
        middle, spread = (sums.lo + sums.hi) // 2, max(1, int((sums.hi - sums.lo) ** 0.5))
        values = np.sort(middle + self.rng.integers(-spread, spread + 1, (rows, levels)), axis=1)
        output = _BITS if levels == 1 else IntegerType.interval(0, levels)
        return ThresholdTable(np.clip(values, sums.lo, sums.hi + 1), self.rng.random(rows) < 0.3, output)

    def folded(self, unit: DotProductUnit) -> DotProductUnit | None:
        """A unit with any legal folding, memory and thresholds; None if it is too large."""
        pe = self.one(unit.legal_pe())
        simd = self.one(unit.legal_simd(pe))
        if pe * simd * unit.input_type.bits * unit.weight_type.bits > _MOST_SUMMED or unit.weights.size > _MOST_WEIGHTS:
            return None
        folded = unit.refolded(pe=pe, simd=simd)
        if self.rng.random() < 0.7:
            folded = folded.refolded(table=self.table(folded.accumulator, len(folded.by_output)))
        try:
            folded = folded.refolded(memory=self.one(folded.memory_kinds))
        except UserError:
            return None
        return folded.refolded(requantizer=self.one((None, *folded.requantizer_kinds)))


def _matrix_vector(draw: _Draw, target: Target) -> Operator | None:
    shape = (int(2 ** draw.rng.uniform(1, 8)), int(2 ** draw.rng.uniform(2, 10)))
    return draw.folded(MatrixVector("unit", draw.weights(shape), draw.type(), target=target))


def _convolution(draw: _Draw, target: Target) -> Operator | None:
    channels, outputs, type = int(draw.one((1, 3, 8, 16, 64))), int(draw.one((8, 16, 32))), draw.type()
    weights, padded = draw.weights((outputs, 9 * channels)), type.is_bipolar
    unit = MatrixVector("unit", weights, type, (4, 4), target=target, kernel=(3, 3), padded=padded)
    return draw.folded(unit)


def _depthwise(draw: _Draw, target: Target) -> Operator | None:
    channels = int(draw.one((4, 16, 64)))
    weights = draw.weights((9, channels))
    padded = bool(draw.rng.random() < 0.3)
    unit = VectorVector("unit", weights, draw.type(), (4, 4), padded=padded, kernel=(3, 3), target=target)
    return draw.folded(unit)


def _window(draw: _Draw, target: Target) -> Operator:
    size, kernel, pad = int(draw.one((6, 14, 32))), int(draw.one((2, 3, 5))), int(draw.one((0, 1)))
    strides = (int(draw.one((1, 2))),) * 2
    geometry = Geometry((size, size), (kernel, kernel), strides, pads=(pad,) * 4)
    channels = int(draw.one((1, 8, 16, 64)))
    lanes = draw.one([n for n in (1, 4, 8, 16, 64) if channels % n == 0])
    return Window("unit", geometry, channels, draw.type(), lanes=lanes, target=target)


def _pool(draw: _Draw, target: Target) -> Operator:
    function, channels, type = draw.one(("extremum", "sum")), int(draw.one((4, 16))), draw.one(_TYPES[1:])
    smallest = draw.rng.random(channels) < (0.3 if function == "extremum" else 0)
    unit = Pool("unit", (4, 4), (2, 2), channels, type, function, smallest, target=target)
    pe = draw.one(unit.legal_pe())
    return unit.refolded(pe=pe, simd=draw.one(unit.legal_simd(pe)))


def _threshold(draw: _Draw, target: Target) -> Operator:
    channels, type = int(draw.one((1, 4, 32, 64))), draw.one(_TYPES[1:])
    table = draw.table(type, channels)
    unit = Threshold("unit", (4, channels), type, table, memory=draw.one(("distributed", "block")), target=target)
    unit = unit.refolded(pe=draw.one(unit.legal_pe()))
    return unit.refolded(requantizer=draw.one((None, *unit.requantizer_kinds)))


def _lookup(draw: _Draw, target: Target) -> Operator:
    channels, type = int(draw.one((1, 4, 32))), draw.one(_TYPES[1:])
    shape = (1 << type.bits,) if draw.rng.random() < 0.5 else (channels, 1 << type.bits)
    output = IntegerType.interval(0, int(draw.one((3, 255))))
    table = draw.rng.integers(0, output.hi + 1, shape)
    unit = Lookup("unit", (4, channels), type, table, output, target=target)
    return unit.refolded(pe=draw.one(unit.legal_pe()))


def _arg_max(draw: _Draw, target: Target) -> Operator:
    channels, type = int(draw.one((10, 16, 100))), draw.one((_TYPES[2], _TYPES[3], IntegerType.interval(-2000, 2000)))
    port = Port((channels,), type, int(draw.one([n for n in range(1, channels + 1) if channels % n == 0])))
    kind = draw.one(("scores", "factors", "ranks"))
    if kind == "factors":
        factors, offsets = draw.rng.integers(1, 100, channels), draw.rng.integers(-99, 99, channels)
        return ArgMax("unit", port, factors=factors, offsets=offsets, target=target)
    if kind == "ranks" and type.bits <= 8:
        return ArgMax("unit", port, ranks=draw.rng.integers(0, 999, (channels, 1 << type.bits)), target=target)
    return ArgMax("unit", port, target=target)


def _converter(draw: _Draw, target: Target) -> Operator:
    before, after = draw.one((1, 2, 6, 16, 48)), draw.one((1, 3, 4, 8, 48))
    return WidthConverter("unit", (4, 48), draw.type(), before, after, target=target)


def _upsample(draw: _Draw, target: Target) -> Operator:
    return Upsample("unit", (6, 6), 16, draw.type(), (2, 2), pe=draw.one((1, 4, 16)), target=target)


_KINDS: dict[Callable[[_Draw, Target], Operator | None], int] = {
    _matrix_vector: 5,
    _convolution: 3,
    _depthwise: 2,
    _window: 3,
    _pool: 2,
    _threshold: 2,
    _lookup: 1,
    _arg_max: 2,
    _converter: 1,
    _upsample: 1,
}
"""What draws a unit of a kind, and how often."""
