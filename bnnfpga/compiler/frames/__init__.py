"""Frames on which a compilation is checked: of kinds that random ones alone would hardly ever be.

A pool of a whole random image is its largest value whatever the pool does; thresholds at the far end of a range are
never met. So there are frames at the ends of the range, with single channels, rows and columns lit, with levels that
tell the axes apart, and with sums of the first layers at a threshold and just below it.
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
"""How many frames there are at most, where one costs more products than `_COSTLY`, and where one does not."""
_COSTLY = 10**8
_PRODUCTS = 15 * 10**8
"""What all frames cost together at most, but for the few that there always are."""
_SEARCHED = 10
"""Frames that are looked for at least, of `MAX_FRAMES`."""


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames for checks, those first that tell most.

    Parameters
    ----------
    x
        float32 (frames, *input shape of the model): the model's inputs, or the codes where the project takes integers.
    kinds
        What each frame is called, like "channel 0 lit".
    for_file
        Indices of those that are for costlier checks.
    """

    x: Floats
    kinds: tuple[str, ...]
    for_file: tuple[int, ...]

    def name(self, index: int) -> str:
        """A frame in a message."""
        return f"frame {index}, {self.kinds[index]}"


def self_check_frames(golden: GoldenModel, folded: Folded, graph: Graph, input: InputFormat, order: Order) -> Frames:
    """The frames for a model; the same model gives the same frames.

    Parameters
    ----------
    golden
        The model, which says what shape its inputs have.
    folded, graph
        What it became: thresholds are those of the graph, so that one that is wrong is met where it stands.
    input
        What the project takes.
    order
        The order in which a frame of the model's input streams.
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
    found = searched(graph, order, type, fixed, sought, rng)
    while len(fixed) + len(floats) + len(found) < count:
        found.append(Pattern("random", draw(type, shape, rng)))
    integers = _merged(fixed, found)
    codes = np.stack([pattern.codes for pattern in integers])
    if folded.input_function is None:
        x = codes.astype(np.float32)
    else:
        x = floats_of(folded.input_function.steps, codes.reshape(len(codes), -1), type, "inside", rng)
    frames = [(pattern.kind, frame.reshape(shape)) for pattern, frame in zip(integers, x, strict=True)]
    # Those of floats are last but for the first of them.
    frames = [*frames[:_MIN_FRAMES], *floats[:1], *frames[_MIN_FRAMES:], *floats[1:]][:count]
    for_file = range(min(_MIN_FOR_FILE if costly else _MAX_FOR_FILE, count))
    return Frames(np.stack([x for _, x in frames]), tuple(kind for kind, _ in frames), tuple(for_file))


def _merged(fixed: list[Pattern], found: list[Pattern]) -> list[Pattern]:
    """One that was looked for behind each second of the fixed ones, from the first one on."""
    merged: list[Pattern] = []
    for index, pattern in enumerate(fixed):
        merged.append(pattern)
        if index % 2 == 0 and index // 2 < len(found):
            merged.append(found[index // 2])
    return [*merged, *found[(len(fixed) + 1) // 2 :]]


def _float_frames(
    folded: Folded, type: IntegerType, shape: tuple[int, ...], rng: np.random.Generator
) -> list[tuple[str, Floats]]:
    """Frames that only float inputs can be."""
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
