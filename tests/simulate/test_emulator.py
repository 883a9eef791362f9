"""Every kernel of the emulator gives what its operator's numpy meaning gives, on every path that runs here."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bnnfpga.base.assets import asset
from bnnfpga.base.errors import UserError
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.add import Add
from bnnfpga.dataflow.operators.arg_max import ArgMax
from bnnfpga.dataflow.operators.concat import Concat
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.dataflow.operators.fork import Fork
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.pool import Pool, PoolFunction
from bnnfpga.dataflow.operators.select import Select
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.operators.upsample import Upsample
from bnnfpga.dataflow.operators.vector_vector import VectorVector
from bnnfpga.dataflow.operators.width_converter import WidthConverter
from bnnfpga.dataflow.operators.window import Geometry, Window
from bnnfpga.dataflow.stream import Port
from bnnfpga.native.toolchain import find_compiler
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.simulate.runners import emulator_library
from bnnfpga.simulate.runners.emulator import Emulator, run_emulator
from bnnfpga.simulate.runners.emulator_library import INSTRUCTION_SETS, VARIABLE, choose_path, paths_here
from tests.conftest import THOROUGH
from tests.dataflow.chains import random_chain, random_folding
from tests.dataflow.test_window import windows
from tests.support.graphs import chain
from tests.support.hls_cases import random_integers, random_table

BIPOLAR = IntegerType.bipolar()
HERE = paths_here(find_compiler())
CASES = 1000 if THOROUGH else 60


def check(
    graph: Graph, x: NDArray[np.integer], path: str, threads: int | None = None, *, every_stream: bool = True
) -> None:
    """The output, or all streams: what nobody asks for may never be made."""
    wanted = [stream.name for stream in graph.streams] if every_stream else [graph.outputs[0].name]
    expected = graph.execute(x.astype(np.int64), wanted)
    got = run_emulator(graph, x, tensors=wanted, path=path, threads=threads)
    for name in wanted:
        np.testing.assert_array_equal(got[name], expected[name], err_msg=f"{name} on {path}")


@st.composite
def types(draw: st.DrawFn) -> IntegerType:
    """Bits, bytes of both signs, and integers that need more."""
    kind = draw(st.sampled_from(["bipolar", "few bits", "byte", "wide"]))
    if kind == "bipolar":
        return BIPOLAR
    if kind == "few bits":
        bits = draw(st.integers(1, 4))
        return (
            IntegerType.interval(0, (1 << bits) - 1)
            if draw(st.booleans())
            else IntegerType.interval(-1 << (bits - 1), (1 << (bits - 1)) - 1)
        )
    if kind == "byte":
        return draw(
            st.sampled_from(
                [
                    IntegerType.interval(0, 255),
                    IntegerType.interval(-128, 127),
                    IntegerType.interval(5, 200),
                    IntegerType.interval(-100, -3),
                ]
            )
        )
    return draw(
        st.sampled_from(
            [IntegerType.interval(-300, 300), IntegerType.interval(0, 70000), IntegerType.interval(-(2**33), 2**33)]
        )
    )


@st.composite
def counts(draw: st.DrawFn) -> IntegerType:
    """What thresholds make."""
    if draw(st.booleans()):
        return BIPOLAR
    lo = draw(st.sampled_from([0, 0, -2, -8, 300, -200]))
    return IntegerType.interval(lo, lo + draw(st.integers(1, 7)))


def levels_of(result_type: IntegerType) -> int:
    return 1 if result_type.is_bipolar else result_type.hi - result_type.lo


SIZES = st.integers(1, 40) | st.sampled_from([63, 64, 65, 96, 127, 128, 130, 200, 320])
POSITIONS = st.lists(st.integers(1, 4), max_size=2).map(tuple)
SEEDS = st.integers(0, 2**32)


@pytest.mark.parametrize("path", HERE)
@settings(max_examples=CASES, deadline=None)
@given(
    input_type=types(),
    result_type=st.none() | counts(),
    weights=st.sampled_from(["bipolar", "bipolar", "ternary", "int4", "int8", "int12"]),
    mh=SIZES,
    mw=SIZES,
    positions=POSITIONS,
    frames=st.integers(1, 9) | st.just(150),
    seed=SEEDS,
)
def test_matrix_vector(
    path: str,
    input_type: IntegerType,
    result_type: IntegerType | None,
    weights: str,
    mh: int,
    mw: int,
    positions: tuple[int, ...],
    frames: int,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    highest = {"bipolar": 1, "ternary": 1, "int4": 7, "int8": 127, "int12": 2047}[weights]
    w = rng.choice([-1, 1], (mh, mw)) if weights == "bipolar" else rng.integers(-highest - 1, highest + 1, (mh, mw))
    if weights == "ternary":
        w = rng.integers(-1, 2, (mh, mw))
    unit = MatrixVector("unit", w, input_type, positions)
    if result_type is not None:
        unit = MatrixVector(
            "unit",
            w,
            input_type,
            positions,
            random_table(unit.accumulator, mh, levels_of(result_type), result_type, rng),
        )
    check(chain([unit]), random_integers(input_type, (frames, *positions, mw), rng), path)


@pytest.mark.parametrize("path", HERE)
@pytest.mark.parametrize(
    "input_type",
    [BIPOLAR, IntegerType.interval(0, 3), IntegerType.interval(-8, 7), IntegerType.interval(-128, 127)],
    ids=str,
)
@pytest.mark.parametrize("extreme", ["equal", "opposite", "random"])
def test_long_rows(path: str, input_type: IntegerType, extreme: str) -> None:
    """Sums of 20,000 inputs, all at the end of their range: no counter on the way is too small."""
    rng = np.random.default_rng(0)
    mh, mw = 20, 20_003
    weights = rng.choice([-1, 1], (mh, mw))
    x = random_integers(input_type, (3, mw), rng)
    if extreme != "random":
        sign = weights[:1] if extreme == "equal" else -weights[:1]
        x[:] = np.where(sign > 0, input_type.hi, input_type.lo)
    check(chain([MatrixVector("unit", weights, input_type)]), x, path)


@pytest.mark.parametrize("path", HERE)
@settings(max_examples=CASES, deadline=None)
@given(input_type=types(), result_type=counts(), channels=SIZES, positions=POSITIONS, shared=st.booleans(), seed=SEEDS)
def test_threshold(
    path: str,
    input_type: IntegerType,
    result_type: IntegerType,
    channels: int,
    positions: tuple[int, ...],
    shared: bool,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    table = random_table(input_type, 1 if shared else channels, levels_of(result_type), result_type, rng)
    unit = Threshold("unit", (*positions, channels), input_type, table)
    check(chain([unit]), random_integers(input_type, (4, *positions, channels), rng), path)


@pytest.mark.parametrize("path", HERE)
@settings(max_examples=CASES, deadline=None)
@given(
    input_type=types().filter(lambda t: t.bits <= 17),
    result_type=types(),
    channels=SIZES,
    kind=st.sampled_from(["any", "step", "by channel"]),
    seed=SEEDS,
)
def test_lookup(
    path: str, input_type: IntegerType, result_type: IntegerType, channels: int, kind: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    table = random_integers(result_type, (1 << input_type.bits,), rng)
    if kind == "by channel" and channels << input_type.bits <= 1 << 17:
        table = random_integers(result_type, (channels, 1 << input_type.bits), rng)
    elif kind == "step":
        codes = np.arange(1 << input_type.bits)
        table = np.where(
            input_type.decode(codes) >= rng.integers(input_type.lo, input_type.hi + 2), result_type.lo, result_type.hi
        )
    unit = Lookup("unit", (2, channels), input_type, table, result_type)
    check(chain([unit]), random_integers(input_type, (4, 2, channels), rng), path)


@pytest.mark.parametrize("path", HERE)
@settings(max_examples=CASES, deadline=None)
@given(
    input_type=types(), channels=SIZES, by=st.sampled_from(["scores", "affine", "ranks", "half the ranks"]), seed=SEEDS
)
def test_arg_max(path: str, input_type: IntegerType, channels: int, by: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    port = Port((channels,), input_type, channels)
    unit = ArgMax("unit", port)
    if by == "affine":
        unit = ArgMax("unit", port, rng.integers(-9, 10, channels), rng.integers(-99, 100, channels))
    elif by != "scores" and input_type.bits <= 10:
        codes = 1 << max(1, input_type.bits - (by != "ranks"))
        unit = ArgMax("unit", port, ranks=rng.integers(0, 50, (channels, codes)))
    x = random_integers(input_type, (20, channels), rng)
    x[:5] = x[:5, :1]  # ties
    check(chain([unit]), x, path)


@pytest.mark.parametrize("path", [*HERE, "numpy"])
@pytest.mark.parametrize("input_type", [BIPOLAR, IntegerType.interval(0, 255), IntegerType.interval(-9, 600)], ids=str)
def test_units_that_only_move(path: str, input_type: IntegerType) -> None:
    port = Port((3, 12), input_type, 4)
    graph = chain([Fifo("fifo", port, 2), WidthConverter("converter", (3, 12), input_type, 4, 6)])
    check(graph, random_integers(input_type, (7, 3, 12), np.random.default_rng(0)), path)


@pytest.mark.parametrize("path", HERE)
@settings(max_examples=CASES, deadline=None)
@given(window=windows(), flagged=st.booleans(), seed=SEEDS)
def test_window(path: str, window: Window, flagged: bool, seed: int) -> None:
    """What lies outside is held apart from what lies inside, also behind a FIFO."""
    graph = chain([window, Fifo("fifo", window.outputs[0], 2)] if flagged else [window])
    check(graph, random_integers(window.type, (3, *window.inputs[0].shape), np.random.default_rng(seed)), path)


@pytest.mark.parametrize("path", HERE)
@settings(max_examples=CASES, deadline=None)
@given(
    input_type=types(),
    channels=st.integers(1, 9) | st.sampled_from([63, 64, 65, 128]),
    function=st.sampled_from(["extremum", "sum"]),
    pads=st.sampled_from([0, 1]),
    seed=SEEDS,
)
def test_pool(path: str, input_type: IntegerType, channels: int, function: PoolFunction, pads: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    geometry = Geometry((5, 6), (2, 3), (2, 2), pads=(pads, pads, 0, pads))
    fill = 0 if function == "sum" else input_type.lo - 1 if not input_type.is_bipolar else 0
    window = Window("window", geometry, channels, input_type, fill)
    smallest = rng.random(channels) < 0.5
    pool = Pool("pool", geometry.windows, geometry.kernel, channels, input_type, function, smallest, window.flagged)
    check(chain([window, pool]), random_integers(input_type, (3, 5, 6, channels), rng), path)


@pytest.mark.parametrize("path", HERE)
@settings(max_examples=CASES, deadline=None)
@given(
    input_type=types(),
    result_type=st.none() | counts(),
    channels=st.integers(1, 9) | st.sampled_from([64, 65]),
    highest=st.sampled_from([0, 1, 7, 127]),
    pads=st.sampled_from([0, 1]),
    seed=SEEDS,
)
def test_depthwise_behind_upsampling(
    path: str,
    input_type: IntegerType,
    result_type: IntegerType | None,
    channels: int,
    highest: int,
    pads: int,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    upsample = Upsample("upsample", (2, 3), channels, input_type, (3, 2))
    geometry = Geometry((6, 6), (2, 3), (2, 2), pads=(pads, pads, 0, pads))
    window = Window("window", geometry, channels, input_type)
    weights = rng.integers(-highest - 1, highest + 1, (6, channels)) if highest else rng.choice([-1, 1], (6, channels))
    unit = VectorVector("unit", weights, input_type, geometry.windows, padded=window.flagged)
    if result_type is not None:
        table = random_table(unit.accumulator, channels, levels_of(result_type), result_type, rng)
        unit = VectorVector("unit", weights, input_type, geometry.windows, table, window.flagged)
    check(chain([upsample, window, unit]), random_integers(input_type, (3, 2, 3, channels), rng), path)


@pytest.mark.parametrize("path", HERE)
@pytest.mark.parametrize("channels", [3, 32, 64, 128])
@pytest.mark.parametrize("pads", [0, 1])
@pytest.mark.parametrize("input_type", [BIPOLAR, IntegerType.interval(0, 3), IntegerType.interval(-128, 127)], ids=str)
def test_convolutions(path: str, channels: int, pads: int, input_type: IntegerType) -> None:
    """Two layers that slide over an image, one on what the other makes, and a dense one on all pixels."""
    rng = np.random.default_rng(channels)
    units: list[Operator] = []
    for index, (inputs, outputs) in enumerate([(channels, 64), (64, 10)]):
        size = 7 if pads else 7 - 2 * index
        geometry = Geometry((size, size), (3, 3), pads=(pads,) * 4)
        type = input_type if index == 0 else BIPOLAR
        window = Window(f"window{index}", geometry, inputs, type)
        w = rng.choice([-1, 1], (outputs, 9 * inputs))
        options = {"positions": geometry.windows, "kernel": (3, 3), "padded": window.flagged}
        sums = MatrixVector(f"unit{index}", w, type, **options).accumulator
        table = random_table(sums, outputs, 1, BIPOLAR, rng)
        units += [window, MatrixVector(f"unit{index}", w, type, table=table, **options)]
    flat = units[-1].outputs[0].elements
    units.append(MatrixVector("dense", rng.choice([-1, 1], (10, flat)), BIPOLAR))
    check(chain(units), random_integers(input_type, (5, 7, 7, channels), rng), path)


@st.composite
def slides(draw: st.DrawFn) -> Window:
    """Any geometry over few and many channels; what lies outside is 0, or of the type."""
    window, type = draw(windows()), draw(types())
    channels = draw(st.integers(1, 9) | st.sampled_from([31, 32, 33, 64, 65, 100]))
    fill = draw(st.sampled_from([0, type.lo, type.hi]))
    return replace(window, channels=channels, type=type, fill=fill, lanes=1, units=1, pixels=None)


@pytest.mark.parametrize("path", HERE)
@settings(max_examples=CASES, deadline=None)
@given(
    window=slides(),
    result_type=st.none() | counts(),
    highest=st.sampled_from([0, 0, 1, 127]),
    mh=st.sampled_from([1, 10, 17, 64, 70, 130]),
    frames=st.sampled_from([1, 3, 40]),
    every_stream=st.booleans(),
    seed=SEEDS,
)
def test_any_convolution(
    path: str,
    window: Window,
    result_type: IntegerType | None,
    highest: int,
    mh: int,
    frames: int,
    every_stream: bool,
    seed: int,
) -> None:
    """Read from the image where its windows are not asked for, and from them where they are."""
    rng = np.random.default_rng(seed)
    mw = window.geometry.taps * window.channels
    weights = rng.integers(-highest - 1, highest + 1, (mh, mw)) if highest else rng.choice([-1, 1], (mh, mw))
    options = {"positions": window.geometry.windows, "kernel": window.geometry.kernel, "padded": window.flagged}
    unit = MatrixVector("unit", weights, window.type, **options)
    if result_type is not None:
        table = random_table(unit.accumulator, mh, levels_of(result_type), result_type, rng)
        unit = MatrixVector("unit", weights, window.type, table=table, **options)
    x = random_integers(window.type, (frames, *window.inputs[0].shape), rng)
    check(chain([window, unit]), x, path, threads=1 + seed % 2, every_stream=every_stream)


@pytest.mark.parametrize("path", HERE)
@settings(max_examples=CASES, deadline=None)
@given(window=slides(), seed=SEEDS)
def test_any_pool(path: str, window: Window, seed: int) -> None:
    rng = np.random.default_rng(seed)
    smallest = rng.random(window.channels) < 0.5
    geometry = window.geometry
    pool = Pool(
        "pool", geometry.windows, geometry.kernel, window.channels, window.type, "extremum", smallest, window.flagged
    )
    x = random_integers(window.type, (3, *window.inputs[0].shape), rng)
    check(chain([window, pool]), x, path, every_stream=False)


@pytest.mark.parametrize("path", [*HERE, "numpy"])
@settings(max_examples=CASES, deadline=None)
@given(
    input_type=types(),
    result_types=st.tuples(counts(), counts()),
    channels=SIZES,
    factors=st.tuples(st.integers(-5, 5), st.integers(-5, 5)),
    seed=SEEDS,
)
def test_branches(
    path: str,
    input_type: IntegerType,
    result_types: tuple[IntegerType, IntegerType],
    channels: int,
    factors: tuple[int, int],
    seed: int,
) -> None:
    """A fork, a branch of other integers on each side, their sum beside their concatenation, and a choice of that."""
    rng = np.random.default_rng(seed)
    shape = (2, channels)
    port = Port(shape, input_type, 1)
    tables = [
        random_table(input_type, channels, levels_of(type), type, rng)
        for type in (result_types[0], result_types[1], result_types[0])
    ]
    units = [Threshold(f"branch{index}", shape, input_type, table) for index, table in enumerate(tables)]
    index = tuple(rng.integers(0, 2 * channels, rng.integers(1, 90)).tolist())
    graph = Graph()
    for unit in (
        Fork("fork", port),
        Fork("fork2", port),
        *units,
        Fork("fork3", units[0].outputs[0]),
        Add("add", shape, (result_types[0], result_types[1]), factors),
        Concat("concat", (2,), (channels, channels), result_types[0]),
        WidthConverter("wide", (2, 2 * channels), result_types[0], 1, 2 * channels),
        Select("select", (2,), 2 * channels, index, result_types[0]),
        WidthConverter("narrow", (2, len(index)), result_types[0], len(index), 1),
        Threshold("last", (2, len(index)), result_types[0], random_table(result_types[0], 1, 1, BIPOLAR, rng)),
        Concat("both", (), (2 * channels, 2 * len(index)), BIPOLAR),
        Threshold(
            "sum",
            shape,
            (sums := Add("x", shape, (result_types[0], result_types[1]), factors).result_type),
            random_table(sums, 1, 1, BIPOLAR, rng),
        ),
    ):
        graph.add(unit)
    for before, output, after, input in (
        ("fork", 0, "branch0", 0),
        ("fork", 1, "fork2", 0),
        ("fork2", 0, "branch1", 0),
        ("fork2", 1, "branch2", 0),
        ("branch0", 0, "fork3", 0),
        ("fork3", 0, "add", 0),
        ("branch1", 0, "add", 1),
        ("fork3", 1, "concat", 0),
        ("branch2", 0, "concat", 1),
        ("concat", 0, "wide", 0),
        ("wide", 0, "select", 0),
        ("select", 0, "narrow", 0),
        ("narrow", 0, "last", 0),
        ("add", 0, "sum", 0),
        ("sum", 0, "both", 0),
        ("last", 0, "both", 1),
    ):
        graph.connect(before, after, output=output, input=input)
    graph.set_boundary("fork", ["both"])
    check(graph, random_integers(input_type, (4, *shape), rng), path)


@pytest.mark.parametrize("path", [*HERE, "numpy"])
@pytest.mark.parametrize("seed", range(12))
def test_whole_graphs(path: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    widths = tuple(rng.integers(1, 300, rng.integers(2, 6)).tolist())
    graph = random_folding(random_chain(seed, widths, bits=1 + seed % 4), seed)
    x = rng.integers(0, 256, (int(rng.integers(1, 600)), widths[0]))
    for dtype in (np.int64, np.uint8, np.int32, np.uint16):
        check(graph, x.astype(dtype), path, threads=1 + seed % 3)
    check(graph, x[:, ::-1], path)  # not contiguous


def test_it_runs_often_and_without_frames() -> None:
    graph = random_chain(1, (30, 20, 10))
    emulator = Emulator(graph)
    x = np.random.default_rng(0).integers(0, 256, (50, 30))
    first = emulator.scores(x)[0]
    assert first.shape == (50, 10)
    np.testing.assert_array_equal(emulator.scores(x, threads=2)[0], first)
    np.testing.assert_array_equal(emulator.scores(x[20:30])[0], first[20:30])
    assert emulator.scores(x[:0])[0].shape == (0, 10)


def test_what_does_not_fit_is_refused() -> None:
    emulator = Emulator(random_chain(1, (30, 20, 10)))
    with pytest.raises(ValueError, match="expected integers"):
        emulator.run(np.zeros((2, 29), dtype=np.int64))
    with pytest.raises(ValueError, match="expected integers"):
        emulator.run(np.zeros((2, 30)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no stream is called 'middle'"):
        emulator.run(np.zeros((2, 30), dtype=np.int64), tensors=["middle"])


def test_a_path_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert choose_path() == HERE[0]
    assert choose_path("portable") == "portable"
    monkeypatch.setenv(VARIABLE, "portable")
    assert choose_path() == "portable"
    assert choose_path("numpy") == "numpy"
    monkeypatch.setenv(VARIABLE, "sse")
    with pytest.raises(UserError, match="no emulator path of that name") as caught:
        choose_path()
    assert "portable" in str(caught.value.hint)


def test_no_path_that_the_machine_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    plain = find_compiler()
    identity = plain.identity.replace("__AVX512VPOPCNTDQ__", "").replace("__AVX2__", "")
    lesser = replace(plain, identity=identity)
    monkeypatch.setattr(emulator_library, "compiler_here", lambda: lesser)
    assert choose_path() == "portable"
    with pytest.raises(UserError, match="does not have its instructions"):
        choose_path("avx512")


def test_without_a_compiler_numpy_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    graph = random_chain(3, (30, 20, 10), bits=2)
    x = np.random.default_rng(0).integers(0, 256, (50, 30))
    native = Emulator(graph).scores(x)[0]

    def none_here() -> None:
        raise UserError("no C++ compiler was found")

    monkeypatch.setattr(emulator_library, "compiler_here", none_here)
    emulator = Emulator(graph)
    assert emulator.path == "numpy"
    np.testing.assert_array_equal(emulator.scores(x)[0], native)
    with pytest.raises(UserError, match="no C"):
        choose_path("portable")


def test_a_compiler_that_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BNNFPGA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(emulator_library, "_options", lambda path: ("-DNOTHING", "-fno-such-option"))
    emulator_library.load_library.cache_clear()
    with pytest.raises(UserError, match="cannot be built"):
        emulator_library.load_library("portable")
    assert not list((tmp_path / "cache").glob("emulator*/"))
    assert emulator_library.native_path() is None
    emulator_library.load_library.cache_clear()


STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-std=c++17", "-O1"]
GENERIC = ["-U__SSE2__"]
"""The form that machines other than x86 take."""


@pytest.mark.parametrize("path", [*INSTRUCTION_SETS, "generic"])
def test_the_sources_give_no_warning(path: str, tmp_path: Path) -> None:
    options = GENERIC if path == "generic" else [f"-m{need}" for need in INSTRUCTION_SETS[path]]
    sources = sorted((asset("flows") / "emulator").glob("*.cpp"))
    assert len(sources) >= 8
    for source in sources:
        command = [*find_compiler().command, *STRICT, *options, "-c", str(source), "-o", str(tmp_path / "object.o")]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if "unrecognized" in result.stderr:
            pytest.skip("another kind of processor")
        assert result.returncode == 0, result.stderr[:3000]


def test_the_generic_form_counts_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator_library, "_options", lambda path: tuple(GENERIC))
    emulator_library.load_library.cache_clear()
    try:
        for seed in range(8):
            rng = np.random.default_rng(seed)
            graph = random_chain(seed, (100 + seed, 70, 10), bits=1 + seed % 4)
            check(graph, rng.integers(0, 256, (40, 100 + seed)), "portable")
    finally:
        emulator_library.load_library.cache_clear()


def test_all_that_uses_vectors_is_hot() -> None:
    """A source that reaches lanes.h, by whatever headers, asks for full optimisation; the plain ones do not."""
    files = {path.name: path for path in (asset("flows") / "emulator").iterdir() if path.suffix in (".h", ".cpp")}

    def reached(name: str) -> set[str]:
        included = re.findall(r'^#include "(.*?)"', files[name].read_text(), re.MULTILINE)
        return {name}.union(*map(reached, included))

    sources = [name for name in files if name.endswith(".cpp")]
    hot = {name for name in sources if emulator_library.is_hot(files[name])}
    vectors = {name for name in sources if "lanes.h" in reached(name)}
    assert vectors
    assert vectors <= hot
    assert "window.cpp" not in hot
