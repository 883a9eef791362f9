"""Standard operators by the libraries that know every version: onnx's reference implementation, and onnxruntime.

The reference accepts float64 everywhere. onnxruntime is used where the reference of onnx 1.22 is wrong or missing:
pools with pads, dilations or `ceil_mode`, Softmax before version 13, negative pads, Upsample 7, Resize 10. It also runs
convolutions and interpolations of float32 tensors, where single precision suffices: it is much faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from bnnfpga.golden.check.number import Array

_BY_RUNTIME = ("LogSoftmax", "MaxPool", "Pad", "Softmax", "Upsample")
_SAME_AS = {"BatchNormalization": 15, "MaxPool": 12}
"""A later opset with the same meaning, for operators whose older versions the libraries support less well."""
_TOP_K_OF_INPUTS = 11
"""An opset in which TopK has `k` as an input, as FINN writes it into files of older opsets, too."""
_STRETCHED = ("Mean", "Sum")
"""Operators whose sums the reference computes in the shape of the first operand."""


class Unknown(Exception):
    """Raised if the check does not know the meaning of a node; the text says why."""


def run_node(node: onnx.NodeProto, operands: Sequence[Array | None], opset: int) -> list[Array]:
    """Run a standard node on arrays, None for an operand that is left out; returns its outputs.

    Raises
    ------
    Unknown
        If neither library can run it.
    """
    feeds = {f"i{index}": array for index, array in enumerate(operands) if array is not None}
    if node.op_type in _STRETCHED:
        feeds = dict(zip(feeds, map(np.ascontiguousarray, np.broadcast_arrays(*feeds.values())), strict=True))
    plain = onnx.NodeProto()
    plain.CopyFrom(node)
    plain.domain = ""
    del plain.input[:]
    plain.input.extend("" if array is None else f"i{index}" for index, array in enumerate(operands))
    opset = max(opset, _SAME_AS.get(node.op_type, 1))
    if node.op_type == "TopK" and len(operands) > 1:
        opset = max(opset, _TOP_K_OF_INPUTS)
    single = any(array.dtype == np.float32 for array in feeds.values())
    smooth = node.op_type == "Resize" and attribute(node, "mode", "nearest") != "nearest"
    quick = (
        node.op_type in _BY_RUNTIME
        or (node.op_type == "Conv" and single)
        or (node.op_type, opset) == ("Resize", 10)
        or smooth
    )
    first_choice = _by_runtime if quick else _by_reference
    second = _by_reference if first_choice is _by_runtime else _by_runtime
    problems = []
    for evaluate in (first_choice, second):
        try:
            return evaluate(plain, feeds, opset)
        except MemoryError:
            raise
        # Libraries raise all kinds of exceptions for nodes that they cannot run; the comparison goes on without.
        except Exception as error:
            problems.append(f"{type(error).__name__}: {error}")
    raise Unknown(problems[0].splitlines()[0])


def _by_reference(node: onnx.NodeProto, feeds: dict[str, Array], opset: int) -> list[Array]:
    results: Any = ReferenceEvaluator(_model(node, feeds, opset)).run(None, feeds)
    return [np.asarray(result) for result in results]


def _by_runtime(node: onnx.NodeProto, feeds: dict[str, Array], opset: int) -> list[Array]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    model = _model(node, feeds, opset)
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    results: list[Array] = session.run(None, feeds)
    return results


def _model(node: onnx.NodeProto, feeds: dict[str, Array], opset: int) -> onnx.ModelProto:
    inputs = [
        onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in feeds.items()
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    graph = onnx.helper.make_graph([node], "node", inputs, outputs)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)


def is_standard(node: onnx.NodeProto) -> bool:
    """Whether the node is in ONNX's own domain, into which old exporters put QONNX's operators as well."""
    return node.domain in ("", "ai.onnx")


def attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:
    """The value of an attribute, or `default`; strings as `str`."""
    for item in node.attribute:
        if item.name == name:
            value = onnx.helper.get_attribute_value(item)
            return value.decode(errors="replace") if isinstance(value, bytes) else value
    return default


def changed(node: onnx.NodeProto, op_type: str | None = None, **attributes: Any) -> onnx.NodeProto:
    """A copy of a node with another operator or other attributes; None removes one."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.op_type = op_type or node.op_type
    kept = [item for item in copy.attribute if item.name not in attributes]
    del copy.attribute[:]
    copy.attribute.extend(kept)
    copy.attribute.extend(
        onnx.helper.make_attribute(name, value) for name, value in attributes.items() if value is not None
    )
    return copy
