"""Reading and writing array files: NumPy's .npy and .npz, and IDX, plain or compressed with gzip.

The format is recognised by the first bytes, not by the file's name. Nothing is ever unpickled.
"""

from __future__ import annotations

import gzip
import io
import os
import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.base.input_files import read_file
from bnnfpga.base.output_files import write_output
from bnnfpga.datasets.idx import looks_like_idx, parse_idx

FORMATS = "give a .npy file, a .npz file (FILE.npz:NAME for one of several arrays) or an IDX file (also .gz)"


def load_array(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read one array, unchanged.

    Parameters
    ----------
    path
        A .npy file, a .npz file with one array, ``FILE.npz:NAME`` for one of several, or an IDX file, plain or
        compressed with gzip.

    Raises
    ------
    UserError
        If there is no such file, or it has another format, is damaged or ambiguous, or holds Python objects.
    """
    text = os.fspath(path)
    file, key = _split(text)
    data = read_file(file, "the array", FORMATS)
    if data[:2] == b"\x1f\x8b":
        data = _decompressed(data, text)
    if key is not None and data[:2] != b"PK":
        raise UserError(
            f"this is not a .npz file, so there is no array '{key}' in it",
            where=str(file),
            hint=f"give the file alone: {file}",
        )
    if data[:6] == b"\x93NUMPY":
        return _from_npy(data, text)
    if data[:2] == b"PK":
        return _from_npz(data, file, key)
    if looks_like_idx(data):
        return parse_idx(data, text)
    raise UserError("this is not an array file that can be read", where=text, hint=FORMATS)


def save_npy(path: str | os.PathLike[str], array: NDArray[Any]) -> None:
    """Write a .npy file atomically.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    write_output(Path(path), buffer.getvalue())


def _split(text: str) -> tuple[Path, str | None]:
    """The file, and the array's name after ``.npz:``; an existing file of the whole name takes precedence."""
    head, separator, key = text.rpartition(".npz:")
    if separator and not os.path.exists(text):  # noqa: PTH110 (it takes any name)
        return Path(head + ".npz"), key
    return Path(text), None


def _decompressed(data: bytes, where: str) -> bytes:
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"the compressed file is damaged: {error}", where=where, hint="fetch the file again") from error


def _from_npy(data: bytes, where: str) -> NDArray[Any]:
    try:
        # A damaged header may ask for any amount of memory; numpy parses it as Python, hence the syntax errors.
        array: NDArray[Any] = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except (ValueError, SyntaxError, TokenError, MemoryError, EOFError, OSError) as error:
        if "allow_pickle" in str(error):
            raise UserError(
                "the array holds Python objects, which are never loaded",
                where=where,
                hint="save it as an array of numbers",
            ) from None
        raise UserError(f"the .npy file is damaged: {error}", where=where, hint="write the file again") from error
    return array


def _from_npz(data: bytes, file: Path, key: str | None) -> NDArray[Any]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name.removesuffix(".npy"): name for name in archive.namelist()}
            if key is None and len(members) == 1:
                key = next(iter(members))
            if key is None or key not in members:
                problem = "it is not said which array of this file" if key is None else f"there is no array '{key}'"
                names = ", ".join(f"'{name}'" for name in members) or "none"
                raise UserError(f"{problem}; it has {names}", where=str(file), hint=f"write {file}:NAME")
            member = archive.read(members[key])
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise UserError(f"the .npz file is damaged: {error}", where=str(file), hint="write the file again") from error
    return _from_npy(member, f"{file}:{key}")
