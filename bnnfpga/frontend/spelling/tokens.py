"""Dense layers along one axis of a tensor, on each token separately, as convolutions with kernels of 1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.nodes import comes_from_constants, required_shape
from bnnfpga.frontend.graph.transform import Transform

_MAX_PIXEL_AXES = 2


class DenseOverTokens(Transform):
    """A MatMul along one axis of (images, tokens, features) becomes a Conv whose channels are that axis.

    The weights may be on either side. Transposes move the axis to the channels and back; `to_channels_first` lets those
    of successive layers cancel.
    """

    kinds = ("MatMul",)

    def visit(self, model: Model, node: Node) -> bool:
        if not all(map(model.has_shape, node.input)):
            return False
        constant = [comes_from_constants(model, name) for name in node.input]
        if constant.count(True) != 1:
            return False
        on_the_left = constant[0]
        data, weights = reversed(node.input) if on_the_left else node.input
        shape, kernel = required_shape(model, node, data), required_shape(model, node, weights)
        if len(shape) < 3 or shape[0] != 1 or not 2 <= len(kernel) <= len(shape) or math.prod(kernel[:-2]) != 1:
            return False
        axis = len(shape) - (2 if on_the_left else 1)
        inputs, outputs = kernel[-2:][::-1] if on_the_left else kernel[-2:]
        if shape[axis] != inputs:
            return False  # reported by the shape check
        _Writing(model, node, weights, outputs, turned=not on_the_left).write(data, axis)
        return True


class _Writing:
    """Writes the nodes that replace one MatMul."""

    def __init__(self, model: Model, node: Node, weights: str, outputs: int, *, turned: bool) -> None:
        self._model, self._node = model, node
        self._weights, self._outputs, self._turned = weights, outputs, turned

    def write(self, data: str, axis: int) -> None:
        """Replace the node by a Conv along `axis` of `data`, with the node's name and result."""
        model, node = self._model, self._node
        shape = model.shape(data)
        others = [at for at in range(1, len(shape)) if at != axis]
        pixels = [shape[at] for at in others]
        first = [0, axis, *others]
        tensor = self._transpose(data, first, "tokens")
        merged = len(pixels) > _MAX_PIXEL_AXES
        if merged:
            tensor = self._reshape(tensor, [1, shape[axis], math.prod(pixels)], "merged")
            pixels = [math.prod(pixels)]
        kernel = self._kernel(len(pixels), shape[axis])
        product = model.fresh_name(f"{node.name}_product")
        model.set_shape(product, [1, self._outputs, *pixels])
        conv = make_node("Conv", [tensor, kernel], [product], name=node.name, kernel_shape=[1] * len(pixels), group=1)
        back = [first.index(at) for at in range(len(shape))]
        model.replace(node, conv)
        self._node, result = conv, node.output[0]
        behind: list[Node] = []
        if merged:
            whole = [1, self._outputs, *(shape[at] for at in others)]
            name = model.fresh_name(f"{node.name}_split")
            model.set_shape(name, whole)
            target = model.add_constant(f"{name}_shape", np.array(whole, dtype=np.int64))
            behind.append(make_node("Reshape", [product, target], [name], name=name))
            product = name
        if back == list(range(len(shape))):
            model.set_output(behind[-1] if behind else conv, result)
        else:
            behind.append(make_node("Transpose", [product], [result], name=f"{node.name}_back", perm=back))
        model.insert_after(conv, *behind)

    def _kernel(self, axes: int, inputs: int) -> str:
        """The weights as (outputs, inputs, 1 ...)."""
        weights, rank = self._weights, len(self._model.shape(self._weights))
        raw = self._model.constant(weights)
        if raw is not None:
            rows = raw.reshape(raw.shape[-2:])
            kernels = np.ascontiguousarray(rows.T if self._turned else rows).reshape(self._outputs, inputs, *[1] * axes)
            return self._model.add_constant(f"{self._node.name}_kernels", kernels)
        if self._turned:
            weights = self._transpose(weights, [*range(rank - 2), rank - 1, rank - 2], "weights")
        return self._reshape(weights, [self._outputs, inputs, *[1] * axes], "kernels")

    def _transpose(self, tensor: str, perm: list[int], meaning: str) -> str:
        if perm == list(range(len(perm))):
            return tensor
        shape = self._model.shape(tensor)
        return self._insert("Transpose", [tensor], [shape[at] for at in perm], meaning, perm=perm)

    def _reshape(self, tensor: str, shape: list[int], meaning: str) -> str:
        target = self._model.add_constant(f"{self._node.name}_{meaning}_shape", np.array(shape, dtype=np.int64))
        return self._insert("Reshape", [tensor, target], shape, meaning)

    def _insert(self, kind: str, inputs: list[str], shape: list[int], meaning: str, **attributes: Any) -> str:
        name = self._model.fresh_name(f"{self._node.name}_{meaning}")
        self._model.set_shape(name, shape)
        self._model.insert_before(self._node, make_node(kind, inputs, [name], name=name, **attributes))
        return name
