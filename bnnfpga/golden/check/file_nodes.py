"""The nodes of the unmodified file in order, and its constants, which are computed on demand."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import onnx
from onnx import numpy_helper

from bnnfpga.golden.check.decisions import decision_of, is_quantizer
from bnnfpga.golden.check.inlining import written_out
from bnnfpga.golden.check.libraries import Unknown, run_node
from bnnfpga.golden.check.number import Array

_RANDOM = ("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial")


class FileGraph:
    """The part of a file that its outputs depend on.

    `nodes` are those that depend on the image, in order; `makers` and `readers` are, by tensor, the node that computes
    it and the nodes that read it.
    """

    def __init__(self, proto: onnx.ModelProto) -> None:
        graph = proto.graph
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        inputs = [value for value in graph.input if value.name not in self._tensors]
        self.input = inputs[0] if len(inputs) == 1 else None
        self.outputs = [value.name for value in graph.output]
        self._values: dict[str, Array] = {}
        self._makers: dict[str, onnx.NodeProto] = {}
        self._labels: dict[int, str] = {}
        self._places: dict[int, int] = {}
        self._failed: dict[str, str] = {}
        # Hold all nodes: their ids are keys below, and protobuf creates a new object for a node that is not held.
        written = written_out(proto)
        self._held = [node for node, _ in written]
        self._opsets = {id(node): opset for node, opset in written}
        needed = self._needed(self._held, self.outputs)
        self.nodes: list[onnx.NodeProto] = []
        self.makers: dict[str, onnx.NodeProto] = {}
        self.readers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for index, node in enumerate(self._held):
            if id(node) not in needed:
                continue
            self._labels[id(node)] = f"node {node.name or f'{node.op_type}_{index}'!r} ({node.op_type})"
            self._places[id(node)] = index
            for name in dict.fromkeys(node.input):
                self.readers[name].append(node)
            if node.op_type not in _RANDOM and all(self.is_constant(name) for name in node.input if name):
                self._makers.update(dict.fromkeys(node.output, node))
            else:
                self.nodes.append(node)
                self.makers.update(dict.fromkeys(node.output, node))
        self._left = Counter(name for node in self.nodes for name in dict.fromkeys(node.input))

    def label(self, node: onnx.NodeProto) -> str:
        """A node's name in messages."""
        return self._labels[id(node)]

    def opset(self, node: onnx.NodeProto) -> int:
        """The opset of standard operators that a node is written in."""
        return self._opsets[id(node)]

    def place(self, node: onnx.NodeProto) -> int:
        """A node's index in the file."""
        return self._places[id(node)]

    def is_constant(self, name: str) -> bool:
        return name in self._values or name in self._tensors or name in self._makers

    def set_constant(self, name: str, value: Array) -> None:
        """Set a tensor that turns out to be the same for every image, like a shape."""
        self._values[name] = value

    def constant(self, name: str) -> Array:
        """A constant tensor, in the file's type.

        Raises
        ------
        Unknown
            If it depends on a node whose meaning is not known.
        """
        waiting = [name]
        while waiting:
            tensor = waiting[-1]
            if tensor in self._values:
                waiting.pop()
            elif tensor in self._tensors:
                self._values[tensor] = np.asarray(numpy_helper.to_array(self._tensors[tensor]))
            else:
                node = self._makers[tensor]
                missing = [item for item in node.input if item and item not in self._values]
                if missing:
                    waiting += missing
                else:
                    self.make(node)
        return self._values[name]

    def forget(self, node: onnx.NodeProto) -> list[str]:
        """Drop constants whose last reader is this node; returns all tensors whose last reader it is."""
        done = []
        for name in dict.fromkeys(node.input):
            self._left[name] -= 1
            if not self._left[name]:
                done.append(name)
                if name in self._makers or name in self._tensors:
                    self._values.pop(name, None)
        return done

    def make(self, node: onnx.NodeProto) -> None:
        """Compute the outputs of a node whose inputs are known constants."""
        arrays = [self._values[name] if name else None for name in node.input]
        try:
            results = (
                [_quantised(node, arrays)]
                if arrays and is_quantizer(node)
                else run_node(node, arrays, self.opset(node))
            )
        except Unknown as error:
            raise Unknown(f"{self.label(node)}: {error}") from error
        # Outputs that are not read may have no name.
        self._values.update({name: array for name, array in zip(node.output, results, strict=False) if name})

    @staticmethod
    def _needed(nodes: list[onnx.NodeProto], outputs: list[str]) -> set[int]:
        makers = {name: node for node in nodes for name in node.output}
        waiting = list(outputs)
        needed: set[int] = set()
        while waiting:
            node = makers.get(waiting.pop())
            if node is not None and id(node) not in needed:
                needed.add(id(node))
                waiting += node.input
        return needed


def _quantised(node: onnx.NodeProto, arrays: list[Array | None]) -> Array:
    """A quantised constant in float32, as runtimes compute it."""
    x = arrays[0]
    assert x is not None
    decision = decision_of(node, arrays[1:], x.ndim, np.float32)
    if decision is None:
        raise Unknown(f"there is no operator of its kind in the domain {node.domain!r}")
    # With an axis for the images in front.
    whole = x.astype(np.float32)[None]
    output: Array = np.asarray(decision.output(decision.index(whole)), dtype=np.float32)
    return output.reshape(output.shape[1:])
