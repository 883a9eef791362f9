"""ReduceMax, ReduceMin, ReduceSum and ReduceMean as pools; channels are reshaped to rows of pixels for this."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import attribute, comes_from_constants, describe, required_constant, required_shape
from bnnfpga.frontend.graph.transform import Transform


@dataclass(frozen=True)
class _Reduction:
    """How several elements become one: their sum, their mean (a sum, too), the smallest, or else the largest."""

    sums: bool = False
    mean: bool = False
    smallest: bool = False


_REDUCTIONS = {
    "ReduceMax": _Reduction(),
    "ReduceMin": _Reduction(smallest=True),
    "ReduceMean": _Reduction(sums=True, mean=True),
    "ReduceSum": _Reduction(sums=True),
}
REDUCTIONS = tuple(_REDUCTIONS)


class ReductionsToPools(Transform):
    """A reduction over pixels becomes a pool of all rows, columns or samples; over channels, of those as rows.

    A sum is an average that divides by 1.
    """

    kinds = REDUCTIONS

    def visit(self, model: Model, node: Node) -> bool:
        if comes_from_constants(model, node.input[0]):
            return False
        shape = required_shape(model, node, node.input[0])
        listed = required_constant(model, node, 1, "axes").ravel().tolist()
        axes = sorted({int(axis) % len(shape) for axis in listed})
        if shape[0] != 1 or (axes[:1] == [0] and not attribute(node, "keepdims", 1)):
            raise UserError(
                "it reduces the batch axis",
                where=describe(node),
                hint="reduce over the axes behind the batch axis",
            )
        _Pools(model, node, math.prod(shape[axis] for axis in axes)).write([axis for axis in axes if axis > 0])
        return True


class _Pools:
    """Writes the nodes that replace one reduction, in which `count` elements become one."""

    def __init__(self, model: Model, node: Node, count: int) -> None:
        self._model, self._node, self._count = model, node, count
        self._nodes: list[Node] = []
        self._tensor, self._shape = node.input[0], model.shape(node.input[0])
        self._reduction = _REDUCTIONS[node.op_type]

    def write(self, axes: list[int]) -> None:
        """Write one pool for the spatial axes and one for the channels, as needed."""
        node, kept = self._node, bool(attribute(self._node, "keepdims", 1))
        rank = len(self._shape)
        reduced = [1 if axis in axes else extent for axis, extent in enumerate(self._shape)]
        reduced = reduced if kept else [extent for axis, extent in enumerate(reduced) if axis not in axes]
        pixels = [axis for axis in axes if axis > 1]
        if pixels:
            kernel = [extent if axis in pixels else 1 for axis, extent in enumerate(self._shape)][2:]
            self._pool(kernel, last=1 not in axes)
        if 1 in axes:
            channels, others = self._shape[1], self._shape[2:]
            rows = [1, 1, channels, math.prod(others)] if rank > 2 else [1, 1, channels]
            self._reshape(rows)
            self._pool([channels, *[1] * (len(rows) - 3)], last=True)
        if reduced != self._shape or not self._nodes:
            self._reshape(reduced)
        last = self._nodes.pop()
        self._nodes.append(make_node(last.op_type, last.input, node.output, name=last.name, **last.attributes))
        self._model.replace(node, *self._nodes)

    def _pool(self, kernel: list[int], *, last: bool) -> None:
        shape = [*self._shape[:2], *(extent // size for extent, size in zip(self._shape[2:], kernel, strict=True))]
        name = self._node.name if last else self._model.fresh_name(f"{self._node.name}_of_pixels")
        options: dict[str, Any] = {"kernel_shape": kernel, "strides": kernel}
        if self._reduction.sums:
            kind, options["divisor"] = "AveragePool", self._count if self._reduction.mean and last else 1
        else:
            kind, options["smallest"] = "MaxPool", int(self._reduction.smallest)
        self._append(make_node(kind, [self._tensor], [self._fresh("pooled")], name=name, **options), shape)

    def _reshape(self, shape: list[int]) -> None:
        target = self._model.add_constant(f"{self._node.name}_shape", np.array(shape, dtype=np.int64))
        name = self._model.fresh_name(f"{self._node.name}_reshape")
        self._append(make_node("Reshape", [self._tensor, target], [self._fresh("reshaped")], name=name), shape)

    def _fresh(self, meaning: str) -> str:
        return self._model.fresh_name(f"{self._node.name}_{meaning}")

    def _append(self, node: Node, shape: list[int]) -> None:
        self._nodes.append(node)
        self._tensor, self._shape = node.output[0], shape
        self._model.set_shape(self._tensor, shape)
