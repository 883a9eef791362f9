"""Nets at any opset, written node by node, and their results by libraries that know every opset."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnxruntime.capi import onnxruntime_pybind11_state as capi
from qonnx.custom_op.general.bipolar_quant import binary_quant
from qonnx.custom_op.general.multithreshold import multithreshold
from qonnx.custom_op.general.quant import quant
from qonnx.custom_op.general.trunc import trunc_v1, trunc_v2
from qonnx.custom_op.registry import getCustomOp

DOMAIN = "qonnx.custom_op.general"
_NEWEST_RUN = 26
"""The last opset that onnxruntime loads."""
_NOT_LOADED = (capi.Fail, capi.InvalidGraph, capi.NotImplemented, capi.RuntimeException)
"""Exceptions of onnxruntime for nodes that it cannot run."""


class Spelled:
    """A net of an opset, whose nodes and constants are added one by one.

    Parameters
    ----------
    opset, qonnx
        Operator versions of ONNX and of QONNX.
    shape
        Shape of its input `x`, with the batch of one.
    kind
        Element type of its input.
    """

    def __init__(
        self, opset: int, shape: Sequence[int], *, qonnx: int = 2, kind: int = TensorProto.FLOAT, seed: int = 0
    ) -> None:
        self.opset, self.qonnx = opset, qonnx
        self.shape, self.kind = tuple(shape), kind
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.last_outputs: list[str] = []
        self.outputs: tuple[str, ...] = ()
        self.output_kinds: tuple[int, ...] = ()

    def constant(self, value: object, dtype: Any = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def integers(self, value: object) -> str:
        return self.constant(value, np.int64)

    def node(self, kind: str, *inputs: str, outputs: int = 1, domain: str = "", **attributes: object) -> str:
        names = [f"t{len(self.nodes)}" + "abcdefgh"[place] * bool(place) for place in range(outputs)]
        present = {name: value for name, value in attributes.items() if value is not None}
        self.nodes.append(
            onnx.helper.make_node(kind, list(inputs), names, name=f"{kind}_{len(self.nodes)}", domain=domain, **present)
        )
        self.last_outputs = names
        return names[0]

    def end(self, *outputs: str, kinds: Sequence[int] = (TensorProto.FLOAT,)) -> None:
        """Name the net's outputs."""
        self.outputs, self.output_kinds = outputs, tuple(kinds)

    def bipolar(self, tensor: str, scale: object = 1.0) -> str:
        return self.node("BipolarQuant", tensor, self.constant(scale), domain=DOMAIN)

    def quant(self, tensor: str, bits: int, scale: float, *, signed: int = 1) -> str:
        numbers = [self.constant(number) for number in (scale, 0.0, bits)]
        return self.node("Quant", tensor, *numbers, domain=DOMAIN, signed=signed, narrow=0, rounding_mode="ROUND")

    def bits(self, tensor: str) -> str:
        """0 and 1."""
        return self.quant(tensor, 1, 1.0, signed=0)

    def weights(self, *shape: int, scale: float = 0.25) -> str:
        return self.bipolar(self.constant(self.rng.standard_normal(shape)), scale)

    def dense(self, tensor: str, inputs: int, outputs: int = 4) -> str:
        return self.node("MatMul", tensor, self.weights(inputs, outputs))

    def flat_dense(self, tensor: str, elements: int, outputs: int = 4) -> str:
        """A dense layer on all elements, whatever their shape."""
        return self.dense(self.node("Reshape", tensor, self.integers([1, elements])), elements, outputs)

    def model(self) -> onnx.ModelProto:
        graph = onnx.helper.make_graph(
            self.nodes,
            "net",
            [onnx.helper.make_tensor_value_info("x", self.kind, self.shape)],
            [
                onnx.helper.make_tensor_value_info(name, kind, None)
                for name, kind in zip(self.outputs, self.output_kinds, strict=True)
            ],
            self.constants,
        )
        imports = [onnx.helper.make_opsetid("", self.opset), onnx.helper.make_opsetid(DOMAIN, self.qonnx)]
        return onnx.helper.make_model(graph, opset_imports=imports, ir_version=8)

    def inputs(self, count: int) -> np.ndarray:
        """Images without ties: normally distributed numbers, or integers of the input's type."""
        rng = np.random.default_rng(7)
        if self.kind == TensorProto.FLOAT:
            return rng.standard_normal((count, *self.shape[1:])).astype(np.float32) * 2
        dtype = onnx.helper.tensor_dtype_to_np_dtype(self.kind)
        return rng.integers(0, 100, (count, *self.shape[1:])).astype(dtype)


def expected(model: onnx.ModelProto, x: np.ndarray) -> list[np.ndarray]:
    """The model's outputs for each image: QONNX's operators by qonnx, all others by onnxruntime, one at a time.

    Nodes that onnxruntime cannot load are run by onnx's reference implementation.
    """
    versions = {item.domain: item.version for item in model.opset_import}
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    results = []
    for image in x:
        values = {**constants, "x": image[None]}
        for node in model.graph.node:
            read = [values[name] if name else None for name in node.input]
            if node.domain:
                outputs = [_quantised(node, read, versions[DOMAIN])]
            else:
                outputs = run_node(node, [item for item in read if item is not None], versions[""])
            values.update(zip(filter(None, node.output), outputs, strict=True))
        results.append([values[value.name] for value in model.graph.output])
    return [np.concatenate(parts) for parts in zip(*results, strict=True)]


def run_node(node: onnx.NodeProto, inputs: Sequence[np.ndarray], version: int) -> list[np.ndarray]:
    """Run one standard node on its named inputs."""
    kinds = tuple((str(item.dtype), item.shape) for item in inputs)
    run = _runner(node.SerializeToString(), kinds, version)
    names = dict.fromkeys(filter(None, node.input))
    feeds = dict(zip(filter(None, node.input), inputs, strict=True))
    return [np.asarray(value) for value in run({name: feeds[name] for name in names})]


@cache
def _runner(data: bytes, kinds: tuple[tuple[str, tuple[int, ...]], ...], version: int) -> Any:
    node = onnx.NodeProto.FromString(data)
    inputs = {
        name: onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
        for name, (dtype, shape) in zip(filter(None, node.input), kinds, strict=True)
    }
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    graph = onnx.helper.make_graph([node], "node", list(inputs.values()), outputs)
    since = onnx.defs.get_schema(node.op_type, version).since_version
    imports = [onnx.helper.make_opsetid("", max(since, min(version, _NEWEST_RUN)))]
    model = onnx.helper.make_model(graph, opset_imports=imports, ir_version=8)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except _NOT_LOADED:
        for value in model.graph.output:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
        evaluator = ReferenceEvaluator(model)
        return lambda feeds: evaluator.run(None, feeds)
    return lambda feeds: session.run(None, feeds)


_LOWERED = ("Im2Col", "XnorPopcountMatMul", "QuantAvgPool2d")
"""FINN's operators."""


def _lowered(node: onnx.NodeProto, read: list[Any]) -> np.ndarray:
    """Run a node in qonnx, which for Im2Col needs the input's annotation."""
    context = dict(zip(node.input, read, strict=True))
    context[node.output[0]] = np.zeros((1, 1, 1, 1), np.float32)
    graph = onnx.GraphProto()
    note = graph.quantization_annotation.add(tensor_name=node.input[0])
    note.quant_parameter_tensor_names.add(key="finn_datatype", value="FLOAT32")
    if node.op_type == "QuantAvgPool2d":
        layout = {item.name: item.s for item in node.attribute}.get("data_layout", b"NCHW")
        sizes = {item.name: item.i for item in node.attribute}
        pixels = slice(1, 3) if layout == b"NHWC" else slice(2, 4)
        shape = list(read[0].shape)
        shape[pixels] = [(extent - sizes["kernel"]) // sizes["stride"] + 1 for extent in shape[pixels]]
        context[node.output[0]] = np.zeros(shape, np.float32)
    getCustomOp(node, onnx_opset_version=1).execute_node(context, graph)
    result: np.ndarray = context[node.output[0]]
    return result


def _quantised(node: onnx.NodeProto, read: list[Any], version: int) -> np.ndarray:
    values = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    values = {name: value.decode() if isinstance(value, bytes) else value for name, value in values.items()}
    if node.op_type in ("BipolarQuant", "BinaryQuant"):
        result = binary_quant(*read)
    elif node.op_type in ("Quant", "IntQuant"):
        mode = values.get("rounding_mode", "ROUND")
        # Brevitas' name for it, which qonnx does not know.
        mode = "DOWN" if mode == "ROUND_TO_ZERO" else mode
        result = quant(*read, values.get("signed", 1), values.get("narrow", 0), mode)
    elif node.op_type == "MultiThreshold":
        layout = values.get("data_layout", "") or {2: "NC", 3: "NWC", 4: "NCHW"}[read[0].ndim]
        axis = layout.index("C")
        x = read[0].swapaxes(axis, 1)
        result = multithreshold(x, read[1], values.get("out_scale", 1.0), values.get("out_bias", 0.0)).swapaxes(axis, 1)
    elif node.op_type in _LOWERED:
        result = _lowered(node, read)
    elif version == 1:
        mode = values.get("rounding_mode", "FLOOR")
        result = trunc_v1(*read, "DOWN" if mode == "ROUND_TO_ZERO" else mode)
    else:
        mode = values.get("rounding_mode", "FLOOR")
        options = (values.get("narrow", 0), values.get("signed", 1), *read[4:])
        result = trunc_v2(*read[:4], *options, "DOWN" if mode == "ROUND_TO_ZERO" else mode)
    return np.asarray(result, dtype=np.float32)
