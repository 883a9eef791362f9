"""Moving Transposes of data to where they cost nothing: to the graph's ends, or until they cancel.

Models of channels-last tools (Keras, FINN after its own transformations) transpose images between layers. Here, every
tensor after a Transpose is represented as a permutation of the axes of another tensor, and nodes that do not depend on
the order of axes work on that one instead, with permuted constants. Only where a node needs the order of the file is a
Transpose inserted again: mostly in front of a flattening or at the output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.forms.multithreshold import channel_axis, set_channel_axis
from bnnfpga.frontend.forms.norms import is_norm, write_arithmetic
from bnnfpga.frontend.graph.model import Model, Node, Origin, make_node
from bnnfpga.frontend.graph.nodes import attribute

Perm = tuple[int, ...]
"""For each axis of a tensor, the corresponding axis of another one."""


def to_channels_first(model: Model) -> None:
    """Move Transposes towards the graph's output, in place, until they cancel or a node needs the order of its axes."""
    if any(traits_of(node).transposes or traits_of(node).counts_thresholds for node in model.nodes):
        _AxisWalk(model).run()


class _AxisWalk:
    """One walk over the nodes in order; `_place` is the current one."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._input = model.input
        self._place: Node | None = None
        # Tensors that depend on the input; those that are permutations of another tensor, with it and the permutation.
        self._data = {self._input}
        self._turned: dict[str, tuple[str, Perm]] = {}
        self._written: dict[str, str] = {}
        # For each of those, the Transpose of the file from which the permutation comes.
        self._turners: dict[str, Origin | None] = {}

    def run(self) -> None:
        nodes = self._model.nodes
        self._place = nodes[0]
        if (perm := self._perm_of_input(nodes)) is not None:
            turned = self._add_transpose(self._input, perm, self._model.fresh_name(f"{self._input}_turned"))
            self._turned[self._input] = (turned, _inverse(perm))
        for self._place in nodes:
            if not self._data.isdisjoint(self._place.input):
                self._data.update(self._place.output)
                self._take(self._place)
        self._place = None
        for name in self._model.outputs:
            self._restore(name, name)

    def _perm_of_input(self, nodes: Sequence[Node]) -> Perm | None:
        """The order in which the input's axes are (images, channels, ...pixels); None if the file has that order."""
        shape = self._model.shape(self._input)
        perms = {self._input: tuple(range(len(shape)))}
        candidates = set()
        for node in nodes:
            known = next((perms[name] for name in node.input if name in perms), None)
            if known is None or len(known) < 3:
                continue
            if traits_of(node).transposes:
                if (perm := _perm_of(node, len(known))) is not None:
                    perms[node.output[0]] = tuple(known[axis] for axis in perm)
            elif traits_of(node).channels_second:
                candidates.add(known)
            elif node.op_type in _TURNS and not traits_of(node).reduces:
                perms[node.output[0]] = known
                axis = self._channels_of(node, len(known))
                if axis is not None and 0 < axis < len(known):
                    candidates.add((known[0], known[axis], *(known[i] for i in range(1, len(known)) if i != axis)))
        perm = next(iter(candidates)) if len(candidates) == 1 else None
        return None if perm is None or perm[0] != 0 or perm == tuple(range(len(perm))) else perm

    def _channels_of(self, node: Node, rank: int) -> int | None:
        """The axis that a node treats as channels, if any."""
        if traits_of(node).counts_thresholds:
            thresholds = self._model.constant(node.input[1])
            return None if thresholds is None or len(thresholds) == 1 else channel_axis(node, rank)
        return int(attribute(node, "axis", 0)) % rank if traits_of(node).concatenates else None

    def _take(self, node: Node) -> None:
        """Adapt a node to the current layout of its inputs."""
        if is_norm(node) and self._turned.get(node.input[0], ("", (0, 1)))[1][1] != 1:
            # Its channels are on another axis of the permuted tensor.
            for new in write_arithmetic(self._model, node):
                self._place = new
                self._data.update(new.output)
                self._take(new)
            return
        for index, name in enumerate(node.input):
            source, turn = self._turned.get(name, (name, ()))
            if turn == tuple(range(len(turn))) and source != name:
                self._model.set_input(node, index, source)
        rank = len(self._model.shape(node.input[0]))
        if traits_of(node).transposes and (perm := _perm_of(node, rank)) is not None:
            source, known = self._turned.get(node.input[0], (node.input[0], tuple(range(rank))))
            self._turn(node.output[0], source, tuple(known[axis] for axis in perm))
            self._turners[node.output[0]] = node.origin
            self._model.remove(node)
            return
        if any(name in self._turned for name in node.input) and not self._follow(node):
            for index, name in enumerate(node.input):
                if name in self._turned:
                    result = self._model.fresh_name(f"{name}_as_given") if name == self._input else name
                    self._model.set_input(node, index, self._restore(name, result))

    def _turn(self, name: str, source: str, perm: Perm) -> None:
        """Record that a tensor is a permutation of another one."""
        self._turned[name] = (source, perm)
        self._model.turned.setdefault(source, (name, perm))

    def _follow(self, node: Node) -> bool:
        """Let a node work on the tensors of which its inputs are permutations; False if it cannot."""
        turn = _TURNS.get(node.op_type)
        perms = {self._turned[name][1] if name in self._turned else None for name in self._data & {*node.input}}
        if turn is None or len(perms) != 1:
            return False
        perm = next(iter(perms))
        assert perm is not None
        known = all(map(self._model.has_shape, filter(None, node.output)))
        outputs_perm = turn(self._model, node, perm) if known else None
        if outputs_perm is None:
            return False
        turner = next((self._turners[name] for name in node.input if name in self._turners), None)
        for index, name in enumerate(node.input):
            if name in self._turned:
                self._model.set_input(node, index, self._turned[name][0])
        for index, name in enumerate(node.output):
            if not name:
                continue
            shape = self._model.shape(name)
            # A tensor that differs from the file's gets a new name.
            result = self._model.fresh_name(f"{name}_turned")
            self._model.set_output(node, result, index)
            self._turn(name, result, outputs_perm)
            self._turners[name] = turner
            self._data.add(result)
            self._model.set_shape(result, [shape[axis] for axis in _inverse(outputs_perm)])
        return True

    def _restore(self, name: str, result: str) -> str:
        """The tensor in the file's layout, by a Transpose that is inserted once."""
        if name in self._turned and name not in self._written:
            source, perm = self._turned[name]
            self._written[name] = self._add_transpose(source, perm, result, self._turners.get(name))
        return self._written.get(name, name)

    def _add_transpose(self, source: str, perm: Perm, result: str, origin: Origin | None = None) -> str:
        shape = self._model.shape(source)
        name = self._model.fresh_name(f"{result}_transpose")
        reader = self._place or self._model.producer(source)
        origin = origin or (None if reader is None else reader.origin)
        new = make_node("Transpose", [source], [result], name=name, origin=origin, perm=list(perm))
        self._model.insert_before(self._place, new)
        self._data.add(result)
        self._model.set_shape(result, [shape[axis] for axis in perm])
        return result


def _perm_of(node: Node, rank: int) -> Perm | None:
    """The permutation of a Transpose; None if it moves the batch axis or is not a permutation."""
    perm = tuple(attribute(node, "perm", None) or range(rank)[::-1])
    return perm if sorted(perm) == list(range(rank)) and perm[:1] == (0,) else None


def _inverse(perm: Perm) -> Perm:
    return tuple(int(axis) for axis in np.argsort(perm))


# -- adapting a node to the tensor that its own permutes; returns the permutation of its outputs, None if impossible --


def _any_order(model: Model, node: Node, perm: Perm) -> Perm | None:
    constants = {}
    for index, name in enumerate(node.input):
        value = model.constant(name) if name else None
        if value is not None and value.size > 1:
            constants[index] = value
    if any(value.ndim > len(perm) for value in constants.values()):
        return None
    for index, value in constants.items():
        whole = value.reshape(*[1] * (len(perm) - value.ndim), *value.shape)
        turned = np.ascontiguousarray(whole.transpose(_inverse(perm)))
        model.set_input(node, index, model.add_constant(f"{node.input[index]}_turned", turned))
    return perm


def _multi_threshold(model: Model, node: Node, perm: Perm) -> Perm | None:
    axis = channel_axis(node, len(perm))
    if axis < len(perm):
        set_channel_axis(model, node, perm[axis], len(perm))
    return perm


def _concat(model: Model, node: Node, perm: Perm) -> Perm | None:
    return _one_axis(model, node, perm, node.input)


def _gather(model: Model, node: Node, perm: Perm) -> Perm | None:
    index = model.constant(node.input[1])
    return None if index is None or index.ndim != 1 else _one_axis(model, node, perm, node.input[:1])


def _one_axis(model: Model, node: Node, perm: Perm, operands: Sequence[str]) -> Perm | None:
    axis = attribute(node, "axis", 0)
    if not -len(perm) <= axis < len(perm) or any(model.constant(name) is not None for name in operands):
        return None
    model.set_attributes(node, axis=perm[axis])
    return perm


def _reduction(model: Model, node: Node, perm: Perm) -> Perm | None:
    axes = model.constant(node.input[1])
    if axes is None or not np.size(axes):
        return None
    reduced = {int(axis) % len(perm) for axis in np.ravel(axes)}
    turned = sorted(perm[axis] for axis in reduced)
    model.set_input(node, 1, model.add_constant(f"{node.name}_axes", np.array(turned, dtype=np.int64)))
    if attribute(node, "keepdims", 1):
        return perm
    kept = [perm[axis] for axis in range(len(perm)) if axis not in reduced]
    return tuple(sorted(kept).index(axis) for axis in kept)


def _pad(model: Model, node: Node, perm: Perm) -> Perm | None:
    pads = model.constant(node.input[1]) if len(node.input) > 1 else None
    if pads is None or pads.size != 2 * len(perm) or len(node.input) > 3:
        return None
    turned = pads.reshape(2, -1)[:, _inverse(perm)]
    model.set_input(node, 1, model.add_constant(f"{node.name}_pads", np.ascontiguousarray(turned.reshape(-1))))
    return perm


def _resize(model: Model, node: Node, perm: Perm) -> Perm | None:
    operands = {index: model.constant(name) for index, name in enumerate(node.input) if index and name}
    if attribute(node, "axes", None) or any(value is None or value.size != len(perm) for value in operands.values()):
        return None
    for index, value in operands.items():
        assert value is not None
        turned = np.ascontiguousarray(value.reshape(-1)[list(_inverse(perm))])
        model.set_input(node, index, model.add_constant(f"{node.name}_sizes", turned))
    return perm


_TURNS: dict[str, Callable[[Model, Node, Perm], Perm | None]] = {
    **dict.fromkeys(kinds_that(lambda traits: traits.elementwise and not traits.by_channel), _any_order),
    **dict.fromkeys(kinds_that(lambda traits: traits.counts_thresholds), _multi_threshold),
    **dict.fromkeys(kinds_that(lambda traits: traits.reduces), _reduction),
    "Identity": _any_order,
    "Concat": _concat,
    "Gather": _gather,
    "Pad": _pad,
    "Resize": _resize,
}
