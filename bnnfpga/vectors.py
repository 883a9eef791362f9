"""Test vectors of a project: a few frames with the integers that the model gives for them.

They are made from the golden model of the source, and at the same time the first check of a compilation: the folded
graph must give the same integers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnnfpga.arithmetic import Floats
from bnnfpga.golden.model import GoldenModel
from bnnfpga.golden.steps import apply_steps
from bnnfpga.integers import IntArray
from bnnfpga.plan import Plan

FRAMES = 16


@dataclass(frozen=True)
class Vectors:
    """`codes`, int64 (frames, input elements), and `scores`, int64 (frames, output elements), both as they stream."""

    codes: IntArray
    scores: IntArray


def make_vectors(golden: GoldenModel, plan: Plan) -> Vectors:
    """Random frames through the golden model and the folded graph.

    Raises
    ------
    RuntimeError
        If they differ, which is a bug of the compiler.
    """
    golden_scores, codes = _golden(golden, plan)
    vectors = Vectors(codes, golden_scores)
    graph = plan.graph
    check_vectors(vectors, graph.execute(codes)[graph.output.name].reshape(FRAMES, -1), "folded graph")
    return vectors


def check_vectors(vectors: Vectors, scores: IntArray, who: str) -> None:
    """Compare what `who` gives for the vectors, int64 (frames, output elements).

    Raises
    ------
    RuntimeError
        If it is anything else than the model's scores, which is a bug of the compiler.
    """
    if not np.array_equal(vectors.scores, scores):
        frame, channel = np.argwhere(vectors.scores != scores)[0]
        raise RuntimeError(
            f"the {who} gives {scores[frame, channel]} where the model gives {vectors.scores[frame, channel]} "
            f"(random frame {frame}, channel {channel})"
        )


def _golden(golden: GoldenModel, plan: Plan) -> tuple[IntArray, IntArray]:
    """The model's scores for random frames, and the frames as codes, (frames, elements), both as they stream."""
    rng = np.random.default_rng(0)
    shape = (FRAMES, *golden.input_shape)
    x: Floats
    input = plan.input
    if input.type is None:
        function = plan.folded.input_function
        assert function is not None
        x = rng.standard_normal(shape, dtype=np.float32)
        codes = apply_steps(function.steps, x.reshape(FRAMES, -1)).astype(np.int64)
    else:
        integers: NDArray[np.int64] = rng.integers(input.type.lo, input.type.hi + 1, shape)
        if input.type.is_bipolar:
            integers = np.where(integers < 0, -1, 1)
        x = integers.astype(np.float32)
        codes = integers.reshape(FRAMES, -1)
    scores = golden.run(x).accelerator_output(plan.output_kind)
    return plan.output_order.to_stream(scores), plan.input_order.to_stream(codes)
