"""Test frames for a compilation's self-check, including kinds that random frames would hardly ever cover.

Max pooling a whole random image gives its largest value even if the pool is wrong; thresholds at the far end of a range
are never reached. So there are frames at the ends of the range, frames with single channels, rows and columns lit,
frames whose levels distinguish the axes, and frames with sums of the first layers at a threshold and just below it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bnnfpga.compiler.frames.floats import floats_of
from bnnfpga.compiler.frames.patterns import Pattern, draw, patterns
from bnnfpga.compiler.frames.search import searched
from bnnfpga.dataflow.graph import Graph
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.host.input_format import InputFormat
from bnnfpga.host.order import Order
from bnnfpga.numbers.arithmetic import Floats
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.transforms.fold import Folded

MAX_FRAMES = 32
_MAX_FOR_FILE = 6
_MIN_FRAMES, _MIN_FOR_FILE = 4, 2
"""Frames in all at least, and frames for the costlier checks if a frame takes more products than `_COSTLY`."""
_COSTLY = 10**8
_PRODUCTS = 15 * 10**8
"""Budget of products for all frames beyond `_MIN_FRAMES`."""
_SEARCHED = 10
"""Least number of searched frames among `MAX_FRAMES`."""


@dataclass(frozen=True, eq=False)
class Frames:
    """Test frames, most informative first.

    Parameters
    ----------
    x
        float32 (frames, *input shape of the model): the model's inputs, or the codes if the project takes integers.
    kinds
        A name for each frame, like "channel 0 lit".
    for_file
        Indices of the frames for costlier checks.
    """

    x: Floats
    kinds: tuple[str, ...]
    for_file: tuple[int, ...]

    def name(self, index: int) -> str:
        """A frame's name for messages."""
        return f"frame {index}, {self.kinds[index]}"


def self_check_frames(golden: GoldenModel, folded: Folded, graph: Graph, input: InputFormat, order: Order) -> Frames:
    """Choose the frames for a model; the same model always gets the same frames.

    Parameters
    ----------
    golden
        The model, for the shape of its inputs.
    folded, graph
        The compiled forms of the model. Thresholds are read from the graph, so that a wrong one is exercised as built.
    input
        The project's input format.
    order
        The stream order of a frame of the model's input.
    """
    rng = np.random.default_rng(0)
    shape = golden.input_shape
    type = graph.input.port.type if input.type is None else input.type
    cost = graph.products
    costly = cost > _COSTLY
    count = _MIN_FRAMES if costly else max(_MIN_FRAMES, min(MAX_FRAMES, _PRODUCTS // max(cost, 1)))
    fixed = patterns(type, shape, rng)
    floats = [] if input.type is not None else _float_frames(folded, type, shape, rng)
    sought = max(1, count * _SEARCHED // MAX_FRAMES, count - len(floats) - len(fixed))
    fixed = fixed[: max(count - sought - len(floats), _MIN_FRAMES - 1)]
    reaching = searched(graph, order, type, fixed, sought, rng)
    while len(fixed) + len(floats) + len(reaching) < count:
        reaching.append(Pattern("random", draw(type, shape, rng)))
    integers = _merged(fixed, reaching)
    codes = np.stack([pattern.codes for pattern in integers])
    if folded.input_function is None:
        x = codes.astype(np.float32)
    else:
        x = floats_of(folded.input_function.steps, codes.reshape(len(codes), -1), type, "inside", rng)
    frames = [(pattern.kind, frame.reshape(shape)) for pattern, frame in zip(integers, x, strict=True)]
    # The float frames come last, except for the first of them.
    frames = [*frames[:_MIN_FRAMES], *floats[:1], *frames[_MIN_FRAMES:], *floats[1:]][:count]
    for_file = range(min(_MIN_FOR_FILE if costly else _MAX_FOR_FILE, count))
    return Frames(np.stack([x for _, x in frames]), tuple(kind for kind, _ in frames), tuple(for_file))


def _merged(fixed: list[Pattern], reaching: list[Pattern]) -> list[Pattern]:
    """Interleave searched frames with fixed ones: one after every second fixed frame, starting with the first."""
    merged: list[Pattern] = []
    for index, pattern in enumerate(fixed):
        merged.append(pattern)
        if index % 2 == 0 and index // 2 < len(reaching):
            merged.append(reaching[index // 2])
    return [*merged, *reaching[(len(fixed) + 1) // 2 :]]


def _float_frames(
    folded: Folded, type: IntegerType, shape: tuple[int, ...], rng: np.random.Generator
) -> list[tuple[str, Floats]]:
    """Frames that only float inputs can represent."""
    assert folded.input_function is not None
    steps = folded.input_function.steps
    codes = draw(type, (2, int(np.prod(shape))), rng)
    at_steps = floats_of(steps, codes, type, "ends", rng).reshape(2, *shape)
    normal = rng.standard_normal((2, *shape), dtype=np.float32)
    largest = np.abs(at_steps).max()
    far = np.where(rng.random(shape) < 0.5, -1, 1).astype(np.float32) * np.float32(1000) * np.maximum(largest, 1)
    return [
        ("at the steps of the first quantizer", np.where(at_steps[0] == 0, np.float32(-0.0), at_steps[0])),
        ("random, normally distributed", normal[0]),
        ("far beyond the range of the first quantizer", far.astype(np.float32)),
        ("at the steps of the first quantizer", at_steps[1]),
        ("random, normally distributed", normal[1]),
    ]
