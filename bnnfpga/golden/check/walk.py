"""One walk over a file: every node is evaluated, every decision compared and replaced by the claimed one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import onnx

from bnnfpga.golden.check.compare import Comparison
from bnnfpga.golden.check.decision import Decision, sides
from bnnfpga.golden.check.decisions import decision_of, is_quantizer
from bnnfpga.golden.check.file_nodes import FileGraph
from bnnfpga.golden.check.libraries import Unknown, attribute, changed, is_standard, run_node
from bnnfpga.golden.check.node_values import evaluate
from bnnfpga.golden.check.number import ROUNDING, Array, Doubles, Number, Operand, compact
from bnnfpga.golden.check.reading import Claims, FileReading

_COMPARISONS = {"Greater": (1, False), "GreaterOrEqual": (1, True), "Less": (-1, False), "LessOrEqual": (-1, True)}
"""For each comparison, the sign of the difference that must be positive, and whether equal numbers satisfy it."""
_AFFINE = (
    "Add",
    "BatchNormalization",
    "Cast",
    "DequantizeLinear",
    "Div",
    "Flatten",
    "Identity",
    "Mul",
    "Neg",
    "Reshape",
    "Squeeze",
    "Sub",
    "Unsqueeze",
)
"""Operators through which a decision can be inferred from their result."""
_OF_TWO = (*_AFFINE, "Not", "Where")
"""The same for decisions between two outputs."""
_MAX_FOLLOWED = 8


class Walk:
    """The comparison of `claims` with a file on images, (images, *input shape).

    After the walk, `kept` holds the values of the tensors that were asked for in `keep`, where they are known.
    """

    def __init__(self, graph: FileGraph, x: Array, claims: Claims, keep: Collection[str] = ()) -> None:
        self._graph, self._claims = graph, claims
        self._keep = frozenset(keep)
        self.kept: dict[str, Array] = {}
        self._images = len(x)
        self._comparison = Comparison(self._images)
        self._numbers: dict[str, Number | None] = {}
        # If ends are claimed, the float tensors before them need not be in the file.
        self._unread = set(claims.ends).intersection(graph.outputs) if claims.ends else set(claims.floats)
        self._bounds: dict[str, Doubles] = {}
        if graph.input is None:
            self._note("the file has several inputs")
        else:
            self._numbers[graph.input.name] = self._of_input(graph.input, x)

    def run(self) -> FileReading:
        """Walk over all nodes and return the result."""
        for node in self._graph.nodes:
            self._step(node)
            for name in self._graph.forget(node):
                if name not in self._graph.outputs and name not in self._keep:
                    self._numbers.pop(name, None)
        for name, number in self._numbers.items():
            if name in self._keep and number is not None:
                self.kept[name] = number.value
        for name in self._unread:
            self._note(f"its values at tensor {name!r}")
        comparison = self._comparison
        unchecked = tuple(dict.fromkeys(comparison.unchecked))
        return FileReading(tuple(comparison.layers), comparison.difference, unchecked, comparison.tied, self._bounds)

    def _of_input(self, input: onnx.ValueInfoProto, x: Array) -> Number | None:
        """The images as the file's input: with its batch of one, in its own type."""
        kind = onnx.helper.tensor_dtype_to_np_dtype(input.type.tensor_type.elem_type)
        images = x[:, None]
        if kind.kind == "f":
            return Number.of(images)
        if np.any(images != images.astype(kind)):
            self._note(f"the file takes numbers of type {kind}, and these images hold others")
            return None
        return Number.of(images.astype(kind))

    def _step(self, node: onnx.NodeProto) -> None:
        label = self._graph.label(node)
        try:
            results = self._evaluate(node, label)
        except Unknown as error:
            self._note(f"{label}: {error}")
            results = None
        except MemoryError:
            raise
        # A fault in the check itself must not stop a compilation; it is reported, and the tests allow none.
        except Exception as error:
            self._note(f"{label}: {type(error).__name__}: {error}")
            results = None
        for index, name in enumerate(node.output):
            if name and not self._graph.is_constant(name):
                number = None if results is None or index >= len(results) else results[index].underflowing()
                self._numbers[name] = self._compared(node, label, name, number)

    def _evaluate(self, node: onnx.NodeProto, label: str) -> list[Number] | None:
        """A node's outputs, None if they depend on unknown tensors."""
        operands: list[Operand] = []
        opset = self._graph.opset(node)
        for name in node.input:
            if not name:
                operands.append(None)
            elif self._graph.is_constant(name):
                operands.append(self._graph.constant(name))
            else:
                number = self._numbers.get(name)
                if number is None:
                    return None
                operands.append(number)
        if not any(isinstance(item, Number) for item in operands):
            self._graph.make(node)  # it depends on shapes only
            return None
        if node.op_type == "CastLike" and is_standard(node):
            node, operands = _as_cast(node, operands)
            if not isinstance(operands[0], Number):
                self._graph.set_constant(node.output[0], run_node(node, [operands[0]], opset)[0])
                return None
        if node.op_type in ("Shape", "Size") and isinstance(operands[0], Number):
            zeros = np.broadcast_to(np.zeros(()), operands[0].shape)
            self._graph.set_constant(node.output[0], run_node(node, [zeros], opset)[0])
            return None
        if node.op_type in ("ArgMax", "ArgMin", "TopK"):
            return self._largest(node, label, operands)
        if node.op_type in _COMPARISONS and is_standard(node):
            return self._sides(node, label, operands)
        x = operands[0]
        if isinstance(x, Number) and (x.value.dtype.kind == "f" or is_quantizer(node)):
            x = Number(x.value.astype(np.float64), x.size, x.exact)
            parameters = [None if isinstance(item, Number) else item for item in operands[1:]]
            decision = decision_of(node, parameters, len(x.shape))
            if decision is not None:
                return [self._decided(node, label, x, decision)]
        return evaluate(node, operands, opset)

    # -- decisions -----------------------------------------------------------------------------------------------------

    def _sides(self, node: onnx.NodeProto, label: str, operands: list[Operand]) -> list[Number]:
        """A comparison of two numbers, as a decision about their difference."""
        sign, includes = _COMPARISONS[node.op_type]
        both = [
            item if isinstance(item, Number) else None if item is None else Number.of(item[None]) for item in operands
        ]
        first, second = both[0], both[1]
        if first is None or second is None:
            raise Unknown("it has one operand")
        dependent = [item for item in operands if isinstance(item, Number)]
        rank = max(len(first.shape), len(second.shape))
        if any(len(item.shape) != rank for item in dependent):
            raise Unknown("its operands have different numbers of axes")
        value = sign * (first.value.astype(np.float64) - second.value)
        # Exact numbers are compared without rounding, and the size of a constant does not matter.
        size = sum((item.size for item in dependent), np.zeros(()))
        exact = first.exact & second.exact
        return [self._decided(node, label, Number(value, np.asarray(size), exact), sides(True, includes=includes))]

    def _decided(self, node: onnx.NodeProto, label: str, x: Number, decision: Decision) -> Number:
        """The claimed decision, else the check's own, which leaves all that follows open where it lies on a tie."""
        index = decision.index(x.value)
        claimed = self._claimed_index(node, decision, x.value.shape)
        if claimed is not None:
            claimed = np.where(np.isnan(claimed), index, claimed)
        ties = self._comparison.decisions(label, node.output[0], x, decision, index, claimed)
        self._tell(node, label)
        if claimed is not None:
            return Number.of(decision.output(claimed))
        number = Number.of(decision.output(index))
        if not np.any(ties):
            return number
        open_ = np.where(ties, np.abs(decision.step) * decision.span(x, index) / ROUNDING, 0.0)
        return Number(number.value, number.size + open_, compact(number.exact & ~ties))

    def _claimed_index(self, node: onnx.NodeProto, decision: Decision, shape: tuple[int, ...]) -> Doubles | None:
        """The claimed index, from a claim about the node's output or about a tensor that follows elementwise."""
        start = tuple(np.broadcast_to(decision.output(np.array(float(at))), shape) for at in (0, 1))
        waiting = [(node.output[0], start)]
        for _ in range(_MAX_FOLLOWED):
            if not waiting:
                break
            tensor, (first, second) = waiting.pop(0)
            claim = self._claim(tensor, first.shape)
            if claim is not None:
                step = second.astype(np.float64) - first
                with np.errstate(all="ignore"):
                    index = np.rint((claim - first) / step).reshape(shape)
                # If all outputs are equal, as with a scale of 0, a claim of that value leaves the index open: 0 / 0.
                return np.where(np.isfinite(index) | np.isnan(index), index, np.inf)
            for reader in self._graph.readers[tensor]:
                followed = self._followed(reader, tensor, (first, second), two=decision.two)
                if followed is not None:
                    waiting.append((reader.output[0], followed))
        return None

    def _followed(
        self, reader: onnx.NodeProto, tensor: str, points: tuple[Array, Array], *, two: bool
    ) -> tuple[Array, Array] | None:
        """An elementwise reader's results for two points; unless there are only `two` outputs, it must be affine."""
        if is_standard(reader) and reader.op_type == "CastLike" and reader.input[0] == tensor:
            return points[0].astype(np.float64), points[1].astype(np.float64)
        if not is_standard(reader) or reader.op_type not in (_OF_TWO if two else _AFFINE):
            return None
        if any(name and name != tensor and not self._graph.is_constant(name) for name in reader.input):
            return None
        results = []
        try:
            for point in points:
                operands: list[Operand] = [
                    Number.of(point) if name == tensor else self._graph.constant(name) if name else None
                    for name in reader.input
                ]
                results.append(evaluate(reader, operands, self._graph.opset(reader))[0].value)
        except Unknown:
            return None
        return (results[0], results[1]) if results[0].size == points[0].size else None

    def _largest(self, node: onnx.NodeProto, label: str, operands: list[Operand]) -> list[Number] | None:
        """The claimed indices of the largest or smallest scores; for TopK, these scores and the indices."""
        scores = operands[0]
        if not isinstance(scores, Number):
            raise Unknown("its scores are constant")
        more = [None if isinstance(item, Number) else item for item in operands[1:]]
        if len(operands) > 1 and more == [None]:
            raise Unknown("the number of scores that it selects depends on the image")
        top = node.op_type == "TopK"
        axis = attribute(node, "axis", -1 if top else 0) % len(scores.shape)
        own = np.stack(
            [run_node(node, [image, *more], self._graph.opset(node))[int(top)] for image in scores.value]
        ).astype(np.int64)
        name = node.output[int(top)] if len(node.output) > int(top) else ""
        claimed = self._claims.ends.get(name, own)
        if claimed.shape != own.shape or (name not in self._claims.ends and not self._ends(node)):
            self._note(f"{label}: nothing is known of the classes it finds")
            claimed = own
        extent = own.size * scores.shape[axis] // max(1, scores.value.size)
        shape = (*scores.shape[:axis], extent, *scores.shape[axis + 1 :])
        expected, indices = (array.reshape(len(own), *shape) for array in (own, claimed.astype(np.int64)))
        ties = self._comparison.classes(label, name, scores, axis, expected, indices)
        self._tell(node, label)
        number = Number.of(indices.reshape(own.shape))
        number = replace(number, exact=compact(~np.broadcast_to(ties, expected.shape).reshape(own.shape)))
        if not top:
            return [number]
        inside = np.clip(indices, 0, scores.shape[axis] - 1)

        def of(array: Array) -> Array:
            return np.take_along_axis(np.broadcast_to(array, scores.value.shape), inside, axis + 1)

        return [Number(of(scores.value), of(scores.size), compact(of(scores.exact))), number]

    def _ends(self, node: onnx.NodeProto) -> bool:
        return any(name in self._graph.outputs for name in node.output)

    # -- claims --------------------------------------------------------------------------------------------------------

    def _claim(self, tensor: str, shape: tuple[int, ...]) -> Doubles | None:
        """The claim about a tensor, in the shape that it has in the file: with the batch of one."""
        claim = self._claims.integers.get(tensor)
        if claim is not None and _fits(claim.integers.shape, shape):
            return claim.value().reshape(shape)
        floats = self._claims.floats.get(tensor)
        if floats is not None and _fits(floats.shape, shape):
            return floats.astype(np.float64).reshape(shape)
        end = self._claims.ends.get(tensor)
        return end.astype(np.float64) if end is not None and end.shape[1:] == shape[1:] else None

    def _compared(self, node: onnx.NodeProto, label: str, name: str, number: Number | None) -> Number | None:
        """Compare a tensor with the claim about it, which replaces it if the check does not know it."""
        if number is None:
            claim = self._claims.integers.get(name)
            if claim is not None:
                return Number.of(claim.value()[:, None])
            return None
        claimed = self._claim(name, number.value.shape)
        if claimed is not None and number.value.dtype.kind in "fiub":
            bound = self._comparison.values(label, name, number, claimed)
            self._tell(node, label)
            if name in self._unread:
                self._unread.discard(name)
                self._bounds[name] = bound
        return number

    def _tell(self, node: onnx.NodeProto, label: str) -> None:
        """If the first difference is at this node, record the nodes that lead to it."""
        difference = self._comparison.difference
        if difference is not None and difference.node == label and not difference.path:
            self._comparison.difference = replace(difference, path=tuple(self._path(node)))

    def _path(self, node: onnx.NodeProto) -> list[str]:
        """The nodes between the last compared tensors and this one, in the file's order."""
        labels: dict[int, str] = {}
        waiting = [node]
        while waiting and len(labels) < _MAX_FOLLOWED:
            for name in waiting.pop(0).input:
                maker = self._graph.makers.get(name)
                if maker is None or name in self._claims.integers or self._graph.place(maker) in labels:
                    continue
                labels[self._graph.place(maker)] = self._graph.label(maker)
                waiting.append(maker)
        return [labels[place] for place in sorted(labels)]

    def _note(self, sentence: str) -> None:
        self._comparison.unchecked.append(sentence)


def _as_cast(node: onnx.NodeProto, operands: list[Operand]) -> tuple[onnx.NodeProto, list[Operand]]:
    """A CastLike as a Cast: only the type of its second operand matters."""
    like = operands[1]
    if like is None:
        raise Unknown("it has one operand")
    kind = like.value.dtype if isinstance(like, Number) else like.dtype
    # All floats that depend on the image are doubles here.
    kind = np.dtype(np.float32) if isinstance(like, Number) and kind.kind == "f" else kind
    return changed(node, "Cast", to=onnx.helper.np_dtype_to_tensor_dtype(kind)), operands[:1]


def _fits(claimed: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether (images, ...) is the file's (images, 1, ...), or the same."""
    return claimed == shape or (claimed[0], 1, *claimed[1:]) == shape
