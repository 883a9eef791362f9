"""An independent check of the golden model: the unmodified file, evaluated in plain floats.

The golden model rounds after every float32 operation and runs dot products on integers; a plain run of the same file
sums real numbers. Both must agree except for *rounding ties*: values that lie so close to a quantizer's decision
point that float32 rounding alone decides. Here every node of the file is evaluated in float64, and in float32 with
numpy's own order of summation, with the textbook meaning of its operator. This goes layer by layer: each quantizer's
output is replaced by the golden model's, so that one tie does not hide what follows. Nothing of the golden model's
rewriting is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from bnnfpga.arithmetic import Floats
from bnnfpga.errors import UserError
from bnnfpga.frontend.clean import load
from bnnfpga.frontend.nodes import describe
from bnnfpga.frontend.read import read_model
from bnnfpga.golden.decisions import Decision, decision_of
from bnnfpga.golden.model import Golden, GoldenModel
from bnnfpga.golden.textbook import Doubles, Number, evaluate, evaluate_constant

_ROUNDINGS = 16
"""Float32 operations between two quantizers that the bound allows for."""
_UNIT = 2.0**-23
_FINAL = ("Softmax", "LogSoftmax", "Sigmoid", "ArgMax", "TopK")
"""Behind the scores; only the last two are checked, by the class."""


@dataclass(frozen=True)
class FloatCheck:
    """What the comparison found, over all quantizers and the output.

    `compared` values; `ties`, those that the float64 or the float32 run decides differently within the bound; and the
    first `error` beyond it (None: none), as a sentence.
    """

    compared: int
    ties: int
    error: str | None


class _Comparison:
    """Counts what agrees, and keeps the first difference that rounding does not explain."""

    def __init__(self) -> None:
        self.compared = self.ties = 0
        self.error: str | None = None

    def add(self, place: str, differs: NDArray[np.bool_], distance: Doubles, bound: Doubles) -> None:
        """`differs` elements must lie within `bound` of the point where the decision changes, `distance` away."""
        distance, bound = np.broadcast_to(distance, differs.shape), np.broadcast_to(bound, differs.shape)
        beyond = differs & ~(distance <= bound)
        self.compared += differs.size
        self.ties += int((differs & ~beyond).sum())
        if self.error is None and np.any(beyond):
            index = tuple(int(i) for i in np.argwhere(beyond)[0])
            self.error = f"{place}, element {index}: off by {distance[index]:.3g}, rounding explains {bound[index]:.3g}"


def check_against_floats(path: Path, x: Floats) -> FloatCheck:
    """Compare the golden model of a file with plain float runs of it on images, float32 (images, *input shape)."""
    golden = GoldenModel(load(path))
    check = _Check(read_model(path), golden, golden.run(x, golden.integer_tensors))
    check.run(x)
    return FloatCheck(check.comparison.compared, check.comparison.ties, check.comparison.error)


class _Check:
    """One walk over the file."""

    def __init__(self, proto: onnx.ModelProto, golden: GoldenModel, result: Golden) -> None:
        self.comparison = _Comparison()
        self._proto = proto
        self._golden = golden
        self._result = result
        self._opset = next((item.version for item in proto.opset_import if item.domain in ("", "ai.onnx")), 1)
        self._constants: dict[str, NDArray[Any]] = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer
        }
        self._values = {name: Number.of(array) for name, array in self._constants.items()}

    def run(self, x: Floats) -> None:
        source = next(value.name for value in self._proto.graph.input if value.name not in self._constants)
        self._values[source] = Number.of(x)
        output = self._proto.graph.output[0].name
        for node in self._proto.graph.node:
            if node.op_type in _FINAL:
                output = node.input[0]
                if node.op_type in ("ArgMax", "TopK"):
                    self._compare_classes(describe(node), self._values[output])
                break
            self._evaluate(node)
        scores = self._values[output]
        off = np.abs(scores.double - self._result.output)
        bound = _ROUNDINGS * _UNIT * scores.size
        self.comparison.add("output", off > bound, off, bound)

    def _evaluate(self, node: onnx.NodeProto) -> None:
        inputs = [self._values[name] for name in node.input if name]
        constant = all(name in self._constants for name in node.input if name)
        data = next((i for i, name in enumerate(node.input) if name not in self._constants), 0)
        decision = decision_of(node, inputs, data)
        if node.op_type == "Shape":
            shape = np.array([1, *inputs[0].double.shape[1:]])
            self._constants[node.output[0]] = shape
        elif decision is not None:
            x = inputs[data]
            index = decision.index(x.double) if constant else self._decide(node, x, decision)
            self._values[node.output[0]] = Number.of(decision.first + decision.step * index)
            if constant:
                self._constants[node.output[0]] = self._values[node.output[0]].single
            return
        elif constant:
            named = {name: self._constants[name] for name in node.input if name}
            self._constants[node.output[0]] = evaluate_constant(node, named, self._opset)
        else:
            self._values[node.output[0]] = evaluate(node, inputs)
            return
        self._values[node.output[0]] = Number.of(self._constants[node.output[0]])

    def _decide(self, node: onnx.NodeProto, x: Number, decision: Decision) -> NDArray[np.int64]:
        """The golden model's decision, compared with both runs."""
        given = self._given(node, x, decision)
        bound = _ROUNDINGS * _UNIT * x.size + decision.rounding
        indices = decision.index(x.double), decision.index(x.single)
        # Where both runs have the very same number, nothing was rounded, and not even a tie is open.
        open_ = (x.double != x.single) | (indices[0] != indices[1])
        for other in indices:
            distance = np.where(open_, decision.distance(x.double, other, given), np.inf)
            self.comparison.add(describe(node), other != given, distance, bound)
        return given

    def _given(self, node: onnx.NodeProto, x: Number, decision: Decision) -> NDArray[np.int64]:
        """Which output the golden model has here: by its value of the tensor, or of one that follows from it."""
        first, step = np.broadcast_to(decision.first, x.double.shape), np.broadcast_to(decision.step, x.double.shape)
        tensor = node.output[0]
        while tensor not in self._golden.integer_tensors:
            readers = [item for item in self._proto.graph.node if tensor in item.input]
            if len(readers) != 1 or readers[0].op_type in ("MatMul", "Gemm"):
                raise UserError(
                    "the golden model has no integers for it", where=describe(node), hint="leave this check out"
                )
            images = []
            for point in (first, first + step):
                operands = [Number.of(point) if name == tensor else self._values[name] for name in readers[0].input]
                images.append(evaluate(readers[0], operands).double)
            first, step = images[0], images[1] - images[0]  # only affine nodes follow
            tensor = readers[0].output[0]
        value = self._result.integers[tensor].astype(np.float64)
        for scale in self._golden.scales(tensor):
            value = value * scale
        return np.rint((value - first) / step).astype(np.int64).reshape(x.double.shape)

    def _compare_classes(self, place: str, scores: Number) -> None:
        images = len(scores.double)
        double, size = scores.double.reshape(images, -1), scores.size.reshape(images, -1)
        classes = double.argmax(axis=1)
        best, given = (np.take_along_axis(double, index[:, None], 1)[:, 0] for index in (classes, self._result.classes))
        bound = 2 * _ROUNDINGS * _UNIT * size.max(axis=1)
        self.comparison.add(place, classes != self._result.classes, best - given, bound)
