"""Keeping the batch axis first: some tools reshape so that dense layers treat tokens as a batch."""

from __future__ import annotations

import numpy as np

from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.forms.multithreshold import channel_axis, set_channel_axis
from bnnfpga.frontend.forms.norms import is_norm, write_arithmetic
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import attribute, comes_from_constants, data_operands


def keep_batch_axis(model: Model) -> None:
    """Restore the batch axis of tensors (tokens, features) that a Reshape makes from (1, tokens, features), in place.

    This is done where all nodes up to the next Reshape can work with an additional axis; the order of elements stays.
    """
    for node in model.nodes:
        if node in model and _begins(model, node):
            region = _region(model, node)
            if region is not None:
                _lift(model, node, region)


def _begins(model: Model, node: Node) -> bool:
    if not traits_of(node).regroups or comes_from_constants(model, node.input[0]):
        return False
    before, after = model.shape(node.input[0]), model.shape(node.output[0])
    return before[:1] == [1] and len(after) > 1 and after[0] != 1


def _region(model: Model, first: Node) -> list[Node] | None:
    """The nodes from `first` up to those that restore the batch axis, in order; None if one cannot work with it."""
    visited = {first}
    waiting = [first]
    while waiting:
        node = waiting.pop()
        if not _takes_one_axis_more(model, node) or node.output[0] in model.outputs:
            return None
        for reader in model.consumers(node.output[0]):
            if reader in visited or _ends(model, reader):
                continue
            visited.add(reader)
            waiting.append(reader)
    region = [node for node in model.nodes if node in visited]
    results = {node.output[0] for node in region}
    inside = all(
        {*data_operands(model, node)} <= results or node is first for node in region if not traits_of(node).dot_product
    )
    return region if inside else None


def _ends(model: Model, node: Node) -> bool:
    """Whether the output of a regrouping has the batch axis first again."""
    return traits_of(node).regroups and model.shape(node.output[0])[:1] == [1]


def _takes_one_axis_more(model: Model, node: Node) -> bool:
    if not model.shape(node.output[0]):
        return False
    traits = traits_of(node)
    if traits.dot_product:
        return not traits.slides and any(comes_from_constants(model, name) for name in node.input)
    return traits.elementwise or traits.layout


def _lift(model: Model, first: Node, region: list[Node]) -> None:
    ends = [reader for node in region for reader in model.consumers(node.output[0]) if reader not in region]
    for node in region:
        shape = model.shape(node.output[0])
        traits = traits_of(node)
        if traits.regroups:
            _reshape(model, node, [1, *shape])
        elif traits.transposes:
            perm = attribute(node, "perm", None) or list(range(len(shape)))[::-1]
            model.set_attributes(node, perm=[0, *(axis + 1 for axis in perm)])
        elif traits.counts_thresholds:
            set_channel_axis(model, node, channel_axis(node, len(shape)) + 1, len(shape) + 1)
        elif is_norm(node):
            for new in write_arithmetic(model, node):
                model.set_shape(new.output[0], [1, *shape])
            continue
        model.set_shape(node.output[0], [1, *shape])
    for node in dict.fromkeys(ends):
        _reshape(model, node, model.shape(node.output[0]))


def _reshape(model: Model, node: Node, shape: list[int]) -> None:
    target = model.add_constant(f"{node.name}_shape", np.array(shape, dtype=np.int64))
    model.become(node, "Reshape", attributes={})
    model.set_inputs(node, [node.input[0], target])
