"""The model as a graph with one index: who makes a tensor, who reads it, which are constants, what shapes they have.

Every transform edits the graph through `Model`, which keeps the index, so that each question costs the same in a net of
five layers and of five hundred. Facts that follow from the graph (integer types, say) are remembered by tensor and
forgotten where an edit touches what they follow from.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper


class Origin(NamedTuple):
    """A node of the file: its name, its operator as the file calls it, and of a function's node, which function's."""

    name: str
    op_type: str
    place: str = ""


class Node:
    """One operation: what it is called, the tensors that it reads and makes, and its attributes by name.

    Nodes are compared by identity. `Model` edits them; strings among the attributes are `str`, tensors are arrays.
    `origin` is the node of the file that it stands for, or for a part of: what messages name.
    """

    __slots__ = ("_input", "_next", "_output", "_previous", "attributes", "domain", "name", "op_type", "origin")

    def __init__(
        self,
        op_type: str,
        input: Iterable[str],
        output: Iterable[str],
        name: str,
        domain: str = "",
        attributes: Mapping[str, Any] | None = None,
        origin: Origin | None = None,
    ) -> None:
        self.op_type, self.domain, self.name, self.origin = op_type, domain, name, origin
        self.attributes: dict[str, Any] = dict(attributes or {})
        self._input, self._output = tuple(input), tuple(output)
        self._previous: Node | None = None
        self._next: Node | None = None

    @property
    def input(self) -> tuple[str, ...]:
        """Names of the tensors it reads; one that is left out is empty."""
        return self._input

    @property
    def output(self) -> tuple[str, ...]:
        """Names of the tensors it makes."""
        return self._output

    def __repr__(self) -> str:
        return f"{', '.join(self._output)} = {self.op_type}({', '.join(self._input)})"


class Model:
    """A graph of nodes with one input.

    Parameters
    ----------
    input
        Name of the input.
    outputs
        Names of the outputs.
    opset
        Version of the standard operators.

    `end` is what the host makes of the outputs, where something is cut off behind them. `turned` has tensors that are
    one of the file's with its axes in another order: that one, and of each of its axes the axis here.
    """

    def __init__(self, input: str, outputs: Iterable[str], opset: int) -> None:
        self.opset = opset
        self.metadata: dict[str, str] = {}
        self.end: End | None = None
        self.turned: dict[str, tuple[str, tuple[int, ...]]] = {}
        self._input_name = input
        self._output_names = tuple(outputs)
        self._ends = Node("", (), (), "")
        self._ends._previous = self._ends._next = self._ends
        self._size = 0
        self._producers: dict[str, Node] = {}
        self._consumers: dict[str, dict[Node, None]] = {}
        self._constants: dict[str, NDArray[Any]] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._types: dict[str, int] = {}
        self._names: set[str] = {input, *self._output_names}
        self._numbers: dict[str, int] = {}
        self._node_names: set[str] = set()
        self._facts: dict[str, dict[str, tuple[Any, bool]]] = {}
        self._touched: dict[Node, None] = {}
        self._origin: Origin | None = None

    # -- questions -----------------------------------------------------------------------------------------------------

    @property
    def input(self) -> str:
        """Name of the input."""
        return self._input_name

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return self._output_names

    @property
    def nodes(self) -> list[Node]:
        """All nodes in their order; a list of its own, which edits leave as it is."""
        return list(self._walk())

    def __len__(self) -> int:
        return self._size

    def __contains__(self, node: Node) -> bool:
        return node._next is not None

    def producer(self, tensor: str) -> Node | None:
        """The node that makes a tensor; None for constants and the input."""
        return self._producers.get(tensor)

    def consumers(self, tensor: str) -> list[Node]:
        """The nodes that read a tensor, each once."""
        return list(self._consumers.get(tensor, ()))

    def only_reader(self, tensor: str) -> Node | None:
        """The node that reads a tensor which nothing else reads, and which is no output; None where there is none."""
        readers = self.consumers(tensor)
        return readers[0] if len(readers) == 1 and tensor not in self._output_names else None

    def is_read(self, tensor: str) -> bool:
        """Whether a node reads a tensor, or it is an output."""
        return bool(self._consumers.get(tensor)) or tensor in self._output_names

    def constant(self, tensor: str) -> NDArray[Any] | None:
        """The value of a constant, None for others."""
        return self._constants.get(tensor)

    @property
    def constants(self) -> dict[str, NDArray[Any]]:
        """All constants that a node reads, by name."""
        return {name: value for name, value in self._constants.items() if self.is_read(name)}

    def shape(self, tensor: str) -> list[int]:
        """The shape of a tensor whose shape is known, batch included; an empty list where it is not (or a number)."""
        value = self._constants.get(tensor)
        return list(self._shapes.get(tensor, ()) if value is None else value.shape)

    def has_shape(self, tensor: str) -> bool:
        """Whether a tensor's shape is known."""
        return tensor in self._constants or tensor in self._shapes

    def element_type(self, tensor: str) -> int:
        """ONNX's number of a tensor's element type, 0 where it is not known."""
        value = self._constants.get(tensor)
        if value is not None:
            return int(helper.np_dtype_to_tensor_dtype(value.dtype))
        return self._types.get(tensor, TensorProto.UNDEFINED)

    # -- edits ---------------------------------------------------------------------------------------------------------

    def stand_for(self, node: Node | None) -> None:
        """From now on, nodes that come into the graph without an origin have that of `node`."""
        self._origin = None if node is None else node.origin

    def insert_before(self, place: Node | None, *nodes: Node) -> None:
        """Put nodes in front of `place`, in their order; None is the end."""
        anchor = self._ends if place is None else place
        for node in nodes:
            before = anchor._previous
            assert before is not None
            assert node._next is None, node
            before._next, anchor._previous = node, node
            node._previous, node._next = before, anchor
            node.origin = node.origin or self._origin
            self._size += 1
            self._name_node(node)
            self._enter(node)

    def insert_after(self, place: Node, *nodes: Node) -> None:
        """Put nodes behind `place`, in their order."""
        behind = place._next
        self.insert_before(None if behind is self._ends else behind, *nodes)

    def append(self, *nodes: Node) -> None:
        """Put nodes at the end."""
        self.insert_before(None, *nodes)

    def remove(self, *nodes: Node) -> None:
        """Take nodes out of the graph."""
        for node in nodes:
            before, behind = node._previous, node._next
            assert before is not None
            assert behind is not None
            before._next, behind._previous = behind, before
            node._previous = node._next = None
            self._size -= 1
            self._node_names.discard(node.name)
            self._leave(node)

    def replace(self, node: Node, *others: Node) -> None:
        """Put nodes in the place of one, which goes away."""
        behind = node._next
        self.remove(node)
        self.insert_before(None if behind is self._ends else behind, *others)

    def move_before(self, place: Node | None, node: Node) -> None:
        """Put a node of the graph at another place."""
        self.remove(node)
        self.insert_before(place, node)

    def set_input(self, node: Node, index: int, tensor: str) -> None:
        """Let a node read another tensor."""
        self.set_inputs(node, (*node.input[:index], tensor, *node.input[index + 1 :]))

    def set_inputs(self, node: Node, tensors: Iterable[str]) -> None:
        """Let a node read these tensors."""
        self._leave(node)
        node._input = tuple(tensors)
        self._enter(node)

    def set_output(self, node: Node, tensor: str, index: int = 0) -> None:
        """Let a node make another tensor."""
        self._leave(node)
        node._output = (*node.output[:index], tensor, *node.output[index + 1 :])
        self._enter(node)

    def replace_input(self, old: str, new: str) -> None:
        """Let all readers of `old` read `new`."""
        for node in self.consumers(old):
            self.set_inputs(node, tuple(new if name == old else name for name in node.input))

    def become(self, node: Node, op_type: str, domain: str = "", attributes: Mapping[str, Any] | None = None) -> None:
        """Make another operation of a node; without `attributes` it keeps its own."""
        node.op_type, node.domain = op_type, domain
        if attributes is not None:
            node.attributes = dict(attributes)
        self._touch(node)

    def set_attributes(self, node: Node, **values: Any) -> None:
        """Set attributes of a node; None removes one."""
        for name, value in values.items():
            if value is None:
                node.attributes.pop(name, None)
            else:
                node.attributes[name] = value
        self._touch(node)

    def set_constant(self, tensor: str, value: NDArray[Any] | np.generic) -> None:
        """Make a tensor a constant, or give it another value."""
        self._constants[tensor] = np.asarray(value)
        self._names.add(tensor)
        self._forget(tensor)
        for node in self._consumers.get(tensor, ()):
            self._touch(node)

    def set_shape(self, tensor: str, shape: Iterable[int]) -> None:
        """Say what shape a tensor has, batch included."""
        self._shapes[tensor] = tuple(int(extent) for extent in shape)
        self._names.add(tensor)

    def set_element_type(self, tensor: str, kind: int) -> None:
        """Say of what ONNX type a tensor's elements are."""
        self._types[tensor] = kind

    def set_metadata(self, key: str, value: str) -> None:
        """Note something of the model; what follows from notes about its input is forgotten."""
        self.metadata[key] = value
        self._forget(self._input_name)

    def set_boundary(self, *, input: str | None = None, outputs: Iterable[str] | None = None) -> None:
        """Make other tensors the input or the outputs."""
        if input is not None:
            self._input_name = input
            self._forget(input)
        if outputs is not None:
            self._output_names = tuple(outputs)

    def remove_unread(self, *nodes: Node) -> None:
        """Remove the nodes of these whose results nobody reads, and those above them that nobody reads then."""
        ahead = list(nodes)
        while ahead:
            node = ahead.pop()
            if node in self and not any(map(self.is_read, node.output)):
                above = [self.producer(name) for name in node.input]
                self.remove(node)
                ahead += [item for item in above if item is not None]

    def sort(self) -> None:
        """Put nodes behind those that make what they read; of several that may come next, the first so far.

        Source: Kahn, "Topological sorting of large networks" (1962).
        """
        order = {node: index for index, node in enumerate(self._walk())}
        missing = {
            node: len({name for name in node.input if name in self._producers and name not in self._constants})
            for node in order
        }
        ready = [order[node] for node, count in missing.items() if not count]
        by_place = list(order)
        heapq.heapify(ready)
        sorted_nodes: list[Node] = []
        while ready:
            node = by_place[heapq.heappop(ready)]
            sorted_nodes.append(node)
            for tensor in node.output:
                for reader in self._consumers.get(tensor, ()):
                    missing[reader] -= 1
                    if not missing[reader]:
                        heapq.heappush(ready, order[reader])
        assert len(sorted_nodes) == self._size, "the graph has a circle"
        before = self._ends
        for node in sorted_nodes:
            before._next, node._previous = node, before
            before = node
        before._next, self._ends._previous = self._ends, before

    # -- names ---------------------------------------------------------------------------------------------------------

    def fresh_name(self, stem: str) -> str:
        """A tensor name that the graph never had: `stem`, with a number if need be."""
        name = stem
        while name in self._names:
            number = self._numbers[stem] = self._numbers.get(stem, 0) + 1
            name = f"{stem}_{number}"
        self._names.add(name)
        return name

    def add_constant(self, stem: str, value: Any) -> str:
        """Give the graph a constant, as float32 unless it is an array; its name is `stem`, with a number if need be."""
        name = self.fresh_name(stem)
        self.set_constant(name, value if isinstance(value, np.ndarray) else np.float32(value).reshape(()))
        return name

    # -- what follows from the graph -----------------------------------------------------------------------------------

    def fact(self, kind: str, tensor: str, of: Callable[[str], tuple[Any, bool] | list[str]]) -> Any:
        """A fact of a tensor that follows from its producer and, maybe, from the same fact of what that reads.

        Computed once, without recursion, and forgotten where an edit touches what it follows from.

        Parameters
        ----------
        kind
            What the fact is called.
        of
            From a tensor to the fact and whether it follows from facts of the producer's inputs; or to the tensors
            whose facts must be known first, if any is missing.
        """
        waiting = [tensor]
        while waiting:
            at = waiting[-1]
            if self.knows(kind, at):
                waiting.pop()
                continue
            found = of(at)
            if isinstance(found, list):
                waiting += found
            else:
                self._facts.setdefault(at, {})[kind] = found
                waiting.pop()
        return self.known(kind, tensor)

    def known(self, kind: str, tensor: str) -> Any:
        """A fact of a tensor that is known."""
        return self._facts[tensor][kind][0]

    def knows(self, kind: str, tensor: str) -> bool:
        """Whether a fact of a tensor is known already."""
        return kind in self._facts.get(tensor, ())

    def take_touched(self) -> list[Node]:
        """The nodes that edits have touched since the last call and that are still there."""
        touched = [node for node in self._touched if node in self]
        self._touched.clear()
        return touched

    # -- copies --------------------------------------------------------------------------------------------------------

    def copy(self) -> Model:
        """A graph of its own; constants are shared, since nobody changes them in place."""
        other = Model(self._input_name, self._output_names, self.opset)
        other.metadata, other.end, other.turned = dict(self.metadata), self.end, dict(self.turned)
        other._constants, other._shapes = dict(self._constants), dict(self._shapes)
        other._types, other._names, other._numbers = dict(self._types), set(self._names), dict(self._numbers)
        other.append(*(copy_node(node) for node in self._walk()))
        other._touched.clear()
        return other

    # -- the index -----------------------------------------------------------------------------------------------------

    def _walk(self) -> Iterator[Node]:
        node = self._ends._next
        while node is not None and node is not self._ends:
            yield node
            node = node._next

    def _name_node(self, node: Node) -> None:
        """A node's name is its own: one that another node has gets a number."""
        if node.name in self._node_names:
            number = 1
            while f"{node.name}_{number}" in self._node_names:
                number += 1
            node.name = f"{node.name}_{number}"
        self._node_names.add(node.name)

    def _enter(self, node: Node) -> None:
        for tensor in node.output:
            if tensor:
                self._producers[tensor] = node
                self._names.add(tensor)
                self._forget(tensor)
        for tensor in node.input:
            if tensor:
                self._consumers.setdefault(tensor, {})[node] = None
                self._names.add(tensor)
        self._touch(node)

    def _leave(self, node: Node) -> None:
        for tensor in node.output:
            if self._producers.get(tensor) is node:
                del self._producers[tensor]
                self._forget(tensor)
        for tensor in node.input:
            self._consumers.get(tensor, {}).pop(node, None)
            above = self._producers.get(tensor)
            if above is not None:
                self._touched[above] = None

    def _touch(self, node: Node) -> None:
        """An edit changed a node: what is known of its results is forgotten, and its neighbours may be looked at."""
        self._touched[node] = None
        for tensor in node.input:
            above = self._producers.get(tensor)
            if above is not None:
                self._touched[above] = None
        for tensor in node.output:
            self._forget(tensor)
            self._touched.update(self._consumers.get(tensor, {}))

    def _forget(self, tensor: str) -> None:
        """Forget facts of a tensor, and those that follow from them."""
        self._facts.pop(tensor, None)
        ahead = [tensor]
        while ahead:
            for reader in self._consumers.get(ahead.pop(), ()):
                for made in reader.output:
                    known = self._facts.get(made)
                    follows = [kind for kind, (_, inherited) in known.items() if inherited] if known else []
                    for kind in follows:
                        del self._facts[made][kind]
                    if follows:
                        ahead.append(made)


@dataclass(frozen=True, eq=False)
class End:
    """What the host makes of a graph's outputs.

    Parameters
    ----------
    inputs
        The tensors that are the graph's outputs, in their order, by their names in the file.
    graph
        The nodes behind them, in their order, with their constants and shapes; its outputs are the file's.
    """

    inputs: tuple[str, ...]
    graph: Model


def make_node(
    op_type: str,
    input: Iterable[str],
    output: Iterable[str],
    *,
    name: str,
    domain: str = "",
    origin: Origin | None = None,
    **attributes: Any,
) -> Node:
    """A node that is in no graph yet, with its attributes as keywords."""
    return Node(op_type, input, output, name, domain, attributes, origin)


def copy_node(node: Node) -> Node:
    """The same operation on the same tensors, as a node that is in no graph."""
    return Node(node.op_type, node.input, node.output, node.name, node.domain, node.attributes, node.origin)
