"""Reading a model file."""

from __future__ import annotations

import gzip
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from bnnfpga.errors import UserError


def read_model_bytes(path: Path) -> bytes:
    """The ONNX protobuf in `path`, which may be gzip-compressed."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read the model: {error.strerror}", where=str(path)) from error
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError) as error:
            raise UserError(f"damaged gzip file: {error}", where=str(path)) from error
    return data


def read_model(path: Path) -> onnx.ModelProto:
    """Parse the model in `path`.

    Raises
    ------
    UserError
        If it cannot be read or is no ONNX model.
    """
    model = onnx.ModelProto()
    try:
        model.ParseFromString(read_model_bytes(path))
    except DecodeError as error:
        raise _no_model(path) from error
    if not model.graph.node:
        raise _no_model(path)
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise UserError(
                f"tensor {tensor.name!r} lies in another file",
                where=str(path),
                hint="save the model with all its tensors inside: onnx.save(onnx.load(path), new_path)",
            )
    return model


def _no_model(path: Path) -> UserError:
    return UserError(
        "not an ONNX model, or a damaged one",
        where=str(path),
        hint="give a .onnx or .onnx.gz file, as bnnfpga.export_qonnx writes it",
    )
