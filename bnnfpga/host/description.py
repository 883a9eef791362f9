"""The description of the boundary streams in `project.json`: written by the compiler, read by hosts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from bnnfpga.host.order import Order
from bnnfpga.host.words import BoundaryFormat
from bnnfpga.numbers.integers import IntArray, IntegerType

FORMAT = 4
"""Version of `project.json` and `functions.json`."""


Item = TypeVar("Item")


@dataclass(frozen=True)
class Output:
    """One output of an accelerator.

    Parameters
    ----------
    name
        The tensor in the model's file.
    kind
        `scores`, or the `class`.
    shape
        The output's shape for an image, in the order of the file.
    stream, stream_shape, order
        The stream that carries it.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    stream: BoundaryFormat
    stream_shape: tuple[int, ...]
    order: Order

    @property
    def is_image(self) -> bool:
        """Whether it has a class for each pixel."""
        return len(self.shape) > 1 and len(self.stream_shape) > 1

    def classes_of(self, values: Any) -> IntArray:
        """The index of the largest of the values, (frames, elements) in the file's order: int64 (frames,).

        For an image, one class per pixel, (frames, rows, columns). The first of equals wins.
        """
        if self.is_image:
            values = self.order.to_stream(values).reshape(len(values), *self.stream_shape)
        return np.asarray(values.argmax(axis=-1), dtype=np.int64)


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


def read_outputs(description: Mapping[str, Any]) -> tuple[Output, ...]:
    """The outputs of the accelerator that `project.json` describes."""
    return tuple(
        Output(
            data["name"],
            data["kind"],
            tuple(data["shape"]),
            read_stream(data["stream"]),
            tuple(data["stream"]["shape"]),
            read_order(data["stream"]),
        )
        for data in description["outputs"]
    )


def alone(items: Sequence[Item]) -> Item | tuple[Item, ...]:
    """One item per output, as users get them: the item itself for a single output, else a tuple."""
    return items[0] if len(items) == 1 else tuple(items)
