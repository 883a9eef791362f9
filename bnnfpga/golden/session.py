"""Running the golden model: onnxruntime, interleaved with the functions that only numpy computes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from bnnfpga.numbers.arithmetic import Floats, Step

_OPSET, _IR_VERSION = 18, 8


@dataclass(frozen=True, eq=False)
class Call:
    """A step computed by numpy, from tensor `source` to tensor `result`."""

    step: Step
    source: str
    result: str


@dataclass
class _SessionPart:
    """The nodes that depend on calls of earlier parts only, and the calls on their results."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    takes: list[str] = field(default_factory=list)
    gives: list[str] = field(default_factory=list)


class Session:
    """A graph as a sequence of onnxruntime sessions, split where numpy computes functions.

    Parameters
    ----------
    operations
        Nodes and calls in topological order.
    constants
        Constant tensors by name.
    input, shape
        The name of the input, and its shape without the batch axis.
    outputs
        Tensors that may be fetched.
    doubles
        Tensors that are float64; all others passed between sessions are float32.
    """

    def __init__(
        self,
        operations: Sequence[onnx.NodeProto | Call],
        constants: Mapping[str, onnx.TensorProto],
        input: str,
        shape: Sequence[int],
        outputs: Iterable[str],
        doubles: Collection[str],
    ) -> None:
        self._input = input
        levels = {input: 0}
        self._parts = [_SessionPart()]
        makers: dict[str, int] = {}
        for item in operations:
            if isinstance(item, Call):
                level = levels[item.source]
                self._parts[level].calls.append(item)
                levels[item.result] = level + 1
                if len(self._parts) == level + 1:
                    self._parts.append(_SessionPart())
                continue
            level = max((levels[name] for name in item.input if name in levels), default=0)
            self._parts[level].nodes.append(item)
            levels.update((name, level) for name in item.output)
            makers.update((name, level) for name in item.output)
        fetched = dict.fromkeys(outputs)
        fetched |= dict.fromkeys(item.source for item in operations if isinstance(item, Call))
        for number, part in enumerate(self._parts):
            read = dict.fromkeys(name for node in part.nodes for name in node.input if name in levels)
            part.takes = [name for name in read if makers.get(name) != number]
            fetched |= dict.fromkeys(name for name in part.takes if name in makers)
        for name in fetched:
            if name in makers:
                self._parts[makers[name]].gives.append(name)
        kinds = dict.fromkeys(doubles, TensorProto.DOUBLE)
        inputs = {input: helper.make_tensor_value_info(input, TensorProto.FLOAT, ["images", *shape])}
        self._sessions = [_session(part, inputs, constants, kinds) for part in self._parts]

    def run(self, fetches: Sequence[str], x: Floats) -> list[NDArray[np.floating]]:
        """Run a batch and return the fetched tensors."""
        needed = set(fetches)
        for part in reversed(self._parts):
            needed.update(call.source for call in part.calls if call.result in needed)
            if needed.intersection(part.gives):
                needed.update(part.takes)
        known: dict[str, NDArray[np.floating]] = {self._input: x}
        for part, session in zip(self._parts, self._sessions, strict=True):
            names = [name for name in part.gives if name in needed]
            if session is not None and names:
                results = session.run(names, {name: known[name] for name in part.takes})
                known.update(zip(names, results, strict=True))
            for call in part.calls:
                if call.result in needed:
                    known[call.result] = call.step.apply(known[call.source])
        return [known[name] for name in fetches]


def _session(
    part: _SessionPart,
    inputs: Mapping[str, onnx.ValueInfoProto],
    constants: Mapping[str, onnx.TensorProto],
    kinds: Mapping[str, int],
) -> Any:
    """The onnxruntime session of a part; None if it has no outputs."""
    import onnxruntime

    if not part.gives:
        return None

    def value(name: str) -> onnx.ValueInfoProto:
        return inputs.get(name) or helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), None)

    read = dict.fromkeys(name for node in part.nodes for name in node.input if name in constants)
    graph = helper.make_graph(
        part.nodes,
        "golden",
        [value(name) for name in part.takes],
        [value(name) for name in part.gives],
        [constants[name] for name in read],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    options = onnxruntime.SessionOptions()
    # Results are defined by one operation at a time: fusion could change them.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
