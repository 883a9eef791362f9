"""A model file whose operands can be given quantizers: what is known of its nodes, and how quantizers enter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, inliner, numpy_helper

from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.forms.scaled_integers import as_scaled_integers
from bnnfpga.frontend.graph.nodes import QONNX_DOMAIN
from bnnfpga.golden.check.file_nodes import FileGraph
from bnnfpga.numbers.arithmetic import Floats
from bnnfpga.quantizing.file_operators import carries_weights, has_scale, is_dot_product, outputs_axis

Edge = tuple[str, int]
"""An operand: the name of its reader, and its place among the reader's inputs."""


@dataclass(frozen=True)
class MissingQuantizer:
    """A quantizer that a file lacks.

    Parameters
    ----------
    tensor
        What it quantises.
    readers
        The operands that read its codes from then on.
    bits, signed
        The type of its codes; signed ones are symmetric.
    scale
        float32, one number or one for each output of a layer, in a shape that broadcasts against the tensor.
    weights
        Whether the tensor is a layer's weights.
    """

    tensor: str
    readers: tuple[Edge, ...]
    bits: int
    signed: bool
    scale: Floats
    weights: bool = False


def levels_of(bits: int, *, signed: bool) -> int:
    """The largest code of a quantizer of so many bits."""
    return (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1


class NetFile:
    """A model file, its functions inlined and its nodes uniquely named.

    Parameters
    ----------
    proto
        The model with all tensors embedded; it is not modified.
    """

    def __init__(self, proto: onnx.ModelProto) -> None:
        if proto.functions:
            self.proto = inliner.inline_local_functions(proto)
        else:
            self.proto = onnx.ModelProto()
            self.proto.CopyFrom(proto)
        self._graph = FileGraph(self.proto)
        self._nodes = {node.name: node for node in _named(self.proto.graph.node)}
        self._producers = {name: node for node in self._nodes.values() for name in node.output if name}
        self._readers: dict[str, list[Edge]] = defaultdict(list)
        for node in self._nodes.values():
            for place, name in enumerate(node.input):
                self._readers[name].append((node.name, place))

    @property
    def input(self) -> str:
        """The name of the model's input."""
        assert self._graph.input is not None
        return str(self._graph.input.name)

    @property
    def outputs(self) -> list[str]:
        """The names of the model's outputs."""
        return list(self._graph.outputs)

    @property
    def scores(self) -> str:
        """The tensor whose largest number is the image's class: the first output, or what its ArgMax or TopK reads."""
        output = self.outputs[0]
        node = self.producer(output)
        return str(node.input[0]) if node is not None and node.op_type in ("ArgMax", "TopK") else output

    def node(self, name: str) -> onnx.NodeProto | None:
        """The node of a name; None if there is none."""
        return self._nodes.get(name)

    def place(self, item: MissingQuantizer) -> int:
        """Where in the file's order the first reader of a quantizer is."""
        return min(list(self._nodes).index(name) for name, _ in item.readers)

    def tensor(self, edge: Edge) -> str:
        """The tensor that an operand is."""
        return str(self._nodes[edge[0]].input[edge[1]])

    def producer(self, tensor: str) -> onnx.NodeProto | None:
        """The node that computes a tensor; None for the input and constants."""
        return self._producers.get(tensor)

    def readers(self, tensor: str) -> tuple[Edge, ...]:
        """All operands that are a tensor."""
        return tuple(self._readers[tensor])

    def streams(self, node: onnx.NodeProto) -> list[Edge]:
        """A node's operands that depend on the image."""
        places = range(len(node.input))
        return [(node.name, at) for at in places if node.input[at] and not self._graph.is_constant(node.input[at])]

    def layers(self) -> Iterator[onnx.NodeProto]:
        """The nodes in which layers meet: dot products, and nodes with several streams."""
        for node in self._nodes.values():
            streams = self.streams(node)
            if len(streams) > 1 or (streams and is_dot_product(node)):
                yield node

    def float_weights(self, node: onnx.NodeProto) -> tuple[Edge, Floats] | None:
        """A layer's weights, if they are floats that no quantizer and no small scaled integers stand for."""
        if not is_dot_product(node) or len(node.input) < 2 or not self._graph.is_constant(node.input[1]):
            return None
        above = node.input[1]
        while (maker := self._producers.get(above)) is not None and carries_weights(maker):
            above = maker.input[0]
        values = np.asarray(self._graph.constant(node.input[1]))
        if values.dtype != np.float32 or (maker is not None and traits_of(maker).quantizes_weights):
            return None
        if as_scaled_integers(values, outputs_axis(node, values)) is not None:
            return None
        return (node.name, 1), values

    def scale(self, quantizer: onnx.NodeProto) -> float | None:
        """A quantizer's scale, if it is one number and its codes have no zero point."""
        constants = [self._graph.constant(name) for name in quantizer.input[1:] if self._graph.is_constant(name)]
        if not has_scale(quantizer) or len(constants) != len(quantizer.input) - 1:
            return None
        if constants[0].size != 1 or (len(constants) > 1 and np.any(constants[1])):
            return None
        return float(constants[0].item())

    def with_quantizers(self, quantizers: Iterable[MissingQuantizer]) -> onnx.ModelProto:
        """The model with quantizers in front of some of its operands."""
        proto = onnx.ModelProto()
        proto.CopyFrom(self.proto)
        graph = proto.graph
        nodes = {node.name: node for node in graph.node}
        names = {name for node in graph.node for name in (node.name, *node.input, *node.output)}
        names |= {item.name for item in (*graph.initializer, *graph.input, *graph.output)}
        entering: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for item in quantizers:
            node = _quant_node(item, names, graph)
            for name, place in item.readers:
                nodes[name].input[place] = node.output[0]
            first = next(node.name for node in graph.node if node.name in {name for name, _ in item.readers})
            entering[first].append(node)
        ordered = [each for node in graph.node for each in (*entering[node.name], node)]
        del graph.node[:]
        graph.node.extend(ordered)
        if entering and not any(item.domain == QONNX_DOMAIN for item in proto.opset_import):
            proto.opset_import.append(helper.make_opsetid(QONNX_DOMAIN, 1))
        return proto


def _named(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """The nodes, those without a name of their own given one."""
    seen: set[str] = set()
    for index, node in enumerate(nodes):
        node.name = node.name or f"{node.op_type}_{index}"
        while node.name in seen:
            node.name += "_"
        seen.add(node.name)
        yield node


def _quant_node(item: MissingQuantizer, names: set[str], graph: onnx.GraphProto) -> onnx.NodeProto:
    """The quantizer as a node of QONNX, its constants added to the graph."""

    def fresh(stem: str) -> str:
        name, number = stem, 0
        while name in names:
            number += 1
            name = f"{stem}_{number}"
        names.add(name)
        return name

    output = fresh(f"{item.tensor}_quantised")
    inputs = [item.tensor]
    for meaning, value in (("scale", item.scale), ("zero_point", 0.0), ("bits", float(item.bits))):
        inputs.append(fresh(f"{output}_{meaning}"))
        graph.initializer.append(numpy_helper.from_array(np.asarray(value, dtype=np.float32), inputs[-1]))
    return helper.make_node(
        "Quant",
        inputs,
        [output],
        name=fresh(f"quantise_{item.tensor}"),
        domain=QONNX_DOMAIN,
        signed=int(item.signed),
        narrow=int(item.signed),
        rounding_mode="ROUND",
    )
