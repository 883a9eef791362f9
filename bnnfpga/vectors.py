"""Test vectors of a project: a few frames with the integers that the model gives for them.

They are made from the golden model of the source, and are at the same time the first check of a compilation: first the
golden model must agree with the unmodified file, then the folded graph must give the same integers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper

from bnnfpga.arithmetic import Floats
from bnnfpga.errors import ResultsDiffer
from bnnfpga.frontend.nodes import DOT_PRODUCTS
from bnnfpga.golden.check import FileReading
from bnnfpga.golden.file_check import check_file
from bnnfpga.golden.model import GoldenModel
from bnnfpga.golden.steps import apply_steps
from bnnfpga.host.order import to_stream
from bnnfpga.input_format import InputFormat
from bnnfpga.integers import IntArray
from bnnfpga.plan import Plan

FRAMES = 16
_FILE_FRAMES, _FILE_FRAMES_OF_LARGE = 6, 2
_LARGE = 10**8
"""Multiplications a frame from which on fewer frames are compared with the file."""


@dataclass(frozen=True)
class Vectors:
    """`codes`, int64 (frames, input elements), and `scores`, int64 (frames, output elements), both as they stream."""

    codes: IntArray
    scores: IntArray


def random_frames(plan: Plan) -> Floats:
    """Random frames as the golden model takes them, float32 (FRAMES, *input shape): codes where it takes integers."""
    rng = np.random.default_rng(0)
    shape = (FRAMES, *plan.model.get_tensor_shape(plan.model.graph.input[0].name)[1:])
    kind = plan.input.type
    if kind is None:
        x = rng.standard_normal(shape, dtype=np.float32)
        return np.rint(3 * x) if _takes_integers(plan.source.proto) else x
    integers: NDArray[np.int64] = rng.integers(kind.lo, kind.hi + 1, shape)
    if kind.is_bipolar:
        integers = np.where(integers < 0, -1, 1)
    return integers.astype(np.float32)


def check_against_file(plan: Plan, golden: GoldenModel, x: Floats) -> FileReading:
    """Compare the golden model with the unmodified file on the first of some frames.

    Raises
    ------
    ResultsDiffer
        If they differ by more than a rounding tie.
    """
    x = x[: _FILE_FRAMES if products(plan.model) <= _LARGE else _FILE_FRAMES_OF_LARGE]
    reading = check_file(plan.source.proto, golden, x, model_inputs(x, plan.input))
    if reading.difference is not None:
        raise ResultsDiffer(
            f"the compiler reads this differently from what the file says: {reading.difference}",
            where=reading.difference.node,
            hint="nothing was written; please report it with the model",
        )
    return reading


def model_inputs(x: Floats, input: InputFormat) -> Floats:
    """What the file takes for frames as the golden model takes them: code * scale in float32."""
    return x if input.type is None else x * input.scale


def products(model: ModelWrapper) -> int:
    """Multiplications that a frame costs."""
    total = 0
    for node in model.graph.node:
        if node.op_type in DOT_PRODUCTS:
            weights = model.get_tensor_shape(node.input[1])
            inner = weights[-2] if node.op_type == "MatMul" else math.prod(weights[1:])
            total += math.prod(model.get_tensor_shape(node.output[0])) * inner
    return total


def make_vectors(plan: Plan, golden: GoldenModel, x: Floats) -> Vectors:
    """Frames through the golden model and the folded graph.

    Raises
    ------
    ResultsDiffer
        If they differ, which is a bug of the compiler.
    """
    codes = _stream_codes(plan, x)
    scores = to_stream(golden.run(x).accelerator_output(plan.output_kind), plan.graph.output.port.shape)
    vectors = Vectors(codes, scores)
    check_vectors(vectors, plan.graph.execute(codes)[plan.graph.output.name].reshape(len(x), -1), "folded graph")
    return vectors


def check_vectors(vectors: Vectors, scores: IntArray, who: str) -> None:
    """Compare what `who` gives for the vectors, int64 (frames, output elements).

    Raises
    ------
    ResultsDiffer
        If it is anything else than the model's scores, which is a bug of the compiler.
    """
    if not np.array_equal(vectors.scores, scores):
        frame, channel = np.argwhere(vectors.scores != scores)[0]
        raise ResultsDiffer(
            f"the {who} gives {scores[frame, channel]} where the model gives {vectors.scores[frame, channel]} "
            f"(frame {frame} of the self-check, element {channel} of the output)",
            where="self-check",
            hint="nothing was written; please report it with the model",
        )


def _stream_codes(plan: Plan, x: Floats) -> IntArray:
    """Frames as the integers that stream in, int64 (frames, elements)."""
    flat = x.reshape(len(x), -1)
    if plan.input.type is None:
        assert plan.folded.input_function is not None
        flat = apply_steps(plan.folded.input_function.steps, flat)
    return to_stream(flat.astype(np.int64), plan.graph.input.port.shape)


def _takes_integers(proto: onnx.ModelProto) -> bool:
    """Whether the file's input has a type of integers."""
    constants = {tensor.name for tensor in proto.graph.initializer}
    kinds = [value.type.tensor_type.elem_type for value in proto.graph.input if value.name not in constants]
    return any(onnx.helper.tensor_dtype_to_np_dtype(kind).kind in "iu" for kind in kinds)
