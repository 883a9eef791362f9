"""Cutting off what only the host can compute after a model's last layers; it is kept as a separate graph."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import numpy as np
from onnx import TensorProto

from bnnfpga.base.errors import UserError, shown
from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.ends.own_ends import own_ends
from bnnfpga.frontend.forms.pads import pad_widths
from bnnfpga.frontend.forms.rearranging import moves_images
from bnnfpga.frontend.forms.reductions import REDUCTIONS
from bnnfpga.frontend.forms.resizing import repeats_pixels
from bnnfpga.frontend.graph.model import End, Model, Node, copy_node, make_node
from bnnfpga.frontend.graph.nodes import (
    attribute,
    comes_from_constants,
    data_operands,
    describe,
)
from bnnfpga.frontend.reading.inference import infer

FINAL = kinds_that(lambda traits: traits.left_to_host)
"""Functions of several scores and classes, which no unit computes."""
_OF_THE_HOST = kinds_that(
    lambda traits: (
        (traits.elementwise and not traits.quantizes)
        or (traits.moves or traits.concatenates or traits.pads or traits.casts)
        or (traits.reduces or traits.left_to_host)
    )
)
"""Operators that the host can compute."""


def cut_final(model: Model) -> None:
    """Cut off what only the host can compute after the last layers; `Model.end` keeps it.

    The host may compute anything that no layer or quantizer follows. Operators that units also compute, and elementwise
    float functions, stay in the graph: they are cut off later, when its integers are known. The graph's outputs become
    the tensors before the cut, without duplicates.

    Raises
    ------
    UserError
        If one of those is the model's input.
    """
    _cut(model, _with_all_behind(model, lambda node: _has_no_unit(model, node)))


def cut_joins(model: Model, nodes: Collection[Node]) -> None:
    """Cut a clean graph also in front of some nodes after its last layers, so that the host computes them.

    Raises
    ------
    UserError
        If one of them works on the model's input.
    """
    _cut(model, _with_all_behind(model, nodes.__contains__))
    infer_end(model)


def cut_other_concats(model: Model) -> None:
    """Cut a clean graph in front of concatenations after its last layers along any axis but the channels."""
    joins = [node for node in joins_behind_layers(model) if traits_of(node).concatenates]
    others = [node for node in joins if attribute(node, "axis", 1) % len(model.shape(node.output[0])) != 1]
    if others:
        cut_joins(model, others)


def joins_behind_layers(model: Model) -> list[Node]:
    """The nodes between the last layers and an output that add or concatenate several tensors."""
    leading = _leading(model)
    return [node for node in model.nodes if node in leading and _may_join(node) and len(data_operands(model, node)) > 1]


def _may_join(node: Node) -> bool:
    return traits_of(node).shifts or traits_of(node).concatenates


def _cut(model: Model, cut: list[Node]) -> None:
    results = {name for node in cut for name in node.output if name}
    inputs = tuple(dict.fromkeys(_inputs(model, results)))
    for name in inputs:
        _check_input(model, name, next(node for node in (*cut, None) if node is None or name in node.input))
    before = model.end or End(model.outputs, Model(model.outputs[0], model.outputs, model.opset))
    end = Model(inputs[0], before.graph.outputs, model.opset)
    _move(model, cut, end)
    model.remove(*cut)
    for name, output in zip(before.inputs, model.outputs, strict=True):
        if name != output:
            end.append(make_node("Identity", [output], [name], name=f"{name}_from_{output}"))
    _move(before.graph, before.graph.nodes, end)
    model.set_boundary(outputs=inputs)
    model.end = End(inputs, end)


def _move(model: Model, nodes: Iterable[Node], end: Model) -> None:
    """Append copies of a graph's nodes to another graph, with their constants."""
    for node in nodes:
        for name in filter(None, (*node.input, *node.output)):
            value = model.constant(name)
            if value is not None:
                end.set_constant(name, value)
            elif model.has_shape(name):
                end.set_shape(name, model.shape(name))
                end.set_element_type(name, model.element_type(name))
        end.append(copy_node(node))


def infer_end(model: Model) -> None:
    """Infer the shapes after the cut from those of the clean graph's outputs."""
    assert model.end is not None
    graph = model.end.graph
    for name, output in zip(model.end.inputs, model.outputs, strict=True):
        graph.set_shape(name, model.shape(output))
        graph.set_element_type(name, TensorProto.FLOAT)
    infer(graph)


def _behind_layers(model: Model) -> set[Node]:
    """The nodes that the host can compute along with everything after them."""
    behind: set[Node] = set()
    for node in reversed(model.nodes):
        readers = {reader for name in node.output for reader in model.consumers(name)}
        # A comparison is a quantizer, except where its booleans are the file's output.
        is_last = traits_of(node).compares and not readers
        if not node.domain and (node.op_type in _OF_THE_HOST or is_last) and readers <= behind:
            behind.add(node)
    return behind


def _leading(model: Model) -> set[Node]:
    """The nodes that the host can compute along with everything on some path to an output."""
    leading: set[Node] = set()
    for node in reversed(model.nodes):
        ends = any(name in model.outputs or not leading.isdisjoint(model.consumers(name)) for name in node.output)
        if not node.domain and node.op_type in _OF_THE_HOST and ends:
            leading.add(node)
    return leading


def _with_all_behind(model: Model, is_first: Callable[[Node], bool]) -> list[Node]:
    """The nodes after the last layers that satisfy `is_first`, and all that follow them, in order.

    If layers also read the result of one of them, they get a copy of it and of what leads from it to the outputs.
    """
    leading = _leading(model)
    own_ends(model, leading, [node for node in model.nodes if node in leading and is_first(node)])
    behind = _behind_layers(model)
    cut: list[Node] = []
    results: set[str] = set()
    for node in model.nodes:
        if node in behind and (not results.isdisjoint(node.input) or is_first(node)):
            cut.append(node)
            results.update(node.output)
    return cut


def _inputs(model: Model, results: set[str]) -> list[str]:
    """The tensors that the nodes to be cut read, or that are outputs themselves, in order of first use."""
    inputs: list[str] = []
    waiting = list(model.outputs)
    while waiting:
        name = waiting.pop(0)
        node = model.producer(name)
        if name not in results or node is None:
            inputs.append(name)
        else:
            waiting = [*data_operands(model, node), *waiting]
    return inputs


def _check_input(model: Model, name: str, node: Node | None) -> None:
    where = f"output {shown(name)}" if node is None else describe(node)
    if model.producer(name) is None:
        raise UserError(
            "it works on the model's input itself, so there is nothing to compile",
            where=where,
            hint="give a model with a quantised layer",
        )
    if comes_from_constants(model, name):
        raise UserError(
            f"its operand {shown(name)} is a quantised constant, which a host does not know",
            where=where,
            hint="export the constant as plain float32 numbers",
        )


# -- what no unit computes, although it only moves, sums or joins numbers ----------------------------------------------


def _has_no_unit(model: Model, node: Node) -> bool:
    if node.op_type in FINAL or traits_of(node).compares:
        return True
    if traits_of(node).layout:
        return moves_images(model, node)
    check = _CHECKS.get(node.op_type)
    return check is not None and model.has_shape(node.input[0]) and check(model, node)


def _joins(model: Model, node: Node) -> bool:
    return len(data_operands(model, node)) > 1


def _interpolates(model: Model, node: Node) -> bool:
    return not repeats_pixels(model, node)


def _turns_images(model: Model) -> bool:
    """Whether channels may be last somewhere."""
    return any(traits_of(node).transposes for node in model.nodes)


def _not_of_channels(model: Model, node: Node, axes: Iterable[int]) -> bool:
    """Whether any of the axes is not the channel axis."""
    rank = len(model.shape(node.input[0]))
    channels = (1, rank - 1) if _turns_images(model) else (1,)
    return any(axis % rank not in channels for axis in axes)


def _splits_otherwise(model: Model, node: Node) -> bool:
    """Whether it splits along any axis but the channels."""
    return _not_of_channels(model, node, [attribute(node, "axis", 0)])


def _gathers_otherwise(model: Model, node: Node) -> bool:
    index = model.constant(node.input[1])
    return _splits_otherwise(model, node) or (index is not None and index.ndim != 1)


def _slices_otherwise(model: Model, node: Node) -> bool:
    listed = model.constant(node.input[3]) if len(node.input) > 3 and node.input[3] else None
    starts = model.constant(node.input[1])
    axes = np.ravel(listed if listed is not None else range(0 if starts is None else starts.size)).tolist()
    return _not_of_channels(model, node, axes)


def _pixel_axes(model: Model, tensor: str) -> list[set[int]]:
    """The possible sets of spatial axes."""
    rank = len(model.shape(tensor))
    return [set(range(2, rank)), *([set(range(1, rank - 1))] if _turns_images(model) else [])]


def _reduces_otherwise(model: Model, node: Node) -> bool:
    """Whether it reduces any set of axes but all spatial ones."""
    rank = len(model.shape(node.input[0]))
    axes = model.constant(node.input[1]) if len(node.input) > 1 and node.input[1] else None
    reduced = {int(axis) % rank for axis in np.ravel(range(rank) if axes is None else axes)}
    return not reduced or reduced not in _pixel_axes(model, node.input[0])


def _pads_otherwise(model: Model, node: Node) -> bool:
    """Whether it crops, or pads with anything but a constant, or along other axes than the spatial ones."""
    if attribute(node, "mode", "constant") != "constant":
        return True
    widths = pad_widths(model, node)
    padded = set(np.flatnonzero(widths.any(axis=0)).tolist())
    return (
        bool(np.any(widths < 0))
        or widths.shape[1] < 3
        or not any(padded <= axes for axes in _pixel_axes(model, node.input[0]))
    )


_CHECKS = {
    **dict.fromkeys(("Mul", "Div", "Max", "Min"), _joins),
    **dict.fromkeys(REDUCTIONS, _reduces_otherwise),
    "Gather": _gathers_otherwise,
    "Pad": _pads_otherwise,
    "Resize": _interpolates,
    "Slice": _slices_otherwise,
    "Split": _splits_otherwise,
}
"""The uses of an operator that no unit computes."""
