"""Transposes of data, moved to where they cost nothing: to the graph's ends, or away.

Models of tools that have the channels last (Keras, FINN behind its own transformations) turn images around between
their layers. Here every tensor behind a Transpose is known as a permutation of the axes of another tensor, and nodes
that do the same in any order of the axes work on that one instead, their constants turned. Only where a node needs the
order that the file has, a Transpose is written again: mostly in front of a flattening or at the output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.base import Transformation

from bnnfpga.frontend.multithreshold import channel_axis, set_channel_axis
from bnnfpga.frontend.nodes import ELEMENTWISE, POOLS, add_constant, attribute, constant, fresh_name

Perm = tuple[int, ...]
"""Of each axis of a tensor, the axis of another one that it is."""

_ANY_ORDER = (*(kind for kind in ELEMENTWISE if kind not in ("BatchNormalization", "MultiThreshold")), "Identity")
"""Nodes that do the same with all elements but for constants that are broadcast."""
_CHANNELS_FIRST = ("BatchNormalization", "Conv", "GlobalAveragePool", "GlobalMaxPool", "Resize", "Upsample", *POOLS)
"""Nodes whose second axis are channels."""


class ChannelsFirst(Transformation):  # type: ignore[misc]
    """Transposes move towards the graph's output until they cancel, or a node needs the order of its axes."""

    def apply(self, model: ModelWrapper) -> tuple[ModelWrapper, bool]:
        if any(node.op_type in ("Transpose", "MultiThreshold") for node in model.graph.node):
            _Walk(model).run()
        return model, False


class _Walk:
    """One pass over the nodes in their order; those that stay are collected in `_nodes`."""

    def __init__(self, model: ModelWrapper) -> None:
        self._model = model
        self._input = model.graph.input[0].name
        self._nodes: list[onnx.NodeProto] = []
        # Tensors that depend on the input; and those that are permutations of another tensor: that one, and which.
        self._data = {self._input}
        self._turned: dict[str, tuple[str, Perm]] = {}
        self._written: dict[str, str] = {}

    def run(self) -> None:
        nodes = list(self._model.graph.node)
        if (perm := self._perm_of_input(nodes)) is not None:
            turned = self._add_transpose(self._input, perm, fresh_name(self._model, f"{self._input}_turned"))
            self._turned[self._input] = (turned, _inverse(perm))
        for node in nodes:
            if self._data.isdisjoint(node.input):
                self._nodes.append(node)
                continue
            self._data.update(node.output)
            self._take(node)
        for value in self._model.graph.output:
            self._restore(value.name, value.name)
        del self._model.graph.node[:]
        self._model.graph.node.extend(self._nodes)

    def _perm_of_input(self, nodes: Sequence[onnx.NodeProto]) -> Perm | None:
        """The order in which the input's axes are (images, channels, ...pixels); None where that is the file's."""
        shape = self._model.get_tensor_shape(self._input)
        perms = {self._input: tuple(range(len(shape)))}
        wanted = set()
        for node in nodes:
            known = next((perms[name] for name in node.input if name in perms), None)
            if known is None or len(known) < 3:
                continue
            if node.op_type == "Transpose":
                if (perm := _perm_of(node, len(known))) is not None:
                    perms[node.output[0]] = tuple(known[axis] for axis in perm)
            elif node.op_type in _CHANNELS_FIRST:
                wanted.add(known)
            elif node.op_type in (*_ANY_ORDER, "MultiThreshold", "Concat", "Pad"):
                perms[node.output[0]] = known
                axis = self._channels_of(node, len(known))
                if axis is not None and 0 < axis < len(known):
                    wanted.add((known[0], known[axis], *(known[i] for i in range(1, len(known)) if i != axis)))
        perm = next(iter(wanted)) if len(wanted) == 1 else None
        return None if perm is None or perm[0] != 0 or perm == tuple(range(len(perm))) else perm

    def _channels_of(self, node: onnx.NodeProto, rank: int) -> int | None:
        """The axis that a node would have for channels, where it has one."""
        if node.op_type == "MultiThreshold":
            thresholds = constant(self._model, node.input[1])
            return None if thresholds is None or len(thresholds) == 1 else channel_axis(node, rank)
        return int(attribute(node, "axis", 0)) % rank if node.op_type == "Concat" else None

    def _take(self, node: onnx.NodeProto) -> None:
        """Let a node work on tensors as they are now."""
        for index, name in enumerate(node.input):
            source, perm = self._turned.get(name, (name, ()))
            if perm == tuple(range(len(perm))):
                node.input[index] = source
        rank = len(self._model.get_tensor_shape(node.input[0]) or [])
        if node.op_type == "Transpose" and (perm := _perm_of(node, rank)) is not None:
            source, known = self._turned.get(node.input[0], (node.input[0], tuple(range(rank))))
            self._turned[node.output[0]] = (source, tuple(known[axis] for axis in perm))
            return
        if any(name in self._turned for name in node.input) and not self._follow(node):
            for index, name in enumerate(node.input):
                if name in self._turned:
                    result = fresh_name(self._model, f"{name}_as_given") if name == self._input else name
                    node.input[index] = self._restore(name, result)
        self._nodes.append(node)

    def _follow(self, node: onnx.NodeProto) -> bool:
        """Let a node work on the tensors of which its own are permutations; False where it cannot."""
        turn = _TURNS.get(node.op_type)
        perms = {self._turned[name][1] if name in self._turned else None for name in self._data & {*node.input}}
        if turn is None or len(perms) != 1:
            return False
        perm = next(iter(perms))
        assert perm is not None
        shapes = [self._model.get_tensor_shape(name) for name in node.output if name]
        made = None if None in shapes else turn(self._model, node, perm)
        if made is None:
            return False
        for index, name in enumerate(node.input):
            if name in self._turned:
                node.input[index] = self._turned[name][0]
        for index, name in enumerate(node.output):
            if not name:
                continue
            shape = self._model.get_tensor_shape(name)
            # A tensor that is something else now than in the file has another name.
            node.output[index] = fresh_name(self._model, f"{name}_turned")
            self._turned[name] = (node.output[index], made)
            self._model.set_tensor_shape(node.output[index], [shape[axis] for axis in _inverse(made)])
        return True

    def _restore(self, name: str, result: str) -> str:
        """Write the Transpose that gives a tensor as the file has it, where that is not done yet."""
        if name in self._turned and name not in self._written:
            source, perm = self._turned[name]
            self._written[name] = self._add_transpose(source, perm, result)
        return self._written.get(name, name)

    def _add_transpose(self, source: str, perm: Perm, result: str) -> str:
        shape = self._model.get_tensor_shape(source)
        name = fresh_name(self._model, f"{result}_transpose")
        self._nodes.append(onnx.helper.make_node("Transpose", [source], [result], name=name, perm=list(perm)))
        self._data.add(result)
        self._model.set_tensor_shape(result, [shape[axis] for axis in perm])
        return result


def _perm_of(node: onnx.NodeProto, rank: int) -> Perm | None:
    """The order of a Transpose's axes; None where it moves the axis of images, or is no order at all."""
    perm = tuple(attribute(node, "perm", None) or range(rank)[::-1])
    return perm if sorted(perm) == list(range(rank)) and perm[:1] == (0,) else None


def _inverse(perm: Perm) -> Perm:
    return tuple(int(axis) for axis in np.argsort(perm))


# -- what a node is on a tensor of which its own is a permutation: gives that of its outputs, None where it cannot ----


def _any_order(model: ModelWrapper, node: onnx.NodeProto, perm: Perm) -> Perm | None:
    constants = {}
    for index, name in enumerate(node.input):
        value = constant(model, name) if name else None
        if value is not None and value.size > 1:
            constants[index] = value
    if any(value.ndim > len(perm) for value in constants.values()):
        return None
    for index, value in constants.items():
        whole = value.reshape(*[1] * (len(perm) - value.ndim), *value.shape)
        turned = np.ascontiguousarray(whole.transpose(_inverse(perm)))
        node.input[index] = add_constant(model, f"{node.input[index]}_turned", turned)
    return perm


def _multi_threshold(model: ModelWrapper, node: onnx.NodeProto, perm: Perm) -> Perm | None:
    axis = channel_axis(node, len(perm))
    if axis < len(perm):
        set_channel_axis(node, perm[axis], len(perm))
    return perm


def _one_axis(model: ModelWrapper, node: onnx.NodeProto, perm: Perm) -> Perm | None:
    axis = attribute(node, "axis", 0)
    index = constant(model, node.input[1]) if node.op_type == "Gather" else None
    operands = node.input if node.op_type == "Concat" else node.input[:1]
    if not -len(perm) <= axis < len(perm) or any(constant(model, name) is not None for name in operands):
        return None
    if node.op_type == "Gather" and (index is None or index.ndim != 1):
        return None
    if axis % len(perm) == 1 and perm[axis] != 1:
        return None  # channels are to stay channels
    _replace(node, axis=perm[axis])
    return perm


def _mean(model: ModelWrapper, node: onnx.NodeProto, perm: Perm) -> Perm | None:
    axes = constant(model, node.input[1]) if len(node.input) > 1 and node.input[1] else attribute(node, "axes", None)
    if axes is None or not np.size(axes) or any(not -len(perm) <= axis < len(perm) for axis in np.ravel(axes)):
        return None
    reduced = {int(axis) % len(perm) for axis in np.ravel(axes)}
    turned = sorted(perm[axis] for axis in reduced)
    if len(node.input) > 1:
        node.input[1] = add_constant(model, f"{node.name}_axes", np.array(turned, dtype=np.int64))
    else:
        _replace(node, axes=turned)
    if attribute(node, "keepdims", 1):
        return perm
    kept = [perm[axis] for axis in range(len(perm)) if axis not in reduced]
    return tuple(sorted(kept).index(axis) for axis in kept)


def _pad(model: ModelWrapper, node: onnx.NodeProto, perm: Perm) -> Perm | None:
    pads = constant(model, node.input[1]) if len(node.input) > 1 else None
    if pads is None or pads.size != 2 * len(perm) or len(node.input) > 3:
        return None
    turned = pads.reshape(2, -1)[:, _inverse(perm)]
    node.input[1] = add_constant(model, f"{node.name}_pads", np.ascontiguousarray(turned.reshape(-1)))
    return perm


def _replace(node: onnx.NodeProto, **values: object) -> None:
    kept = [item for item in node.attribute if item.name not in values]
    del node.attribute[:]
    node.attribute.extend(kept)
    node.attribute.extend(onnx.helper.make_attribute(name, value) for name, value in values.items())


_TURNS: dict[str, Callable[[ModelWrapper, onnx.NodeProto, Perm], Perm | None]] = {
    **dict.fromkeys(_ANY_ORDER, _any_order),
    "MultiThreshold": _multi_threshold,
    "Concat": _one_axis,
    "Split": _one_axis,
    "Gather": _one_axis,
    "ReduceMean": _mean,
    "Pad": _pad,
}
