"""Deep and large graphs of operators, unfolded like those of `lower`, for measuring depth and memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.add import Add
from bnnfpga.dataflow.operators.fork import Fork
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.pool import Pool
from bnnfpga.dataflow.operators.score_output import ScoreOutput
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.dataflow.stream import Port
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable

BIPOLAR = IntegerType.bipolar()
CODES = IntegerType.interval(0, 15)
PIXEL = IntegerType.interval(0, 255)
CLASSES = 10


class GraphWriter:
    """Adds units in a row; `last` is the name of the one whose `output` is not connected yet."""

    def __init__(self, seed: int = 0) -> None:
        self.graph = Graph()
        self.rng = np.random.default_rng(seed)
        self.first = self.last = ""
        self.output = 0
        self._count = 0

    def name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self._count - 1}"

    def put(self, unit: Operator) -> Port:
        """Add a unit after the last one; returns its output port."""
        self.graph.add(unit)
        if self.last:
            self.graph.connect(self.last, unit.name, output=self.output, any_lanes=True)
        self.first = self.first or unit.name
        self.last, self.output = unit.name, 0
        return unit.outputs[0]

    def join(self, other: str, unit: Operator, output: int = 0) -> Port:
        """Like `put`, for a unit with two inputs; the second one comes from an output of another unit."""
        port = self.put(unit)
        self.graph.connect(other, unit.name, output=output, input=1, any_lanes=True)
        return port

    def table(self, sums: IntegerType, rows: int, output: IntegerType) -> ThresholdTable:
        """Thresholds near the middle of the range, so that results vary."""
        levels = 1 if output.is_bipolar else output.hi - output.lo
        middle, spread = (sums.lo + sums.hi) // 2, max(1, int((sums.hi - sums.lo) ** 0.5))
        values = middle + self.rng.integers(-spread, spread + 1, (rows, levels))
        return ThresholdTable(np.sort(values, axis=1), self.rng.random(rows) < 0.3, output)

    def threshold(self, port: Port, output: IntegerType) -> Port:
        table = self.table(port.type, port.shape[-1], output)
        return self.put(Threshold(self.name("threshold"), port.shape, port.type, table))

    def convolution(
        self, port: Port, channels: int, kernel: int, stride: int = 1, output: IntegerType | None = None
    ) -> Port:
        """Bipolar weights, zero pads that keep the image's size; with thresholds, or sums if `output` is None."""
        rows, columns, inputs = port.shape
        pad = kernel // 2
        geometry = Geometry((rows, columns), (kernel, kernel), (stride, stride), pads=(pad,) * 4)
        padded = False
        if not geometry.is_identity:
            window = Window(self.name("window"), geometry, inputs, port.type)
            padded = window.flagged
            self.put(window)
        weights = self.rng.choice([-1, 1], (channels, geometry.taps * inputs))
        unit = MatrixVector(
            self.name("matrix_vector"), weights, port.type, geometry.windows, kernel=geometry.kernel, padded=padded
        )
        if output is not None:
            unit = replace(unit, table=self.table(unit.accumulator, channels, output))
        return self.put(unit)

    def pool(self, port: Port, kernel: int, stride: int, *, whole: bool = False) -> Port:
        """Max pooling, or the sum of the whole image."""
        rows, columns, channels = port.shape
        direction = np.zeros(channels, dtype=bool)
        if whole:
            unit = Pool(
                self.name("pool"), (1, 1), (rows, columns), channels, port.type, "sum", direction, in_order=True
            )
            return self.put(unit)
        geometry = Geometry((rows, columns), (kernel, kernel), (stride, stride), pads=(kernel // 2,) * 4)
        window = Window(self.name("window"), geometry, channels, port.type, port.type.lo)
        self.put(window)
        return self.put(
            Pool(self.name("pool"), geometry.windows, geometry.kernel, channels, port.type, "extremum", direction)
        )

    def finished(self) -> Graph:
        last = self.graph[self.last].outputs[0]
        self.put(ScoreOutput("score_output", last))
        self.graph.set_boundary(self.first, [self.last])
        return self.graph


def dense_chain(layers: int, width: int = 64) -> Graph:
    """A threshold on pixels, then `layers` dense layers, each with its own threshold unit, and scores."""
    writer = GraphWriter()
    port = writer.threshold(Port((width,), PIXEL, 1), BIPOLAR)
    for _ in range(layers):
        weights = writer.rng.choice([-1, 1], (width, width))
        port = writer.put(MatrixVector(writer.name("matrix_vector"), weights, port.type))
        port = writer.threshold(port, BIPOLAR)
    writer.put(MatrixVector(writer.name("matrix_vector"), writer.rng.choice([-1, 1], (CLASSES, width)), port.type))
    return writer.finished()


def doubled(times: int, width: int = 8) -> Graph:
    """x = x + x, repeated, on bipolar elements."""
    writer = GraphWriter()
    port = writer.threshold(Port((width,), PIXEL, 1), BIPOLAR)
    for _ in range(times):
        fork = writer.name("fork")
        port = writer.put(Fork(fork, port))
        port = writer.join(fork, Add(writer.name("add"), port.shape, (port.type, port.type)), output=1)
    return writer.finished()


def residual_net(size: int = 224, stages: tuple[int, ...] = (64, 128, 256, 512), classes: int = 1000) -> Graph:
    """A ResNet-18 of bipolar weights, codes of 4 bits and shortcuts of codes, on images of `size` pixels square."""
    writer = GraphWriter()
    port = writer.convolution(Port((size, size, 3), PIXEL, 1), stages[0], 7, 2, CODES)
    port = writer.pool(port, 3, 2)
    for stage, channels in enumerate(stages):
        port = _block(writer, port, channels, 2 if stage else 1)
        port = _block(writer, port, channels, 1)
    port = writer.pool(port, 0, 1, whole=True)
    writer.put(MatrixVector(writer.name("matrix_vector"), writer.rng.choice([-1, 1], (classes, stages[-1])), port.type))
    return writer.finished()


def residual_chain(blocks: int, size: int = 6, channels: int = 8) -> Graph:
    """A row of residual blocks of one size."""
    writer = GraphWriter()
    port = writer.threshold(Port((size, size, channels), PIXEL, 1), CODES)
    for _ in range(blocks):
        port = _block(writer, port, channels, 1)
    return writer.finished()


def _block(writer: GraphWriter, port: Port, channels: int, stride: int) -> Port:
    """Two convolutions and a shortcut: the input itself, or with `stride` a 1 x 1 convolution of it."""
    fork = writer.name("fork")
    source = writer.put(Fork(fork, port))
    port = writer.convolution(source, channels, 3, stride, CODES)
    port = writer.convolution(port, channels, 3, 1, CODES)
    main, shortcut, output = writer.last, fork, 1
    if stride > 1:
        shortcut, output = _shrunk(writer, fork, source, channels), 0
    writer.last = main
    port = writer.join(shortcut, Add(writer.name("add"), port.shape, (port.type, CODES)), output=output)
    return writer.threshold(port, CODES)


def _shrunk(writer: GraphWriter, fork: str, source: Port, channels: int) -> str:
    """A 1 x 1 convolution of stride 2 on a fork's second output; returns the unit's name."""
    rows, columns, inputs = source.shape
    geometry = Geometry((rows, columns), (1, 1), (2, 2))
    window = Window(writer.name("window"), geometry, inputs, source.type)
    writer.graph.add(window)
    writer.graph.connect(fork, window.name, output=1, any_lanes=True)
    writer.last = window.name
    weights = writer.rng.choice([-1, 1], (channels, inputs))
    unit = MatrixVector(writer.name("matrix_vector"), weights, source.type, geometry.windows)
    writer.put(replace(unit, table=writer.table(unit.accumulator, channels, CODES)))
    return unit.name
