"""The model as a graph with one index: each tensor's producer and readers, constants, shapes and types.

Every transform edits the graph through `Model`, which maintains the index, so that a query costs the same in a net of
five layers as in one of five hundred. Facts derived from the graph (integer types, say) are cached by tensor and
invalidated where an edit touches what they were derived from.
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
    """A node of the file: its name, its operator in the file's terms and, inside a function, where it stands."""

    name: str
    op_type: str
    place: str = ""


class Node:
    """One operation: its name, the tensors it reads and writes, and its attributes by name.

    Nodes are compared by identity. `Model` edits them; strings among the attributes are `str`, tensors are arrays.
    `origin` is the node of the file that it represents, in whole or in part; messages name that one.
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
        """Names of its input tensors; an omitted optional input is empty."""
        return self._input

    @property
    def output(self) -> tuple[str, ...]:
        """Names of its output tensors."""
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

    `end` is the part cut off after the outputs, which the host computes. `turned` maps a tensor that is a transposed
    tensor of the file to that tensor's name and, for each of its axes, the axis here.
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

    # -- queries -------------------------------------------------------------------------------------------------------

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
        """All nodes in order, as a new list that later edits do not change."""
        return list(self._walk())

    def __len__(self) -> int:
        return self._size

    def __contains__(self, node: Node) -> bool:
        return node._next is not None

    def producer(self, tensor: str) -> Node | None:
        """The node whose output a tensor is; None for constants and the input."""
        return self._producers.get(tensor)

    def consumers(self, tensor: str) -> list[Node]:
        """The nodes that read a tensor, without duplicates."""
        return list(self._consumers.get(tensor, ()))

    def only_reader(self, tensor: str) -> Node | None:
        """The only reader of a tensor; None if it has none or several, or is an output."""
        readers = self.consumers(tensor)
        return readers[0] if len(readers) == 1 and tensor not in self._output_names else None

    def is_read(self, tensor: str) -> bool:
        """Whether a tensor is read by a node or is an output."""
        return bool(self._consumers.get(tensor)) or tensor in self._output_names

    def constant(self, tensor: str) -> NDArray[Any] | None:
        """The value of a constant; None for other tensors."""
        return self._constants.get(tensor)

    @property
    def constants(self) -> dict[str, NDArray[Any]]:
        """All constants that are read, by name."""
        return {name: value for name, value in self._constants.items() if self.is_read(name)}

    def shape(self, tensor: str) -> list[int]:
        """The shape of a tensor, batch included; an empty list for a scalar or if the shape is unknown."""
        value = self._constants.get(tensor)
        return list(self._shapes.get(tensor, ()) if value is None else value.shape)

    def has_shape(self, tensor: str) -> bool:
        """Whether a tensor's shape is known."""
        return tensor in self._constants or tensor in self._shapes

    def element_type(self, tensor: str) -> int:
        """The ONNX code of a tensor's element type; 0 if unknown."""
        value = self._constants.get(tensor)
        if value is not None:
            return int(helper.np_dtype_to_tensor_dtype(value.dtype))
        return self._types.get(tensor, TensorProto.UNDEFINED)

    # -- edits ---------------------------------------------------------------------------------------------------------

    def stand_for(self, node: Node | None) -> None:
        """From now on, give nodes that are inserted without an origin the origin of `node`."""
        self._origin = None if node is None else node.origin

    def insert_before(self, place: Node | None, *nodes: Node) -> None:
        """Insert nodes before `place`, in order; None is the end of the graph."""
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
        """Insert nodes after `place`, in order."""
        behind = place._next
        self.insert_before(None if behind is self._ends else behind, *nodes)

    def append(self, *nodes: Node) -> None:
        """Append nodes to the end of the graph."""
        self.insert_before(None, *nodes)

    def remove(self, *nodes: Node) -> None:
        """Remove nodes from the graph."""
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
        """Replace a node by others."""
        behind = node._next
        self.remove(node)
        self.insert_before(None if behind is self._ends else behind, *others)

    def move_before(self, place: Node | None, node: Node) -> None:
        """Move a node of the graph in front of `place`; None is the end."""
        self.remove(node)
        self.insert_before(place, node)

    def set_input(self, node: Node, index: int, tensor: str) -> None:
        """Connect an input of a node to another tensor."""
        self.set_inputs(node, (*node.input[:index], tensor, *node.input[index + 1 :]))

    def set_inputs(self, node: Node, tensors: Iterable[str]) -> None:
        """Replace all inputs of a node."""
        self._leave(node)
        node._input = tuple(tensors)
        self._enter(node)

    def set_output(self, node: Node, tensor: str, index: int = 0) -> None:
        """Rename an output of a node."""
        self._leave(node)
        node._output = (*node.output[:index], tensor, *node.output[index + 1 :])
        self._enter(node)

    def replace_input(self, old: str, new: str) -> None:
        """Redirect all readers of `old` to `new`."""
        for node in self.consumers(old):
            self.set_inputs(node, tuple(new if name == old else name for name in node.input))

    def become(self, node: Node, op_type: str, domain: str = "", attributes: Mapping[str, Any] | None = None) -> None:
        """Change the operation of a node; without `attributes`, it keeps its own."""
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
        """Make a tensor a constant, or change its value."""
        self._constants[tensor] = np.asarray(value)
        self._names.add(tensor)
        self._forget(tensor)
        for node in self._consumers.get(tensor, ()):
            self._touch(node)

    def set_shape(self, tensor: str, shape: Iterable[int]) -> None:
        """Set the shape of a tensor, batch included."""
        self._shapes[tensor] = tuple(int(extent) for extent in shape)
        self._names.add(tensor)

    def set_element_type(self, tensor: str, kind: int) -> None:
        """Set the ONNX element type of a tensor."""
        self._types[tensor] = kind

    def set_metadata(self, key: str, value: str) -> None:
        """Set a metadata entry; facts derived from the model's input are invalidated."""
        self.metadata[key] = value
        self._forget(self._input_name)

    def set_boundary(self, *, input: str | None = None, outputs: Iterable[str] | None = None) -> None:
        """Change which tensors are the input or the outputs."""
        if input is not None:
            self._input_name = input
            self._forget(input)
        if outputs is not None:
            self._output_names = tuple(outputs)

    def remove_unread(self, *nodes: Node) -> None:
        """Remove those of the nodes whose outputs are unread, and the producers that become unread in turn."""
        ahead = list(nodes)
        while ahead:
            node = ahead.pop()
            if node in self and not any(map(self.is_read, node.output)):
                above = [self.producer(name) for name in node.input]
                self.remove(node)
                ahead += [item for item in above if item is not None]

    def sort(self) -> None:
        """Sort topologically; among nodes that are ready, the one that came first so far stays first.

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
        assert len(sorted_nodes) == self._size, "the graph has a cycle"
        before = self._ends
        for node in sorted_nodes:
            before._next, node._previous = node, before
            before = node
        before._next, self._ends._previous = self._ends, before

    # -- names ---------------------------------------------------------------------------------------------------------

    def fresh_name(self, stem: str) -> str:
        """A tensor name never used in the graph: `stem`, numbered if necessary."""
        name = stem
        while name in self._names:
            number = self._numbers[stem] = self._numbers.get(stem, 0) + 1
            name = f"{stem}_{number}"
        self._names.add(name)
        return name

    def add_constant(self, stem: str, value: Any) -> str:
        """Add a constant, float32 unless it is an array, and return its name: `stem`, numbered if necessary."""
        name = self.fresh_name(stem)
        self.set_constant(name, value if isinstance(value, np.ndarray) else np.float32(value).reshape(()))
        return name

    # -- facts derived from the graph ----------------------------------------------------------------------------------

    def fact(self, kind: str, tensor: str, of: Callable[[str], tuple[Any, bool] | list[str]]) -> Any:
        """A fact about a tensor, derived from its producer and possibly from the same fact about the producer's inputs.

        Computed once, without recursion, and invalidated where an edit touches what it was derived from.

        Parameters
        ----------
        kind
            The name of the fact.
        of
            Maps a tensor to the fact and whether it depends on facts about the producer's inputs; or, if some of those
            are missing, to the tensors whose facts must be derived first.
        """
        waiting = [tensor]
        while waiting:
            at = waiting[-1]
            if self.knows(kind, at):
                waiting.pop()
                continue
            derived = of(at)
            if isinstance(derived, list):
                waiting += derived
            else:
                self._facts.setdefault(at, {})[kind] = derived
                waiting.pop()
        return self.known(kind, tensor)

    def known(self, kind: str, tensor: str) -> Any:
        """A known fact about a tensor."""
        return self._facts[tensor][kind][0]

    def knows(self, kind: str, tensor: str) -> bool:
        """Whether a fact about a tensor is known."""
        return kind in self._facts.get(tensor, ())

    def take_touched(self) -> list[Node]:
        """The nodes touched by edits since the last call that are still in the graph."""
        touched = [node for node in self._touched if node in self]
        self._touched.clear()
        return touched

    # -- copies --------------------------------------------------------------------------------------------------------

    def copy(self) -> Model:
        """An independent copy; constants are shared, since they are never changed in place."""
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
        """Make a node's name unique: one that is in use gets a number."""
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
        """Record an edit of a node: invalidate facts about its outputs and mark it and its neighbours as touched."""
        self._touched[node] = None
        for tensor in node.input:
            above = self._producers.get(tensor)
            if above is not None:
                self._touched[above] = None
        for tensor in node.output:
            self._forget(tensor)
            self._touched.update(self._consumers.get(tensor, {}))

    def _forget(self, tensor: str) -> None:
        """Invalidate the facts about a tensor and those derived from them."""
        self._facts.pop(tensor, None)
        ahead = [tensor]
        while ahead:
            for reader in self._consumers.get(ahead.pop(), ()):
                for result in reader.output:
                    known = self._facts.get(result)
                    follows = [kind for kind, (_, inherited) in known.items() if inherited] if known else []
                    for kind in follows:
                        del self._facts[result][kind]
                    if follows:
                        ahead.append(result)


@dataclass(frozen=True, eq=False)
class End:
    """What the host computes from a graph's outputs.

    Parameters
    ----------
    inputs
        The graph's outputs in order, by their names in the file.
    graph
        The nodes after them, with their constants and shapes; its outputs are the file's.
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
    """A node that is not yet in a graph; attributes are keywords."""
    return Node(op_type, input, output, name, domain, attributes, origin)


def copy_node(node: Node) -> Node:
    """A copy of a node that is not in any graph."""
    return Node(node.op_type, node.input, node.output, node.name, node.domain, node.attributes, node.origin)
