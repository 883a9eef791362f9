"""Transposes of activations, which need no hardware: the next layer's weights absorb them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.forms.quantizers import quantizer_of
from bnnfpga.frontend.forms.rearranging import rearrange
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import (
    attribute,
    comes_from_constants,
    data_operands,
)
from bnnfpga.frontend.graph.transform import Transform
from bnnfpga.golden.steps import elementwise_steps


class TransposeIntoWeights(Transform):
    """Replace a Transpose of activations with a Reshape, and permute the constants up to the next layer's weights."""

    kinds = kinds_that(lambda traits: traits.transposes)

    def visit(self, model: Model, node: Node) -> bool:
        if comes_from_constants(model, node.input[0]):
            return False
        path = _path_to_layer(model, node)
        if path is None:
            return False
        shape = model.shape(node.input[0])
        # The index in the untransposed frame of each element of the transposed one, and the inverse.
        order = rearrange(model, node, np.arange(math.prod(shape)).reshape(shape)).ravel()
        back = np.argsort(order)
        *between, layer = path
        for item in between:
            _reorder_constants(model, item, back)
        for item in (node, *between):
            _rename(model, item)
        weights = model.constant(layer.input[1])
        assert weights is not None
        reordered = model.add_constant(f"{layer.name}_weights", np.ascontiguousarray(weights[back]))
        model.set_input(layer, 1, reordered)
        target = np.array(model.shape(node.output[0]), dtype=np.int64)
        model.become(node, "Reshape", attributes={})
        model.set_inputs(node, [node.input[0], model.add_constant(f"{node.name}_shape", target)])
        return True


def _rename(model: Model, node: Node) -> None:
    """Rename a node's output, whose elements are no longer in the file's order."""
    name = model.fresh_name(f"{node.output[0]}_reordered")
    model.set_shape(name, model.shape(node.output[0]))
    model.replace_input(node.output[0], name)
    model.set_output(node, name)


def _path_to_layer(model: Model, transpose: Node) -> list[Node] | None:
    """The nodes after a Transpose up to a MatMul of whole frames, if none of those between depends on the order."""
    if attribute(transpose, "perm", [1])[0] != 0:
        return None
    path: list[Node] = []
    tensor = transpose.output[0]
    while (node := model.only_reader(tensor)) is not None:
        path.append(node)
        if traits_of(node).dot_product:
            weights = model.constant(node.input[1])
            whole = weights is not None and weights.ndim == 2 and model.shape(tensor) == [1, len(weights)]
            return path if whole and node.input[0] == tensor else None
        if not traits_of(node).regroups and not _can_be_reordered(model, node):
            return None
        tensor = node.output[0]
    return None


def _can_be_reordered(model: Model, node: Node) -> bool:
    traits = traits_of(node)
    if not traits.elementwise or len(data_operands(model, node)) != 1:
        return False
    if traits.quantizes and quantizer_of(model, node).scale.size != 1:
        return False
    return _takes_arrays(node) or all(step.channels == 1 for step in elementwise_steps(model, node))


def _takes_arrays(node: Node) -> bool:
    """Whether a node may have constants with a number per element."""
    return traits_of(node).broadcasts and not traits_of(node).quantizes


def _reorder_constants(model: Model, node: Node, order: NDArray[np.int64]) -> None:
    shape = model.shape(node.output[0])
    if not _takes_arrays(node):
        return
    for index, name in enumerate(node.input):
        value = model.constant(name)
        if value is not None and value.size > 1:
            whole = np.broadcast_to(value, shape).ravel()[order].reshape(shape)
            constant = model.add_constant(f"{node.name}_constant", np.ascontiguousarray(whole))
            model.set_input(node, index, constant)
