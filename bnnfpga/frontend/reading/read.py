"""Reading a model file and its external tensor data."""

from __future__ import annotations

import contextlib
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx.external_data_helper import load_external_data_for_tensor, uses_external_data

from bnnfpga.base.errors import UserError, located
from bnnfpga.base.input_files import read_file
from bnnfpga.frontend.reading.well_formed import check_well_formed

_GZIP = b"\x1f\x8b"
_MAX_BYTES = (1 << 31) - 1
_OTHERS = (
    (0, b"PK\x03\x04", "a PyTorch file or another archive"),
    (0, b"\x80", "a Python pickle, as torch.save wrote them"),
    (0, b"\x89HDF", "an HDF5 file, as Keras writes them"),
    (4, b"TFL3", "a TensorFlow Lite file"),
)
"""Files that are mistaken for ONNX models: offset, magic bytes, description."""
_EXPORT = "load the net where it was trained and export it: bnnfpga.export_qonnx(net, (1, 28, 28), 'net.onnx')"
_ONE_FILE = "save the model in one file, onnx.save(onnx.load(path), new_path), or put the data back beside it"


@dataclass(frozen=True)
class Source:
    """A model file, read once.

    Parameters
    ----------
    path
        The file.
    proto
        The model with all its tensors.
    data
        The model as one file: the bytes that were read if it has no external data.
    """

    path: Path
    proto: onnx.ModelProto
    data: bytes

    @property
    def suffix(self) -> str:
        """The file name suffix for `data`."""
        return ".onnx.gz" if self.data.startswith(_GZIP) else ".onnx"


def read_source(path: Path) -> Source:
    """Read and parse the model in `path`, which may be gzip-compressed.

    Raises
    ------
    UserError
        If it cannot be read, is not an ONNX model, is damaged, or its external data is missing.
    """
    hint = "give a .onnx or .onnx.gz file"
    with contextlib.suppress(OSError):  # a name that is too long, say
        if (path / "project.json").is_file():
            hint = f"this is a project, which is compiled already; its model is in {path / 'model'}"
    data = read_file(path, "the model", hint, _MAX_BYTES)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(_decompressed(data, path))
    except DecodeError as error:
        raise _not_a_model(path, data) from error
    if not model.HasField("graph"):
        raise _not_a_model(path, data)
    with located(str(path)):
        if external := [tensor for tensor in _tensors(model) if uses_external_data(tensor)]:
            for tensor in external:
                _load(tensor, path.parent)
            data = model.SerializeToString(deterministic=True)
        check_well_formed(model)
    return Source(path, model, data)


def _decompressed(data: bytes, path: Path) -> bytes:
    if not data.startswith(_GZIP):
        return data
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            plain = file.read(_MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"damaged gzip file: {error}", where=str(path), hint="fetch or compress it again") from error
    if len(plain) > _MAX_BYTES:
        raise UserError(
            f"it holds more than {_MAX_BYTES:,} bytes, the most that an ONNX file can have",
            where=str(path),
            hint="fetch or export it again",
        )
    return plain


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    yield from model.graph.initializer
    for node in (*model.graph.node, *(node for function in model.functions for node in function.node)):
        yield from (attribute.t for attribute in node.attribute if attribute.HasField("t"))


def _load(tensor: onnx.TensorProto, folder: Path) -> None:
    """Load a tensor's external data, which must lie in the model's folder."""
    name = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
    where = f"tensor {tensor.name!r}"
    file = folder / name
    try:
        if not file.resolve().is_relative_to(folder.resolve()):
            raise UserError(f"its data file {name!r} lies outside the model's folder", where=where, hint=_ONE_FILE)
        if not file.is_file():
            raise UserError(f"its data file {name!r} is missing", where=where, hint=_ONE_FILE)
        load_external_data_for_tensor(tensor, str(folder))
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        raise UserError(f"its data file {name!r} cannot be read: {error}", where=where, hint=_ONE_FILE) from error
    tensor.data_location = onnx.TensorProto.DEFAULT
    del tensor.external_data[:]


def _not_a_model(path: Path, data: bytes) -> UserError:
    kind = next((kind for place, magic, kind in _OTHERS if data[place:].startswith(magic)), None)
    if not data:
        return UserError("the file is empty", where=str(path), hint="export the model again")
    if kind is None:
        return UserError(
            "not an ONNX model, or a damaged one",
            where=str(path),
            hint="give a .onnx or .onnx.gz file, as bnnfpga.export_qonnx writes it",
        )
    return UserError(f"it is {kind}, not an ONNX model", where=str(path), hint=_EXPORT)
