"""Units of every kind, drawn at random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np

from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.add import Add
from bnnfpga.dataflow.operators.arg_max import ArgMax
from bnnfpga.dataflow.operators.concat import Concat
from bnnfpga.dataflow.operators.crop import Crop
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.dataflow.operators.fork import Fork
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.multiply import Multiply
from bnnfpga.dataflow.operators.pool import Pool
from bnnfpga.dataflow.operators.score_output import ScoreOutput
from bnnfpga.dataflow.operators.select import Select
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.operators.upsample import Upsample
from bnnfpga.dataflow.operators.vector_vector import VectorVector
from bnnfpga.dataflow.operators.width_converter import WidthConverter
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.dataflow.stream import Port, legal_lanes
from bnnfpga.dataflow.window_beats import window_lanes
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable

BIPOLAR = IntegerType.bipolar()
NAME = "unit"


def _type(draw: Random) -> IntegerType:
    bits = draw.randint(1, 10)
    signed = IntegerType.interval(-(1 << bits - 1), (1 << bits - 1) - 1)
    return draw.choice([BIPOLAR, IntegerType.interval(0, (1 << bits) - 1), signed])


def _channels(draw: Random) -> int:
    return draw.choice([1, 3, 4, 6, 8, 16, 24])


def _port(draw: Random) -> Port:
    channels = _channels(draw)
    return Port((4, channels), _type(draw), draw.choice(legal_lanes((4, channels))))


def _numbers(draw: Random) -> np.random.Generator:
    return np.random.default_rng(draw.randrange(1 << 32))


def _table(draw: Random, type: IntegerType, rows: int) -> ThresholdTable:
    levels = draw.choice([1, 3, 7, 15])
    numbers = _numbers(draw)
    if draw.random() < 0.5:
        values = np.sort(numbers.integers(type.lo, type.hi + 2, (rows, levels)), axis=1)
    else:  # a quantizer's
        most = (type.hi - type.lo) / levels + 1
        steps = draw.choice([np.ones((rows, 1)), numbers.uniform(1, most, (rows, 1))])
        values = np.minimum(type.lo + np.ceil(steps * np.arange(levels)), type.hi + 1).astype(np.int64)
    output = BIPOLAR if levels == 1 else IntegerType.interval(0, levels)
    return ThresholdTable(values, numbers.random(rows) < draw.choice([0, 0.5]), output)


def _folded(draw: Random, unit: Operator) -> Operator:
    """The unit with some legal folding, memory and requantizer."""
    pe = draw.choice(unit.legal_pe())
    simd = draw.choice(unit.legal_simd(pe)) if hasattr(unit, "simd") else None
    choice: dict[str, Any] = {"pe": pe} if simd is None else {"pe": pe, "simd": simd}
    unit = replace(unit, **choice)
    if unit.requantizer_kinds:
        unit = replace(unit, requantizer=draw.choice(unit.requantizer_kinds))  # type: ignore[call-arg]
    return unit


def _fifo(draw: Random) -> Operator:
    stages = draw.choice([1, 2, 3])
    return Fifo(NAME, _port(draw), draw.choice([stages + 1, stages + 2, 5, 17, 40, 65, 500]), stages)


def _window(draw: Random) -> Operator:
    while True:
        kernel = draw.choice([(3, 3), (2, 2), (1, 3), (5, 5)])
        pads = draw.choice([(0, 0, 0, 0), (kernel[0] // 2, kernel[1] // 2) * 2])
        image, stride = (draw.randint(4, 20), draw.randint(4, 20)), draw.choice([(1, 1), (2, 2), kernel])
        geometry = Geometry(image, kernel, stride, draw.choice([(1, 1), (1, 2)]), pads)
        if min(geometry.windows) > 0 and not geometry.misses_image:
            break
    channels, type = _channels(draw), _type(draw)
    lanes = draw.choice(window_lanes(kernel, channels))
    window = Window(NAME, geometry, channels, type, draw.choice([0, type.lo]), lanes)
    return replace(window, units=draw.choice(window.legal_units))


def _pool(draw: Random) -> Operator:
    channels = _channels(draw)
    smallest = _numbers(draw).random(channels) < draw.choice([0, 0.5])
    function, padded = draw.choice(["extremum", "sum"]), draw.random() < 0.3
    kernel = draw.choice([(2, 2), (3, 3), (1, 4)])
    return _folded(draw, Pool(NAME, (2, 4), kernel, channels, _type(draw), function, smallest, padded))  # type: ignore[arg-type]


def _lookup(draw: Random) -> Operator:
    bits, channels = draw.randint(2, 9), _channels(draw)
    table = _numbers(draw).integers(0, 32, draw.choice([(1 << bits,), (channels, 1 << bits)]))
    input, output = (IntegerType.interval(0, (1 << width) - 1) for width in (bits, 5))
    return _folded(draw, Lookup(NAME, (4, channels), input, table, output))


def _threshold(draw: Random) -> Operator:
    channels, type = _channels(draw), IntegerType.interval(draw.choice([0, -9, -300]), draw.choice([7, 30, 900]))
    table = _table(draw, type, draw.choice([1, channels]))
    return _folded(
        draw,
        Threshold(NAME, (4, channels), type, table, memory=draw.choice(["distributed", "block"])),  # type: ignore[arg-type]
    )


def _arg_max(draw: Random) -> Operator:
    channels, numbers = draw.choice([2, 10, 16]), _numbers(draw)
    type = IntegerType.interval(draw.choice([0, -30]), draw.choice([20, 60]))
    port = Port((channels,), type, draw.choice(legal_lanes((channels,))))
    factors = {"factors": numbers.integers(1, 50, channels), "offsets": numbers.integers(-500, 500, channels)}
    ranks = {"ranks": np.sort(numbers.integers(0, 99, (channels, 1 << type.bits)), axis=1)}
    return ArgMax(NAME, port, **draw.choice([{}, factors, ranks]))


def _add(draw: Random) -> Operator:
    factors = draw.choice([(1, 1), (1, -1), (3, 13)])
    return _folded(draw, Add(NAME, (4, _channels(draw)), (_type(draw), _type(draw)), factors))


def _upsample(draw: Random) -> Operator:
    rows: tuple[int, ...] = tuple(draw.choices([1, 2], k=4))
    return _folded(draw, Upsample(NAME, (4, 6), _channels(draw), _type(draw), (draw.choice([2, rows]), 3)))


def _crop(draw: Random) -> Operator:
    rows, columns = (tuple(sorted(draw.sample(range(8), draw.choice([5, 8])))) for _ in range(2))
    return _folded(draw, Crop(NAME, (8, 8), _channels(draw), _type(draw), rows, columns))


def _select(draw: Random) -> Operator:
    channels = _channels(draw)
    index = tuple(draw.choices(range(channels), k=_channels(draw)))
    return Select(NAME, (4,), channels, index, _type(draw), padded=draw.random() < 0.3)


def _matrix_vector(draw: Random) -> Operator:
    numbers, input = _numbers(draw), draw.choice([BIPOLAR, IntegerType.interval(0, 3)])
    weights = numbers.choice([-1, 1], (12, 24)) if draw.random() < 0.6 else numbers.integers(-8, 8, (12, 24))
    unit = MatrixVector(NAME, weights, input)
    if draw.random() < 0.6:
        unit = replace(unit, table=_table(draw, unit.accumulator, 12))
    folded = _folded(draw, unit)
    return replace(folded, memory=draw.choice(folded.memory_kinds))  # type: ignore[call-arg]


def _vector_vector(draw: Random) -> Operator:
    weights = _numbers(draw).integers(-4, 4, (9, 8))
    return _folded(draw, VectorVector(NAME, weights, _type(draw), (4, 4), kernel=(3, 3)))


def _converter(draw: Random) -> Operator:
    before, after = draw.choice([(1, 6), (2, 3), (12, 1), (4, 6), (5, 3)])
    return WidthConverter(NAME, (60,), _type(draw), before, after)


KINDS: dict[str, Callable[[Random], Operator]] = {
    "add": _add,
    "arg_max": _arg_max,
    "concat": lambda draw: _folded(draw, Concat(NAME, (2, 4), draw.choice([(4, 8), (3, 5)]), _type(draw))),
    "crop": _crop,
    "fifo": _fifo,
    "fork": lambda draw: Fork(NAME, _port(draw)),
    "lookup": _lookup,
    "matrix_vector": _matrix_vector,
    "multiply": lambda draw: _folded(draw, Multiply(NAME, (4, _channels(draw)), (_type(draw), _type(draw)))),
    "pool": _pool,
    "score_output": lambda draw: ScoreOutput(NAME, _port(draw)),
    "select": _select,
    "threshold": _threshold,
    "upsample": _upsample,
    "vector_vector": _vector_vector,
    "width_converter": _converter,
    "window": _window,
}
"""A unit of each kind, with parameters drawn at random."""
