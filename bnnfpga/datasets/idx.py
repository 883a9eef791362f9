"""The IDX format, in which MNIST and similar data sets are published.

Two zero bytes, a byte for the element type, a byte for the number of dimensions, each size as a big-endian 32-bit
integer, then the elements, also big-endian.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError

ELEMENT_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def looks_like_idx(data: bytes) -> bool:
    """Whether the first four bytes could start an IDX file."""
    return len(data) >= 4 and data[:2] == b"\0\0" and data[2] in ELEMENT_TYPES and data[3] > 0


def parse_idx(data: bytes, where: str) -> NDArray[Any]:
    """Parse the (uncompressed) bytes of an IDX file.

    Parameters
    ----------
    data
        All bytes of the file.
    where
        Name of the file for error messages.

    Raises
    ------
    UserError
        If the bytes are not an IDX file, or fewer or more than its header announces.
    """
    if not looks_like_idx(data):
        raise UserError("this is not an IDX file", where=where, hint="fetch the file again")
    dimensions = data[3]
    start = 4 + 4 * dimensions
    if len(data) < start:
        raise UserError("the IDX file ends within its header", where=where, hint="fetch the file again")
    shape = struct.unpack(f">{dimensions}I", data[4:start])
    dtype = np.dtype(ELEMENT_TYPES[data[2]])
    announced = math.prod(shape) * dtype.itemsize
    if len(data) - start != announced:
        raise UserError(
            f"the IDX file announces {announced} bytes of data, shape {shape}, but holds {len(data) - start}",
            where=where,
            hint="fetch the file again",
        )
    return np.frombuffer(data, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))
