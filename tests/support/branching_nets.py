"""Random nets of branches that meet again: nested, of unequal delays, joined by sums and by concats."""

from __future__ import annotations

import numpy as np

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operators.add import Add
from bnnfpga.dataflow.operators.concat import Concat
from bnnfpga.dataflow.operators.fork import Fork
from bnnfpga.dataflow.stream import Port
from tests.support.deep_graphs import BIPOLAR, PIXEL, GraphWriter


def branching_net(seed: int) -> Graph:
    """An unfolded net on small images with one to three blocks in a row."""
    rng = np.random.default_rng((seed, 50))
    writer = GraphWriter(seed)
    size, channels = int(rng.integers(3, 7)), int(rng.choice([2, 4]))
    port = writer.threshold(Port((size, int(rng.integers(3, 7)), channels), PIXEL, 1), BIPOLAR)
    for _ in range(int(rng.integers(1, 4))):
        port = _block(writer, rng, port, 2)
    return writer.finished()


def _block(writer: GraphWriter, rng: np.random.Generator, port: Port, depth: int) -> Port:
    """Two branches of up to two parts each, of which one may be nothing, and their sum or concat."""
    fork = writer.name("fork")
    ends = []
    source = writer.put(Fork(fork, port))
    for output, parts in enumerate(rng.permutation([int(rng.integers(1, 3)), int(rng.integers(0, 3))])):
        writer.last, writer.output, port = fork, output, source
        for _ in range(parts):
            port = _part(writer, rng, port, depth)
        ends.append((writer.last, writer.output))
    (writer.last, writer.output), (other, output) = ends
    if rng.random() < 0.5:
        port = writer.join(other, Add(writer.name("add"), port.shape, (BIPOLAR, BIPOLAR)), output=output)
        return writer.threshold(port, BIPOLAR)
    channels = port.shape[-1]
    concat = Concat(writer.name("concat"), port.shape[:-1], (channels, channels), BIPOLAR, 1)
    return writer.convolution(writer.join(other, concat, output=output), channels, 1, output=BIPOLAR)


def _part(writer: GraphWriter, rng: np.random.Generator, port: Port, depth: int) -> Port:
    if depth > 1 and rng.random() < 0.3:
        return _block(writer, rng, port, depth - 1)
    return writer.convolution(port, port.shape[-1], int(rng.choice([1, 3, 3, 5])), output=BIPOLAR)
