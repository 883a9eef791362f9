"""Writing the nodes of a modern graph and the constants that they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from bnnfpga.frontend.contract.checks import contract_of
from bnnfpga.frontend.contract.terms import Form
from bnnfpga.frontend.reading.shapes import Shape


@dataclass
class Spelling:
    """A node to be converted: its inputs, and its attributes with the defaults of its form filled in."""

    node: onnx.NodeProto
    form: Form
    values: dict[str, Any]
    inputs: list[str] = field(default_factory=list)

    def input(self, index: int) -> str:
        return self.inputs[index] if index < len(self.inputs) else ""

    def has(self, name: str) -> bool:
        """Whether its form has this attribute."""
        return any(item.name == name for item in self.form.attributes)

    def kept(self, *without: str) -> dict[str, Any]:
        """Its attributes except some, and except those without a value."""
        return {name: value for name, value in self.values.items() if value is not None and name not in without}


class NodeWriter:
    """Writes the nodes of a modern graph, and the constants that they need."""

    def __init__(self, model: onnx.ModelProto, shapes: Mapping[str, Shape]) -> None:
        graph = model.graph
        self.shapes = dict(shapes)
        self.constants: list[onnx.TensorProto] = []
        self.values = {tensor.name: tensor for tensor in graph.initializer}
        self._names = {name for node in graph.node for name in (node.name, *node.input, *node.output)}
        self._names |= {value.name for value in (*graph.input, *graph.output, *graph.initializer)}
        comparisons = (node for node in graph.node if (contract := contract_of(node)) and contract.gives == "bool")
        self.fixed = set(self.values)
        """Tensors that do not depend on the image."""
        for node in graph.node:
            if node.input and self.fixed.issuperset(filter(None, node.input)):
                self.fixed.update(node.output)
        self.truths = {node.output[0] for node in comparisons}
        """Results of comparisons."""
        self.classes = _classes(graph)
        """Classes from ArgMax and TopK and everything computed from them: integers that stay integers on the host."""

    def name(self, stem: str) -> str:
        """An unused name: `stem`, numbered if necessary."""
        name, number = stem, 0
        while name in self._names:
            number += 1
            name = f"{stem}_{number}"
        self._names.add(name)
        return name

    def constant(self, spelling: Spelling, meaning: str, value: Any, dtype: type = np.int64) -> str:
        name = self.name(f"{spelling.node.name}_{meaning}")
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def number_of(self, name: str) -> Any:
        """The value of a scalar constant; None for anything else."""
        tensor = self.values.get(name)
        value = None if tensor is None else numpy_helper.to_array(tensor)
        return value.item() if value is not None and value.size == 1 else None

    def numbers_of(self, name: str) -> NDArray[Any]:
        """The values of a constant, flattened."""
        return numpy_helper.to_array(self.values[name]).ravel()

    def is_empty(self, name: str) -> bool:
        """Whether a constant has no elements."""
        return name in self.values and 0 in self.values[name].dims

    def in_floats(self, name: str) -> str:
        """An operand that is moved with the image's integers: those are floats by now, so constants become float32."""
        tensor = self.values.get(name)
        if tensor is None or tensor.data_type == TensorProto.FLOAT:
            return name
        value = numpy_helper.to_array(tensor).astype(np.float32)
        result = self.name(f"{name}_floats")
        self.constants.append(numpy_helper.from_array(value, result))
        return result

    def new(
        self, spelling: Spelling, kind: str, inputs: list[str], outputs: list[str], name: str = "", **attributes: Any
    ) -> onnx.NodeProto:
        """A node that is called `name`, or like the old one."""
        while inputs and not inputs[-1]:
            inputs = inputs[:-1]
        name = name or spelling.node.name
        stated = {key: value for key, value in attributes.items() if value != []}  # an empty list states nothing
        node: onnx.NodeProto = onnx.helper.make_node(kind, inputs, outputs, name=name, **stated)
        return node

    def again(self, spelling: Spelling, inputs: list[str], **attributes: Any) -> Iterator[onnx.NodeProto]:
        """A node of the same kind, with other inputs and attributes and without ignored outputs."""
        outputs = list(spelling.node.output)
        if spelling.form.more_outputs:
            outputs = outputs[:1]
        yield self.new(spelling, spelling.node.op_type, inputs, outputs, **attributes)


def _classes(graph: onnx.GraphProto) -> set[str]:
    classes: set[str] = set()
    for node in graph.node:
        contract = contract_of(node)
        if contract is not None and contract.gives in ("int64", "ranked"):
            classes.add(node.output[-1])
        elif not classes.isdisjoint(node.input):
            classes.update(node.output)
    return classes
