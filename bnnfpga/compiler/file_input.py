"""The default input format: the integers that the file's input holds, or float32."""

from __future__ import annotations

from dataclasses import replace

import onnx
from onnx import TensorProto

from bnnfpga.host.input_format import InputFormat

_INTEGERS = {
    TensorProto.UINT8: "uint8",
    TensorProto.INT8: "int8",
    TensorProto.UINT16: "uint16",
    TensorProto.INT16: "int16",
}


def format_for(proto: onnx.ModelProto, format: InputFormat) -> InputFormat:
    """`format`, or in place of floats the file's own input type if that is an integer of up to 16 bits."""
    if format.type is not None:
        return format
    constants = {tensor.name for tensor in proto.graph.initializer}
    kinds = [value.type.tensor_type.elem_type for value in proto.graph.input if value.name not in constants]
    name = _INTEGERS.get(kinds[0]) if len(kinds) == 1 else None
    return format if name is None else replace(InputFormat.parse(name, None), given=True)
