"""Pools, pads and upsampling: what moves pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnnfpga.dataflow.lowering.accelerator import Lowering, Tensor, channels_last, rows_columns, stream_shape
from bnnfpga.dataflow.operators.pool import Pool, PoolFunction
from bnnfpga.dataflow.operators.upsample import Upsample
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.errors import UserError
from bnnfpga.frontend.model import Node
from bnnfpga.frontend.nodes import describe, required_constant
from bnnfpga.frontend.resizing import upsampling_factors
from bnnfpga.frontend.sliding import geometry_of, pad_value
from bnnfpga.geometry import Geometry
from bnnfpga.transforms.integer_types import (
    INTEGER_POOL,
)


def max_pool(lowering: Lowering, node: Node) -> None:
    """The largest or smallest pixel of each window, channel by channel."""
    tensor = lowering.read(node)
    type = lowering.stream_type(tensor)
    channels = lowering.shape(node.input[0])[0]
    smallest = np.zeros(channels, dtype=bool)
    if node.op_type == INTEGER_POOL:
        smallest = required_constant(lowering.model, node, 1, "direction").astype(bool)
    # Pads must never win: the least there is for a largest, and where channels differ, none at all.
    fill = type.lo if not smallest.any() else type.hi if smallest.all() else type.hi + 1
    _pool(lowering, node, tensor, "extremum", smallest, fill)


def sum_pool(lowering: Lowering, node: Node) -> None:
    """The sum of each window."""
    _pool(lowering, node, lowering.read(node), "sum", np.zeros(lowering.shape(node.input[0])[0], dtype=bool), 0)


def _pool(
    lowering: Lowering, node: Node, tensor: Tensor, function: PoolFunction, smallest: np.ndarray, fill: int
) -> None:
    geometry = geometry_of(lowering.model, node)
    type, producer = lowering.stream_type(tensor), tensor.producer
    if geometry.is_identity:
        lowering.tensors[node.output[0]] = tensor
        return
    padded = False
    if geometry.kernel != geometry.image or any(geometry.pads):
        window = Window(lowering.name(Window), geometry, len(smallest), type, fill)
        producer, padded = lowering.add(window, producer), window.flagged
    unit = Pool(lowering.name(Pool), geometry.windows, geometry.kernel, len(smallest), type, function, smallest, padded)
    lowering.made(node, lowering.add(unit, producer))


def upsample(lowering: Lowering, node: Node) -> None:
    """Every pixel several times."""
    tensor = lowering.read(node)
    *image, channels = stream_shape(lowering.shape(node.input[0]))
    *factors, down, across = 1, *upsampling_factors(lowering.model, node)
    if len(factors) > 1 or len(image) != 2:
        raise UserError(
            "it repeats other things than pixels",
            where=describe(node),
            hint="only images and signals can be upsampled",
        )
    unit = Upsample(
        lowering.name(Upsample), (image[0], image[1]), channels, lowering.stream_type(tensor), (down, across)
    )
    lowering.made(node, lowering.add(unit, tensor.producer))


def pad(lowering: Lowering, node: Node) -> None:
    """Left to the convolution behind it, or made where something else reads it."""
    tensor = lowering.read(node)
    geometry = geometry_of(lowering.model, node)
    tensor = replace(tensor, pads=geometry.pads, fill=int(pad_value(lowering.model, node)))
    behind = lowering.model.only_reader(node.output[0])
    if behind is None or behind.op_type != "Conv":
        tensor = padded(lowering, node, tensor)
    lowering.tensors[node.output[0]] = tensor


def padded(lowering: Lowering, node: Node, tensor: Tensor) -> Tensor:
    """The input of a Pad with its pads made: by windows of one pixel."""
    image = lowering.shape(node.input[0])
    geometry = Geometry(rows_columns(image), (1, 1), pads=tensor.pads)
    window = Window(lowering.name(Window), geometry, image[0], lowering.stream_type(tensor), tensor.fill)
    if window.flagged:
        raise unfit_pad(tensor.fill, node)
    order = channels_last([image[0], *geometry.windows])
    return Tensor(lowering.add(window, tensor.producer), order)


def padded_geometry(lowering: Lowering, node: Node, tensor: Tensor) -> tuple[Geometry, int]:
    """A convolution's, on the image without the pads that a Pad put around it; and what pads are."""
    geometry = geometry_of(lowering.model, node)
    if not any(tensor.pads):
        return geometry, 0
    top, left, bottom, right = tensor.pads
    image = (geometry.image[0] - top - bottom, geometry.image[1] - left - right)
    own = geometry.pads
    pads = (own[0] + top, own[1] + left, own[2] + bottom, own[3] + right)
    return replace(geometry, image=image, pads=pads), tensor.fill


def unfit_pad(fill: int, node: Node) -> UserError:
    """The refusal of a pad that the stream cannot hold."""
    return UserError(
        f"its input is padded with {fill} times its scale, which the quantizer in front never gives",
        where=describe(node),
        hint="pad with a value that the quantizer can give, or with zeros right in front of a convolution",
    )
