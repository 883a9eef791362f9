"""Graphs whose units read others' outputs as other rows and channels: the same elements under other axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operators.add import Add
from bnnfpga.dataflow.operators.arg_max import ArgMax
from bnnfpga.dataflow.operators.concat import Concat
from bnnfpga.dataflow.operators.fifo import Fifo
from bnnfpga.dataflow.operators.fork import Fork
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.pool import Pool
from bnnfpga.dataflow.operators.select import Select
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.operators.upsample import Upsample
from bnnfpga.dataflow.operators.vector_vector import VectorVector
from bnnfpga.dataflow.operators.width_converter import WidthConverter
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.dataflow.stream import Port, divisors
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntegerType
from tests.support.deep_graphs import GraphWriter

TYPES = (
    IntegerType.bipolar(),
    IntegerType.interval(0, 3),
    IntegerType.interval(0, 255),
    IntegerType.interval(-128, 127),
    IntegerType.interval(-1000, 1000),
)
SHAPES = ((2, 2, 64), (4, 1, 64), (2, 4, 32), (3, 3, 3), (4, 6, 5), (1, 8, 16))
_MAX_ELEMENTS = 3000
_MAX_TAPS = 300


def reshaped(port: Port, rng: np.random.Generator) -> Port:
    """The same elements as random numbers of rows, columns and channels."""
    channels = int(rng.choice(divisors(port.elements)))
    columns = int(rng.choice(divisors(port.elements // channels)))
    return replace(port, shape=(port.elements // channels // columns, columns, channels), lanes=1)


def window(writer: GraphWriter, port: Port) -> Port:
    """Any kernel and pads; flags if the element type cannot hold the pad's value."""
    rng = writer.rng
    rows, columns, channels = port.shape
    pads = tuple(int(pad) for pad in rng.integers(0, 2, 4))
    kernel = (int(rng.integers(1, min(3, rows) + 1)), int(rng.integers(1, min(3, columns) + 1)))
    stride = (int(rng.integers(1, 3)), int(rng.integers(1, 3)))
    geometry = Geometry((rows, columns), kernel, stride, pads=pads)  # type: ignore[arg-type]
    fill = int(rng.choice([0, port.type.lo, port.type.hi]))
    unit = Window(writer.name("window"), geometry, channels, port.type, fill)
    if unit.outputs[0].elements > _MAX_ELEMENTS:
        unit = replace(unit, geometry=Geometry((rows, columns), (1, 1), (2, 2)))
    return writer.put(unit)


def matrix_vector(writer: GraphWriter, port: Port) -> Port:
    """A dense layer on rows of a port, with or without flags; sums, bits or counts."""
    rng = writer.rng
    *positions, inputs = port.shape
    outputs = int(rng.choice([1, 3, 16, 64, 70]))
    weights = rng.choice([-1, 1], (outputs, inputs)) if rng.random() < 0.7 else rng.integers(-9, 9, (outputs, inputs))
    name, padded = writer.name("matrix_vector"), port.pads > 0
    unit = MatrixVector(name, weights, port.type, tuple(positions), padded=padded)
    if rng.random() < 0.7:
        output = IntegerType.bipolar() if rng.random() < 0.5 else IntegerType.interval(-1, 4)
        unit = replace(unit, table=writer.table(unit.accumulator, outputs, output))
    return writer.put(unit)


def pool(writer: GraphWriter, port: Port) -> Port:
    """A pool over rows as windows of pixels."""
    rng = writer.rng
    *windows, elements = port.shape
    taps = int(rng.choice([count for count in divisors(elements) if count <= _MAX_TAPS]))
    smallest = rng.random(elements // taps) < 0.5
    function = "sum" if rng.random() < 0.5 else "extremum"
    name = writer.name("pool")
    kernel, padded = (1, taps), port.pads > 0
    return writer.put(
        Pool(name, tuple(windows), kernel, elements // taps, port.type, function, smallest, padded)  # type: ignore[arg-type]
    )


def vector_vector(writer: GraphWriter, port: Port) -> Port:
    rng = writer.rng
    *windows, elements = port.shape
    taps = int(rng.choice([count for count in divisors(elements) if count <= _MAX_TAPS]))
    weights = rng.integers(-3, 4, (taps, elements // taps))
    unit = VectorVector(writer.name("vector_vector"), weights, port.type, tuple(windows), padded=port.pads > 0)
    if rng.random() < 0.5:
        unit = replace(unit, table=writer.table(unit.accumulator, elements // taps, IntegerType.interval(0, 3)))
    return writer.put(unit)


def threshold(writer: GraphWriter, port: Port) -> Port:
    rows = port.shape[-1] if writer.rng.random() < 0.5 else 1
    output = IntegerType.bipolar() if writer.rng.random() < 0.5 else IntegerType.interval(0, 3)
    return writer.put(Threshold(writer.name("threshold"), port.shape, port.type, writer.table(port.type, rows, output)))


def lookup(writer: GraphWriter, port: Port) -> Port:
    output = IntegerType.interval(-7, 8)
    if port.type.bits > 10:
        return threshold(writer, port)
    rows = (port.shape[-1],) if writer.rng.random() < 0.3 else ()
    table = writer.rng.integers(output.lo, output.hi + 1, (*rows, 1 << port.type.bits))
    return writer.put(Lookup(writer.name("lookup"), port.shape, port.type, table, output))


def select(writer: GraphWriter, port: Port) -> Port:
    *positions, channels = port.shape
    index = tuple(writer.rng.integers(0, channels, writer.rng.integers(1, 2 * channels + 1)).tolist())
    # Beats are whole pixels.
    whole = replace(port, lanes=channels)
    return writer.put(Select(writer.name("select"), tuple(positions), channels, index, whole.type, port.pads > 0))


def upsample(writer: GraphWriter, port: Port) -> Port:
    rows, columns, channels = port.shape
    return writer.put(Upsample(writer.name("upsample"), (rows, columns), channels, port.type, (1, 2)))


def fork_and_add(writer: GraphWriter, port: Port) -> Port:
    """Both branches have different rows, and the addition reads them as yet others."""
    fork = writer.name("fork")
    forked = writer.put(Fork(fork, port))
    first = reshaped(writer.put(Fifo(writer.name("fifo"), reshaped(forked, writer.rng), 2)), writer.rng)
    return writer.join(fork, Add(writer.name("add"), first.shape, (port.type, port.type), (1, -2)), output=1)


def fork_and_concat(writer: GraphWriter, port: Port) -> Port:
    """One branch has the elements of the other as different rows."""
    fork = writer.name("fork")
    forked = writer.put(Fork(fork, port))
    regrouped = reshaped(forked, writer.rng)
    first = writer.put(WidthConverter(writer.name("width_converter"), regrouped.shape, regrouped.type, 1, 1))
    rows, columns, channels = reshaped(first, writer.rng).shape
    unit = Concat(writer.name("concat"), (rows, columns), (channels, channels), port.type)
    return writer.join(fork, unit, output=1)


def arg_max(writer: GraphWriter, port: Port) -> Port:
    return writer.put(ArgMax(writer.name("arg_max"), Port((port.elements,), port.type, 1)))


UNITS: dict[str, Callable[[GraphWriter, Port], Port]] = {
    unit.__name__: unit
    for unit in (
        window,
        matrix_vector,
        pool,
        vector_vector,
        threshold,
        lookup,
        select,
        upsample,
        fork_and_add,
        fork_and_concat,
        arg_max,
    )
}
FLAGGED = ("matrix_vector", "pool", "vector_vector")
"""Units that may follow windows with flags: they take one flag per beat."""


def reshaped_graph(kinds: tuple[str, ...], seed: int) -> Graph:
    """Units of these kinds in a row, each of which reads the previous output unchanged or as any other rows."""
    writer = GraphWriter(seed)
    rng = writer.rng
    type, shape = TYPES[rng.integers(len(TYPES))], SHAPES[rng.integers(len(SHAPES))]
    port = Port(shape, type, 1)
    for kind in kinds:
        if port.elements > _MAX_ELEMENTS or port.type.bits > 24:
            break
        unit = UNITS[kind]
        if port.pads and kind not in FLAGGED:
            unit = UNITS[FLAGGED[rng.integers(len(FLAGGED))]]
        image = port if len(port.shape) == 3 and rng.random() < 0.25 else reshaped(port, rng)
        port = unit(writer, image)
    if port.pads:
        writer.put(MatrixVector("last", rng.choice([-1, 1], (3, math.prod(port.shape))), port.type, padded=True))
    return writer.finished()
