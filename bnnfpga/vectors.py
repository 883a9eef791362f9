"""Test vectors of a project: a few frames with the integers that the model gives for them.

They are made from the golden model of the source, and at the same time the first check of a compilation: the folded
graph must give the same integers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bnnfpga.arithmetic import apply_steps
from bnnfpga.dataflow.graph import Graph
from bnnfpga.frames import Frames
from bnnfpga.golden.model import GoldenModel
from bnnfpga.host.order import to_stream
from bnnfpga.input_format import InputFormat
from bnnfpga.integers import IntArray
from bnnfpga.transforms.fold import Folded

_AT_ONCE = 16
"""Frames that the folded graph is run on at a time, to bound memory."""
_KEPT = 16
"""Frames that a project keeps: test benches of large accelerators take minutes for more."""


@dataclass(frozen=True)
class Vectors:
    """Frames with the model's integers for them, both as they stream.

    Parameters
    ----------
    codes
        int64 (frames, input elements).
    scores
        int64 (frames, output elements).
    names
        What each frame is called in messages.
    """

    codes: IntArray
    scores: IntArray
    names: tuple[str, ...]

    @property
    def kept(self) -> Vectors:
        """Those for the project's folder: the first, which tell most."""
        return Vectors(self.codes[:_KEPT], self.scores[:_KEPT], self.names[:_KEPT])


def make_vectors(
    golden: GoldenModel, graph: Graph, folded: Folded, input: InputFormat, output_kind: str, frames: Frames
) -> Vectors:
    """The frames through the golden model and the folded graph.

    Raises
    ------
    RuntimeError
        If they differ, which is a bug of the compiler.
    """
    count = len(frames.x)
    codes = frames.x.reshape(count, -1)
    if input.type is None:
        assert folded.input_function is not None
        codes = apply_steps(folded.input_function.steps, codes)
    vectors = Vectors(
        to_stream(codes.astype(np.int64), graph.input.port.shape),
        to_stream(golden.run(frames.x).accelerator_output(output_kind), graph.output.port.shape),
        tuple(map(frames.name, range(count))),
    )
    scores = [
        graph.execute(vectors.codes[start : start + _AT_ONCE])[graph.output.name] for start in range(0, count, _AT_ONCE)
    ]
    check_vectors(vectors, np.concatenate(scores).reshape(count, -1), "folded graph")
    return vectors


def check_vectors(vectors: Vectors, scores: IntArray, who: str) -> None:
    """Compare what `who` gives for the vectors, int64 (frames, output elements).

    Raises
    ------
    RuntimeError
        If it is anything else than the model's scores, which is a bug of the compiler.
    """
    if not np.array_equal(vectors.scores, scores):
        frame, element = np.argwhere(vectors.scores != scores)[0]
        raise RuntimeError(
            f"{vectors.names[frame]}: the {who} gives {scores[frame, element]} where the model gives "
            f"{vectors.scores[frame, element]} (output {element})"
        )
