"""Every unit of `hls/` makes of random frames what its operator says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

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
from bnnfpga.dataflow.operators.pool import Pool, PoolFunction
from bnnfpga.dataflow.operators.select import Select
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.operators.upsample import Upsample
from bnnfpga.dataflow.operators.vector_vector import VectorVector
from bnnfpga.dataflow.operators.width_converter import WidthConverter
from bnnfpga.dataflow.operators.window import Geometry, Window
from bnnfpga.dataflow.stream import Port, divisors
from bnnfpga.dataflow.window_beats import pixels_abreast, window_lanes
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable
from tests.support.hls_cases import Case, check, random_integers, random_table

BIPOLAR = IntegerType.bipolar()
UINT2 = IntegerType(0, 3, "unsigned")
UINT8 = IntegerType(0, 255, "unsigned")
INT8 = IntegerType(-128, 127, "signed")
NARROW = IntegerType(10, 15, "unsigned")

TERNARY = IntegerType(-1, 1, "signed")


def matrix_vector(
    mh: int,
    mw: int,
    pe: int,
    simd: int,
    input_type: IntegerType = BIPOLAR,
    result_type: IntegerType | None = None,
    positions: tuple[int, ...] = (),
    seed: int = 0,
    weight_type: IntegerType = BIPOLAR,
    kernel: tuple[int, int] | None = None,
) -> MatrixVector:
    """With thresholds to `result_type`, or raw sums; with flags where a kernel is given."""
    rng = np.random.default_rng(seed)
    weights = random_integers(weight_type, (mh, mw), rng)
    raw = MatrixVector(
        "matrix_vector",
        weights,
        input_type,
        positions,
        None,
        pe,
        simd,
        kernel=kernel or (1, 1),
        padded=kernel is not None,
    )
    if result_type is None:
        return raw
    levels = 1 if result_type.is_bipolar else result_type.hi - result_type.lo
    return replace(raw, table=random_table(raw.accumulator, mh, levels, result_type, rng))


def threshold(
    shape: tuple[int, ...],
    pe: int,
    input_type: IntegerType,
    result_type: IntegerType,
    shared: bool = False,
    seed: int = 0,
) -> Threshold:
    levels = 1 if result_type.is_bipolar else result_type.hi - result_type.lo
    table = random_table(input_type, 1 if shared else shape[-1], levels, result_type, np.random.default_rng(seed))
    return Threshold("threshold", shape, input_type, table, pe=pe)


MATRIX_VECTOR = [
    matrix_vector(1, 1, 1, 1, result_type=BIPOLAR),
    matrix_vector(1, 1, 1, 1),
    matrix_vector(12, 20, 3, 5, result_type=BIPOLAR),
    matrix_vector(12, 20, 12, 20),
    matrix_vector(12, 20, 1, 1, result_type=UINT2),
    matrix_vector(12, 20, 12, 1, result_type=IntegerType(-2, 1, "signed")),
    matrix_vector(12, 20, 1, 20, result_type=BIPOLAR, positions=(2, 3)),
    matrix_vector(6, 63, 2, 63),
    matrix_vector(6, 64, 2, 64, result_type=BIPOLAR),
    matrix_vector(6, 65, 2, 65, result_type=BIPOLAR),
    matrix_vector(6, 256, 2, 128, result_type=BIPOLAR),
    matrix_vector(12, 20, 4, 5, UINT2, BIPOLAR),
    matrix_vector(12, 20, 4, 10, UINT8),
    matrix_vector(12, 20, 4, 10, INT8, UINT2),
    matrix_vector(12, 20, 4, 10, INT8, positions=(4,)),
    matrix_vector(12, 20, 4, 10, NARROW),
    matrix_vector(12, 20, 4, 4, NARROW, IntegerType(-3, 0, "signed")),
    matrix_vector(8, 40, 4, 10, UINT8, IntegerType(0, 40, "unsigned")),
    matrix_vector(8, 40, 4, 10, BIPOLAR, BIPOLAR, weight_type=INT8),
    matrix_vector(8, 40, 4, 10, UINT2, BIPOLAR, weight_type=TERNARY),
    matrix_vector(8, 40, 8, 40, INT8, UINT2, weight_type=INT8),
    matrix_vector(8, 66, 4, 33, NARROW, weight_type=TERNARY),
    matrix_vector(8, 6, 2, 3, weight_type=IntegerType(-1, 0, "signed")),
    matrix_vector(8, 6, 4, 1, UINT2, BIPOLAR, weight_type=IntegerType(-1, 0, "signed")),
    matrix_vector(4, 6, 2, 3, IntegerType(-(2**30), 2**30 - 1, "signed")),
    matrix_vector(4, 6, 2, 3, IntegerType(0, 2**32 - 1, "unsigned"), BIPOLAR),
    # 2^10 inputs of 32 bits and weights of 22 bits: the bounds of their sum do not fit 64 bits, the sum does.
    MatrixVector(
        "matrix_vector",
        np.arange(2 * 1024).reshape(2, 1024) % 1024 // 1023 * (2**21 - 1),
        IntegerType(0, 2**32 - 1, "unsigned"),
        (),
        None,
        1,
        32,
    ),
]
FLAGGED = [
    matrix_vector(4, 18, 2, 1, result_type=BIPOLAR, kernel=(3, 3)),
    matrix_vector(4, 18, 2, 1, kernel=(3, 3)),
    matrix_vector(4, 18, 4, 2, positions=(2, 2), kernel=(3, 3)),
    matrix_vector(4, 18, 1, 6, result_type=BIPOLAR, kernel=(3, 3)),
    matrix_vector(4, 27, 2, 9, kernel=(3, 3)),
    matrix_vector(4, 27, 2, 27, result_type=UINT2, kernel=(3, 3)),
    matrix_vector(4, 27, 2, 3, result_type=BIPOLAR, kernel=(3, 3)),
    matrix_vector(4, 90, 2, 90, result_type=BIPOLAR, kernel=(3, 3)),
    matrix_vector(6, 24, 3, 12, BIPOLAR, BIPOLAR, kernel=(2, 3), weight_type=INT8),
    matrix_vector(6, 24, 3, 12, NARROW, None, kernel=(2, 3)),
    matrix_vector(6, 24, 3, 6, kernel=(2, 3)),
    replace(matrix_vector(6, 24, 3, 12, NARROW, UINT2, kernel=(2, 3)), kernel_pixels=6),
    matrix_vector(4, 90, 2, 45, result_type=BIPOLAR, kernel=(3, 3)),
    matrix_vector(6, 24, 3, 24, NARROW, UINT2, kernel=(2, 3), weight_type=TERNARY),
]
WIDE = [
    matrix_vector(4, 1024, 2, 1024, result_type=BIPOLAR),
    matrix_vector(4, 1025, 2, 1025, result_type=BIPOLAR),
    matrix_vector(4, 2600, 4, 1300, positions=(2,)),
    matrix_vector(2, 300, 1, 150, UINT8, BIPOLAR),
    matrix_vector(300, 8, 150, 4),
    matrix_vector(4, 1152, 2, 1152, result_type=BIPOLAR, kernel=(3, 3)),
    Window("window", Geometry((4, 5), (3, 3), pads=(1, 1, 1, 1)), 128, BIPOLAR, lanes=1152),
    WidthConverter("converter", (2100,), BIPOLAR, 700, 1050),
    WidthConverter("converter", (2100,), BIPOLAR, 2100, 1),
    WidthConverter("converter", (2, 1050), BIPOLAR, 30, 1050),
    threshold((400,), 200, UINT8, UINT2),
    threshold((1300,), 1300, INT8, BIPOLAR, shared=True),
    Fifo("fifo", Port((1300,), BIPOLAR, 1300), 3),
]
OTHERS = [
    *(threshold((2, 12), 4, input_type, BIPOLAR) for input_type in (BIPOLAR, UINT2, INT8, NARROW)),
    threshold((12,), 12, INT8, IntegerType(-4, 3, "signed"), shared=True),
    threshold((12,), 1, UINT8, IntegerType(0, 100, "unsigned")),
    threshold((12,), 12, IntegerType(-300, -20, "signed"), IntegerType(-7, -4, "signed")),
    threshold((1,), 1, BIPOLAR, BIPOLAR),
    WidthConverter("converter", (12,), BIPOLAR, 12, 12),
    WidthConverter("converter", (12,), BIPOLAR, 3, 4),
    WidthConverter("converter", (12,), INT8, 4, 3),
    WidthConverter("converter", (2, 60), UINT2, 4, 30),
    WidthConverter("converter", (2, 60), UINT2, 12, 20),
    WidthConverter("converter", (3, 60), IntegerType(0, 2**31, "unsigned"), 20, 6),
    WidthConverter("converter", (7,), BIPOLAR, 7, 1),
    WidthConverter("converter", (7,), BIPOLAR, 1, 7),
    Fifo("fifo", Port((2, 12), INT8, 6), 2),
    Lookup("lookup", (12,), UINT8, np.arange(256) ** 2 % 100 - 50, IntegerType(-50, 49, "signed"), pe=4),
    Lookup("lookup", (12,), BIPOLAR, np.array([3, 0]), UINT2, pe=12),
    Lookup("lookup", (2, 12), UINT2, np.arange(48).reshape(12, 4) * 7 % 19 - 9, IntegerType(-9, 9, "signed"), pe=4),
    Lookup("lookup", (3, 6), INT8, np.arange(6 * 256).reshape(6, 256) * 11 % 3, UINT2, pe=1),
    ArgMax("arg_max", Port((12,), INT8, 4)),
    ArgMax("arg_max", Port((12,), UINT2, 12)),
    ArgMax("arg_max", Port((12,), INT8, 1), np.arange(12) * 7 - 40, 100 - np.arange(12)),
    ArgMax("arg_max", Port((12,), INT8, 12), np.arange(12) * (1 << 29), np.arange(12) * -(1 << 36)),
    ArgMax("arg_max", Port((12,), UINT2, 3), ranks=np.arange(48).reshape(12, 4)[::-1] // 3 * 5 % 17),
    ArgMax("arg_max", Port((12,), INT8, 12), ranks=np.arange(12 * 256).reshape(12, 256) * 7 % 1000),
    ArgMax("arg_max", Port((6,), INT8, 1), ranks=np.arange(6 * 128).reshape(6, 128) * 11 % 300),
]


WINDOW = [
    Window("window", Geometry((6, 7), (3, 3)), 4, BIPOLAR, lanes=2),
    Window("window", Geometry((5, 6), (3, 3), pads=(1, 1, 1, 1)), 4, BIPOLAR, lanes=4),
    Window("window", Geometry((5, 6), (3, 3), pads=(1, 1, 1, 1)), 4, BIPOLAR, lanes=36),
    Window("window", Geometry((5, 6), (3, 3), pads=(1, 1, 1, 1)), 3, INT8, fill=0, lanes=9),
    Window("window", Geometry((5, 6), (3, 3), pads=(1, 1, 1, 1)), 4, BIPOLAR, lanes=18),
    Window("window", Geometry((5, 6), (3, 3), (2, 2), pads=(1, 1, 0, 0)), 4, BIPOLAR, lanes=9, units=4),
    Window("window", Geometry((6, 6), (4, 4), (2, 2)), 6, INT8, lanes=6, units=6, pixels=2),
    Window("window", Geometry((5, 6), (2, 4), pads=(1, 2, 0, 1)), 1, INT8, fill=-3, lanes=2),
    Window("window", Geometry((7, 6), (2, 2), (2, 2)), 2, INT8, lanes=1),
    Window("window", Geometry((8, 9), (2, 1), (3, 4)), 2, INT8, lanes=2),
    Window("window", Geometry((9, 8), (3, 2), dilation=(2, 3), pads=(2, 0, 1, 3)), 2, INT8, lanes=1),
    Window("window", Geometry((4, 5), (3, 3), (2, 1), pads=(2, 0, 1, 2)), 2, BIPOLAR, lanes=2),
    Window("window", Geometry((3, 3), (2, 2), pads=(3, 2, 3, 4)), 1, BIPOLAR, lanes=1),
    Window("window", Geometry((1, 12), (1, 5), (1, 2), pads=(0, 2, 0, 2)), 3, INT8, lanes=3),
    Window("window", Geometry((6, 6), (1, 1), (2, 2)), 4, BIPOLAR, lanes=2),
    Window("window", Geometry((4, 4), (4, 4)), 2, INT8, lanes=2),
    Window("window", Geometry((4, 4), (4, 4)), 2, NARROW, lanes=32),
]


def pool(type_: IntegerType, function: PoolFunction, pe: int, padded: bool, seed: int = 0) -> Pool:
    smallest = np.random.default_rng(seed).random(12) < 0.5
    return Pool("pool", (2, 3), (2, 3), 12, type_, function, smallest, padded, pe)


POOL = [
    *(
        pool(type_, function, pe, padded)
        for type_ in (BIPOLAR, UINT2, IntegerType(-5, 2, "signed"), NARROW)
        for function in ("extremum", "sum")
        for pe, padded in ((1, False), (4, True), (12, False))
    ),
    Pool("pool", (), (1, 1), 4, INT8, "extremum", np.zeros(4, dtype=bool), pe=2),
]
BRANCHES = [
    Fork("fork", Port((2, 12), INT8, 6)),
    Fork("fork", Port((2, 9), BIPOLAR, 3, 3)),
    Fork("fork", Port((1300,), BIPOLAR, 1300)),
    Add("add", (2, 12), (BIPOLAR, BIPOLAR)),
    Add("add", (2, 12), (BIPOLAR, UINT2), (2, -3), pe=4),
    Add("add", (2, 12), (INT8, NARROW), (-7, 1), pe=12),
    Add("add", (12,), (NARROW, NARROW), (5, -1), pe=3),
    Add("add", (6,), (IntegerType(-(2**30), 2**30 - 1, "signed"), UINT8), (1, 2**20), pe=2),
    Multiply("multiply", (2, 12), (BIPOLAR, BIPOLAR), pe=3),
    Multiply("multiply", (2, 12), (BIPOLAR, UINT2), pe=4),
    Multiply("multiply", (2, 12), (INT8, NARROW), pe=12),
    Multiply("multiply", (6,), (IntegerType(-(2**30), 2**30 - 1, "signed"), UINT8), pe=2),
    Concat("concat", (2, 3), (4, 6), INT8, pe=2),
    Concat("concat", (), (6, 3), BIPOLAR, pe=3),
    Concat("concat", (5,), (7, 1), UINT2),
    Concat("concat", (5,), (7, 1), UINT2, pe=8),
    Select("select", (2, 3), 6, (5, 0, 0, 3), INT8),
    Select("select", (4,), 70, tuple(range(69, 20, -2)), BIPOLAR, padded=True),
    Select("select", (), 1, (0, 0), UINT8),
    Select("select", (2, 3), 3, (3, 0, 4, 2), INT8, constants=(-128, 7)),
]


def vector_vector(
    input_type: IntegerType,
    weight_type: IntegerType,
    result_type: IntegerType | None,
    padded: bool,
    pe: int,
    windows: tuple[int, ...] = (2, 3),
    kernel: tuple[int, int] = (3, 3),
    simd: int = 1,
    seed: int = 0,
) -> VectorVector:
    """Of 12 channels, with thresholds to `result_type`, or raw sums."""
    rng = np.random.default_rng(seed)
    weights = random_integers(weight_type, (kernel[0] * kernel[1], 12), rng)
    raw = VectorVector("vector_vector", weights, input_type, windows, None, padded, pe, kernel=kernel, simd=simd)
    if result_type is None:
        return raw
    levels = 1 if result_type.is_bipolar else result_type.hi - result_type.lo
    return replace(raw, table=random_table(raw.accumulator, 12, levels, result_type, rng))


VECTOR_VECTOR = [
    *(
        vector_vector(input_type, weight_type, result_type, padded, pe)
        for input_type in (BIPOLAR, UINT2, INT8, NARROW)
        for weight_type in (BIPOLAR, TERNARY, INT8)
        for result_type, padded, pe in ((None, True, 4), (BIPOLAR, False, 1), (UINT2, True, 12))
    ),
    vector_vector(BIPOLAR, BIPOLAR, None, False, 6),
    vector_vector(BIPOLAR, BIPOLAR, None, False, 12, (), (1, 1)),
    vector_vector(BIPOLAR, BIPOLAR, BIPOLAR, True, 1),
]
UPSAMPLE = [
    *(Upsample("upsample", (3, 4), 6, INT8, factors, 2) for factors in ((1, 1), (2, 2), (3, 1), (1, 4))),
    Upsample("upsample", (3, 4), 6, INT8, (2, 3), 1),
    Upsample("upsample", (3, 4), 6, UINT2, (2, 2), 6),
    Upsample("upsample", (1, 5), 2, BIPOLAR, (1, 3), 1),
    Upsample("upsample", (5, 1), 2, UINT2, (2, 3), 2),
    Upsample("upsample", (3, 4), 6, INT8, ((1, 3, 2), (2, 1, 1, 4)), 2),
    Upsample("upsample", (4, 3), 2, BIPOLAR, ((2, 1, 1, 2), 1), 1),
    Upsample("upsample", (1, 5), 2, UINT2, (1, (1, 2, 2, 1, 3)), 2),
]
CROP = [
    Crop("crop", (4, 5), 6, INT8, (0, 2), (0, 2, 4), 2),
    Crop("crop", (3, 6), 2, BIPOLAR, (0, 2), (0, 1, 4, 5), 4),
    Crop("crop", (1, 7), 3, UINT2, (0,), (3,), 1),
]
SEVERAL_PIXELS = [
    matrix_vector(4, 27, 8, 27, UINT2, BIPOLAR, positions=(2, 6)),
    matrix_vector(3, 18, 18, 18, BIPOLAR, positions=(2, 6), kernel=(3, 3)),
    matrix_vector(4, 27, 12, 27, BIPOLAR, UINT2, positions=(2, 3), kernel=(3, 3)),
    matrix_vector(2, 24, 4, 24, INT8, positions=(4,), kernel=(2, 3), weight_type=TERNARY),
    threshold((2, 4, 6), 12, INT8, UINT2),
    threshold((2, 4, 6), 24, BIPOLAR, BIPOLAR),
    threshold((4, 6), 12, UINT8, BIPOLAR, shared=True),
    Lookup("lookup", (2, 4, 3), UINT2, np.array([3, 0, 2, 1]), UINT2, pe=6),
    Lookup("lookup", (2, 4, 3), UINT2, np.arange(12).reshape(3, 4) * 5 % 4, UINT2, pe=6),
    Add("add", (4, 6), (INT8, BIPOLAR), (3, -1), pe=12),
    Select("select", (2, 6), 6, (5, 0, 0, 3), INT8, pixels=3),
    Select("select", (2, 6), 2, (2, 0, 1, 2), BIPOLAR, pixels=3, constants=(-1,)),
    Fork("fork", Port((2, 4, 6), INT8, 12)),
    Concat("concat", (2, 6), (5, 2), INT8, pe=21),
    WidthConverter("converter", (4, 6, 2), INT8, 12, 4),
    Window("window", Geometry((5, 6), (3, 3), pads=(1, 1, 1, 1)), 2, BIPOLAR, lanes=36, units=2),
    Window("window", Geometry((6, 9), (3, 2)), 2, INT8, lanes=24, units=3),
    Window("window", Geometry((6, 8), (2, 2), (2, 2)), 3, INT8, lanes=12, units=4),
    Window("window", Geometry((5, 8), (3, 3), (1, 3), pads=(1, 1, 0, 2)), 1, INT8, fill=-1, lanes=3, units=4),
    Window("window", Geometry((7, 10), (2, 3), (1, 2), (2, 3), (0, 3, 1, 5)), 1, INT8, fill=7, lanes=18, units=5),
    Window("window", Geometry((4, 4), (3, 3), pads=(1, 1, 1, 1)), 1, BIPOLAR, lanes=36, units=4),
    *(
        Pool("pool", (2, 4), (2, 3), 6, type_, function, np.arange(6) % 2 == 0, padded, pe, simd)
        for type_ in (BIPOLAR, IntegerType(-5, 2, "signed"))
        for function in ("extremum", "sum")
        for pe, simd, padded in ((6, 3, True), (6, 6, False), (12, 6, True))
    ),
    *(
        vector_vector(input_type, weight_type, result_type, padded, pe, (2, 4), kernel=(3, 3), simd=simd)
        for input_type in (BIPOLAR, INT8)
        for weight_type in (BIPOLAR, INT8)
        for result_type, padded, pe, simd in ((None, True, 12, 3), (UINT2, False, 12, 9), (BIPOLAR, True, 24, 9))
    ),
]


def even_table(type_: IntegerType, levels: int, channels: int, output: IntegerType, ties: int | None) -> ThresholdTable:
    """Thresholds at equal distances or, with ties, at halves that are rounded by their parity; some decrease."""
    rng = np.random.default_rng(levels)
    span = type_.hi - type_.lo
    distance = rng.integers(1, max(2, span // levels), (channels, 1)) if ties is None else 2
    start = type_.lo + rng.integers(-1, 3, (channels, 1))
    steps = distance * np.arange(levels)[None, :] + (0 if ties is None else (np.arange(levels) + ties) % 2)
    decreasing = rng.random(channels) < 0.4 if ties is None else np.zeros(channels, dtype=bool)
    return ThresholdTable(np.clip(start + steps, type_.lo, type_.hi + 1), decreasing, output)


def in_all_forms(unit: Threshold | MatrixVector | VectorVector) -> list[Operator]:
    return [replace(unit, requantizer=form) for form in unit.stored_thresholds.forms]


def with_even_table(unit: MatrixVector | VectorVector, channels: int, ties: int | None = None) -> list[Operator]:
    """The forms of a unit with seven thresholds at equal distances."""
    output = IntegerType(-4, 3, "signed")
    return in_all_forms(replace(unit, table=even_table(unit.accumulator, 7, channels, output, ties)))


REQUANTIZERS = [
    operator
    for unit in (
        Threshold("threshold", (2, 12), INT8, even_table(INT8, 15, 12, IntegerType(0, 15, "unsigned"), None), pe=4),
        Threshold("threshold", (2, 12), UINT8, even_table(UINT8, 7, 12, IntegerType(-7, 0, "signed"), 0), pe=3),
        Threshold("threshold", (2, 12), UINT8, even_table(UINT8, 7, 12, IntegerType(0, 7, "unsigned"), 1), pe=12),
        Threshold("threshold", (12,), INT8, even_table(INT8, 100, 1, IntegerType(0, 100, "unsigned"), None), pe=6),
        threshold((2, 4, 6), 12, INT8, IntegerType(0, 9, "unsigned")),
    )
    for operator in in_all_forms(unit)
]
REQUANTIZERS += [
    *with_even_table(matrix_vector(12, 20, 4, 10), 12),
    *with_even_table(matrix_vector(12, 20, 4, 10), 12, ties=0),
    *with_even_table(matrix_vector(4, 27, 2, 27, kernel=(3, 3)), 4),
    *with_even_table(matrix_vector(4, 27, 12, 27, INT8, positions=(2, 3)), 4),
    *with_even_table(vector_vector(INT8, INT8, None, True, 12, (2, 4), simd=9), 12),
    *with_even_table(vector_vector(BIPOLAR, BIPOLAR, None, True, 24, (2, 4), simd=9), 12, ties=1),
]
GROUPS = {
    "requantizers": REQUANTIZERS,
    "several_pixels": SEVERAL_PIXELS,
    "matrix_vector": [*MATRIX_VECTOR, *FLAGGED],
    "wide": WIDE,
    "window": [*WINDOW, *POOL],
    "vector_vector": VECTOR_VECTOR,
    "others": [*OTHERS, *BRANCHES, *UPSAMPLE],
}


@pytest.mark.parametrize("each_compiler", ["g++", pytest.param("clang++", marks=pytest.mark.slow)], indirect=True)
@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_chosen_units(group: list[Operator], tmp_path: Path, each_compiler: str, ap_headers: Path) -> None:
    check([Case(operator, seed) for seed, operator in enumerate(group)], tmp_path, each_compiler, ap_headers)


def test_the_form_that_vitis_sees(tmp_path: Path, compiler: str, ap_headers: Path) -> None:
    units = [
        *MATRIX_VECTOR[2::3],
        *FLAGGED[::3],
        *WIDE[1::4],
        *WINDOW[::4],
        *POOL[::6],
        *OTHERS[::4],
        *BRANCHES[1::3],
        *VECTOR_VECTOR[::4],
        *UPSAMPLE[::3],
        *CROP,
        *SEVERAL_PIXELS[::3],
        *REQUANTIZERS[::2],
    ]
    cases = [Case(operator, seed) for seed, operator in enumerate(units)]
    check(cases, tmp_path, compiler, ap_headers, synthesis=True)


@st.composite
def element_types(draw: st.DrawFn) -> IntegerType:
    if draw(st.booleans()):
        return BIPOLAR
    low = draw(st.integers(-300, 300))
    return IntegerType.interval(low, low + draw(st.integers(0, 300)))


@st.composite
def result_types(draw: st.DrawFn) -> IntegerType:
    if draw(st.booleans()):
        return BIPOLAR
    low = draw(st.integers(-9, 9))
    return IntegerType.interval(low, low + draw(st.integers(1, 7)))


@st.composite
def operators(draw: st.DrawFn) -> Operator:
    input_type = draw(element_types())
    seed = draw(st.integers(0, 2**32))
    channels = draw(st.integers(1, 36) | st.sampled_from([60, 64, 90, 128]))
    positions = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    lanes = st.sampled_from(divisors(channels))
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    match draw(st.sampled_from(["matrix_vector", "threshold", "converter", "fifo", "window", "flagged", "pool"])):
        case "window":
            kernel, few = draw(pair), draw(st.integers(1, 4))
            image = draw(st.tuples(st.integers(1, 8), st.integers(1, 8)))
            pads = draw(st.tuples(*[st.integers(0, 3)] * 4))
            geometry = Geometry(image, kernel, draw(pair), draw(pair), pads)
            assume(min(geometry.windows) > 0)
            fill = draw(st.sampled_from([0, input_type.lo, input_type.hi + 1]))
            whole = few * kernel[0] * kernel[1]
            several = [whole * count for count in divisors(geometry.windows[1])[1:]]
            output_lanes = draw(st.sampled_from([*window_lanes(kernel, few), *several]))
            unit = Window("window", geometry, few, input_type, fill, output_lanes)
            if unit.windows == 1:
                abreast = draw(st.sampled_from(pixels_abreast(kernel, few, output_lanes)))
                unit = replace(unit, pixels=abreast)
            return replace(unit, units=draw(st.sampled_from(unit.legal_units)))
        case "flagged":
            kernel, few = draw(pair), draw(st.integers(1, 5))
            simd = draw(st.sampled_from(window_lanes(kernel, few)))
            result_type = draw(st.none() | result_types())
            weights = draw(st.sampled_from([BIPOLAR, TERNARY, INT8]))
            return matrix_vector(
                4, kernel[0] * kernel[1] * few, 2, simd, input_type, result_type, positions, seed, weights, kernel
            )
        case "pool":
            smallest = np.random.default_rng(seed).random(channels) < 0.5
            function = draw(st.sampled_from(["extremum", "sum"]))
            padded = draw(st.booleans())
            unit = Pool("pool", positions, draw(pair), channels, input_type, function, smallest, padded)
            pe = draw(st.sampled_from(unit.legal_pe()))
            return replace(unit, pe=pe, simd=draw(st.sampled_from(unit.legal_simd(pe))))
        case "matrix_vector":
            mh = draw(st.integers(1, 16))
            pe = draw(st.sampled_from(divisors(mh)))
            result_type = draw(st.none() | result_types())
            return matrix_vector(mh, channels, pe, draw(lanes), input_type, result_type, positions, seed)
        case "threshold":
            result_type = draw(result_types())
            return threshold((*positions, channels), draw(lanes), input_type, result_type, draw(st.booleans()), seed)
        case "converter":
            return WidthConverter("converter", (*positions, channels), input_type, draw(lanes), draw(lanes))
    return Fifo("fifo", Port((*positions, channels), input_type, draw(lanes)), draw(st.integers(2, 9)))


@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # each example is a compilation; shrinking would take minutes
    suppress_health_check=list(HealthCheck),
)
@given(drawn=st.lists(st.builds(Case, operators(), st.integers(0, 2**32)), min_size=24, max_size=24))
def test_random_units(
    drawn: list[Case], tmp_path_factory: pytest.TempPathFactory, compiler: str, ap_headers: Path
) -> None:
    check(drawn, tmp_path_factory.mktemp("units"), compiler, ap_headers)
