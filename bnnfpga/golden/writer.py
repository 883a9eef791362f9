"""Writing the golden session's graph, and the tensors in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from bnnfpga.frontend.forms.parts import Part
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.golden.onnx_form import join_to_onnx, step_to_onnx
from bnnfpga.golden.session import Call, Session
from bnnfpga.numbers.arithmetic import BY_NUMPY, Floats, Step

EXACT_FLOAT32 = 1 << 24
"""Integers of at most this magnitude are exact in float32."""
EXACT_FLOAT64 = 1 << 53
"""Integers of at most this magnitude are exact in float64."""


@dataclass(frozen=True, eq=False)
class Joined:
    """A concatenation of `parts` without a common grid, followed by the elementwise nodes of `chain`.

    `node` is the Concat of the clean graph that joins them.
    """

    node: Node
    parts: tuple[Part, ...]
    chain: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Value:
    """A tensor of the graph: a float tensor, or integers with the scales or steps that map them to floats.

    `base` is the integer tensor that each element is a function of, and `magnitude` bounds it; `function` holds the
    steps from there if they are affine but not only scales of `integers`. `joined` is set on values that derive from a
    concatenation of floats.
    """

    tensor: str | None = None
    integers: str | None = None
    scales: tuple[Floats, ...] = ()
    magnitude: int = 0
    base: str | None = None
    constant: NDArray[np.float32] | None = None
    function: tuple[Step, ...] | None = None
    joined: Joined | None = None

    @classmethod
    def of_integers(cls, integers: str, steps: Sequence[Step], magnitude: int) -> Value:
        """The value of affine steps on integers; if they only multiply, as integers and scales."""
        if all(step.operation == "multiply" for step in steps):
            scales = tuple(step.constant for step in steps if step.constant is not None)
            return cls(integers=integers, scales=scales, magnitude=magnitude, base=integers)
        return cls(base=integers, function=tuple(steps), magnitude=magnitude)

    @property
    def affine(self) -> tuple[Step, ...] | None:
        """The steps from `base` to this value; None if they are not all affine."""
        if self.integers is not None:
            return tuple(Step("multiply", scale) for scale in self.scales) if self.integers == self.base else None
        return self.function


class Writer:
    """Collects nodes and constants; `values` maps tensor names of the clean graph `model` to their values."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.values: dict[str, Value] = {}
        self.doubles: set[str] = set()
        self.float_concats: set[str] = set()
        self._operations: list[onnx.NodeProto | Call] = []
        self._constants: dict[str, onnx.TensorProto] = {}
        self.addends: dict[str, Floats] = {}
        """By layer, the contribution of a constant before it to its outputs."""
        self._count = 0

    def build(self, outputs: Iterable[str]) -> Session:
        """The session that computes `outputs` from the tensor `input`."""
        shape = self.model.shape(self.model.input)[1:]
        return Session(self._operations, self._constants, "input", shape, outputs, self.doubles)

    def _new(self) -> str:
        self._count += 1
        return f"t{self._count}"

    def constant(self, value: NDArray[np.generic] | np.float32) -> str:
        name = self._new()
        self._constants[name] = numpy_helper.from_array(np.asarray(value), name)
        return name

    def emit(self, operation: str, *inputs: str, **attributes: Any) -> str:
        name = self._new()
        self._operations.append(onnx.helper.make_node(operation, list(inputs), [name], **attributes))
        return name

    def emit_steps(self, steps: Iterable[Step], tensor: str) -> str:
        for step in steps:
            ends = [self.emit_steps(branch, tensor) for branch in step.branches]
            name = self._new()
            if step.operation in BY_NUMPY:
                self._operations.append(Call(step, tensor, name))
            elif ends:
                self._operations.append(join_to_onnx(step, ends, name))
            else:
                self._operations += step_to_onnx(step, tensor, name, self.constant)
            tensor = name
        return tensor

    def float_of(self, value: Value) -> str:
        """The float tensor of a value, computed from its integers and scales if it does not exist yet."""
        if value.tensor is not None:
            return value.tensor
        if value.integers is not None:
            tensor, steps = value.integers, tuple(Step("multiply", scale) for scale in value.scales)
        elif value.joined is not None:
            return self._whole(value.joined.parts)
        else:
            assert value.base is not None
            assert value.function is not None
            tensor, steps = value.base, value.function
        if tensor in self.doubles:
            tensor = self.emit("Cast", tensor, to=TensorProto.FLOAT)
        return self.emit_steps(steps, tensor)

    def _whole(self, parts: Sequence[Part]) -> str:
        """The concatenated floats of several parts, in the order of their channels."""
        whole = self.emit("Concat", *(self.float_of(self.values[part.tensor]) for part in parts), axis=1)
        order = np.argsort(np.concatenate([part.channels for part in parts]))
        if np.array_equal(order, np.arange(len(order))):
            return whole
        return self.emit("Gather", whole, self.constant(order), axis=1)

    def value(self, tensor: str) -> Value:
        if tensor in self.values:
            return self.values[tensor]
        value = self.model.constant(tensor)
        assert value is not None, tensor
        return Value(tensor=self.constant(value.astype(np.float32)), constant=value.astype(np.float32))
