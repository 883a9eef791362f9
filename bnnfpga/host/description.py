"""How `project.json` describes the boundary streams: written by the compiler, read by hosts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bnnfpga.host.order import Order
from bnnfpga.host.words import BoundaryFormat
from bnnfpga.integers import IntegerType

FORMAT = 3
"""Version of `project.json` and `functions.json`."""


def describe_stream(stream: BoundaryFormat, shape: tuple[int, ...], order: Order) -> dict[str, Any]:
    """A boundary stream as plain data."""
    return {
        "shape": list(shape),
        "order": order.as_data(),
        "type": {"lo": stream.type.lo, "hi": stream.type.hi, "encoding": stream.type.encoding},
        "lanes": stream.lanes,
        "beats": stream.beats,
        "beat_bytes": stream.beat_bytes,
    }


def read_stream(data: Mapping[str, Any]) -> BoundaryFormat:
    """The inverse of `describe_stream`."""
    type = IntegerType(data["type"]["lo"], data["type"]["hi"], data["type"]["encoding"])
    return BoundaryFormat(math.prod(data["shape"]), type, data["lanes"])


def read_order(data: Mapping[str, Any]) -> Order:
    """The order of the elements of a stream that `describe_stream` described."""
    return Order.of_data(data["order"], math.prod(data["shape"]))
