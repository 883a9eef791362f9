"""Test vectors of a project: a few frames with the model's integers for them.

They come from the golden model of the source and also check the compilation: the folded graph must give the same
integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bnnfpga.base.errors import ResultsDiffer
from bnnfpga.compiler.design import Design
from bnnfpga.compiler.frames import Frames
from bnnfpga.dataflow.graph import Graph
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.numbers.arithmetic import Floats, apply_steps
from bnnfpga.numbers.integers import IntArray
from bnnfpga.simulate.stream_tensors import as_streams, model_tensors

_MAX_AT_ONCE = 1 << 22
"""The largest number of integers of one stream per batch, to bound memory."""
_MAX_COMPARED = 1 << 22
"""The largest number of layers' integers compared per batch."""
_MAX_KEPT = 16
"""The number of frames kept in a project: test benches of large accelerators take minutes for more."""


@dataclass(frozen=True)
class Vectors:
    """Frames with the model's integers for them, both in stream order.

    Parameters
    ----------
    codes
        int64 (frames, input elements).
    scores
        For each output int64 (frames, elements).
    names
        The name of each frame for messages.
    """

    codes: IntArray
    scores: tuple[IntArray, ...]
    names: tuple[str, ...]

    @property
    def kept(self) -> Vectors:
        """The vectors kept in the project's folder: the first ones, which reveal most."""
        return Vectors(
            self.codes[:_MAX_KEPT], tuple(scores[:_MAX_KEPT] for scores in self.scores), self.names[:_MAX_KEPT]
        )


def make_vectors(design: Design, frames: Frames) -> Vectors:
    """Run frames through the golden model and the folded graph.

    Layers are compared as well as scores: on a few frames, a wrong integer of a layer may change no score.

    Raises
    ------
    ResultsDiffer
        If they differ, which is a bug in the compiler.
    """
    count, names = len(frames.x), tuple(map(frames.name, range(len(frames.x))))
    graph, golden = design.graph, design.file.golden
    inputs = _codes(design, frames.x.reshape(count, -1))
    codes = design.input_order.to_stream(inputs)
    at_once = max(1, min(count, _MAX_AT_ONCE // max(stream.port.elements for stream in graph.streams)))
    layers = _compared(golden, graph, at_once)
    # Float inputs become the codes of a tensor of the model.
    first = design.folded.model.input
    known = {first} & set(golden.integer_tensors)
    scores: list[tuple[IntArray, ...]] = []
    for part in (slice(start, start + at_once) for start in range(0, count, at_once)):
        run = golden.run(frames.x[part], {*layers.values(), *known})
        if known:
            own = run.integers[first].reshape(len(names[part]), -1)
            _check(
                own,
                inputs[part][:, design.folded.input_places],
                names[part],
                f"tensor {first!r}, element",
                "function of the input",
            )
        tensors = graph.execute(codes[part], [*layers, *(stream.name for stream in graph.outputs)])
        for stream, tensor in as_streams(graph, layers, run.integers).items():
            where = f"tensor {layers[stream]!r}, channel"
            _check(tensor, tensors[stream].reshape(tensor.shape), names[part], where, "folded graph")
        expected = design.to_streams(run.accelerator_outputs(design.output_kind))
        vectors = Vectors(codes[part], expected, names[part])
        streamed = [tensors[stream.name].reshape(len(names[part]), -1) for stream in graph.outputs]
        check_vectors(vectors, streamed, "folded graph")
        scores.append(expected)
    return Vectors(codes, tuple(map(np.concatenate, zip(*scores, strict=True))), names)


def _codes(design: Design, x: Floats) -> IntArray:
    """The accelerator's input codes for images (frames, elements), in the file's order."""
    if design.file.input.type is None:
        assert design.folded.input_function is not None
        x = apply_steps(design.folded.input_function.steps, x)
    return x.astype(np.int64)


def _compared(golden: GoldenModel, graph: Graph, frames: int) -> dict[str, str]:
    """The streams to compare, with their tensors: from the input on, as many as memory allows."""
    tensors, room, found = model_tensors(graph), _MAX_COMPARED // frames, {}
    for stream in graph.streams:
        if tensors.get(stream.name) in golden.integer_tensors and stream.port.elements <= room:
            found[stream.name] = tensors[stream.name]
            room -= stream.port.elements
    return found


def check_vectors(vectors: Vectors, scores: Sequence[IntArray], who: str) -> None:
    """Compare the scores of `who` for the vectors, for each output int64 (frames, elements).

    Raises
    ------
    ResultsDiffer
        If they are not the model's scores, which is a bug in the compiler.
    """
    for index, (expected, got) in enumerate(zip(vectors.scores, scores, strict=True)):
        _check(expected, got, vectors.names, "output" if len(scores) == 1 else f"output {index}, element", who)


def _check(expected: IntArray, got: IntArray, names: tuple[str, ...], where: str, who: str) -> None:
    """Raise `ResultsDiffer` at the first difference of integers (frames, ...)."""
    if not np.array_equal(expected, got):
        place = tuple(np.argwhere(expected != got)[0])
        raise ResultsDiffer(
            f"{names[place[0]]}: the {who} gives {got[place]} where the model gives {expected[place]} "
            f"({where} {place[-1]})",
            where="self-check",
            hint="nothing was written; please report it with the model",
        )
