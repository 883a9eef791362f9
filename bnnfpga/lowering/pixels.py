"""Pools, pads, crops and upsampling: operations on the pixels of an image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.dataflow.operators.concat import Concat
from bnnfpga.dataflow.operators.crop import Crop
from bnnfpga.dataflow.operators.pool import Pool, PoolFunction
from bnnfpga.dataflow.operators.select import Select
from bnnfpga.dataflow.operators.upsample import Copies, Upsample
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.forms.pads import channel_pads
from bnnfpga.frontend.forms.picks import gathered, picked_channels
from bnnfpga.frontend.forms.resizing import upsampling_factors
from bnnfpga.frontend.forms.sliding import geometry_of, pad_value, takes_smallest
from bnnfpga.frontend.graph.model import Node
from bnnfpga.frontend.graph.nodes import attribute, describe, required_constant
from bnnfpga.lowering.accelerator import Lowering, StreamedTensor, channels_last, rows_columns, stream_shape
from bnnfpga.lowering.branches import of_type, pad_channels, select
from bnnfpga.lowering.reorder import image, select_in_one_beat, transpose
from bnnfpga.numbers.geometry import Geometry
from bnnfpga.numbers.integers import IntArray


def max_pool(lowering: Lowering, node: Node) -> None:
    """Lower a pool to the maximum or minimum of each window, channel by channel."""
    _extremum(lowering, node, np.full(lowering.shape(node.input[0])[0], takes_smallest(node)))


def integer_pool(lowering: Lowering, node: Node) -> None:
    """Lower a pool to the maximum of each window in some channels, and the minimum in the others."""
    _extremum(lowering, node, required_constant(lowering.model, node, 1, "direction").astype(bool))


def _extremum(lowering: Lowering, node: Node, smallest: np.ndarray) -> None:
    type = lowering.stream_type(lowering.read(node))
    # Pads must never win: they hold the least value for a maximum, and are flagged if channels differ.
    fill = type.lo if not smallest.any() else type.hi if smallest.all() else type.hi + 1
    _pool(lowering, node, "extremum", smallest, fill)


def sum_pool(lowering: Lowering, node: Node) -> None:
    """Lower a pool to the sum of each window."""
    _pool(
        lowering,
        node,
        "sum",
        np.zeros(lowering.shape(node.input[0])[0], dtype=bool),
        0,
    )


def _pool(lowering: Lowering, node: Node, function: PoolFunction, smallest: np.ndarray, fill: int) -> None:
    geometry = geometry_of(lowering.model, node)
    tensor = lowering.read(node)
    type = lowering.stream_type(tensor)
    if not np.array_equal(tensor.order, channels_last(lowering.shape(node.input[0]))):
        in_a_row = _in_a_row(geometry, len(smallest), tensor.order)
        if in_a_row is not None and len(set(smallest.tolist())) == 1:
            windows, kernel = (len(in_a_row),), (1, geometry.taps)
            whole = Pool(lowering.name(Pool), windows, kernel, 1, type, function, smallest[:1])
            lowering.bind(node, lowering.add(whole, tensor.producer), in_a_row)
            return
    tensor = image(lowering, node)
    producer = tensor.producer
    if geometry.is_identity:
        lowering.record(node.output[0], tensor)
        return
    padded = False
    if geometry.kernel != geometry.image or any(geometry.pads):
        window = Window(lowering.name(Window), geometry, len(smallest), type, fill)
        producer, padded = lowering.add(window, producer), window.flagged
    unit = Pool(
        *(lowering.name(Pool), geometry.windows, geometry.kernel, len(smallest), type, function, smallest, padded),
        in_order=producer == tensor.producer,
    )
    lowering.bind(node, lowering.add(unit, producer))


def _in_a_row(geometry: Geometry, channels: int, order: IntArray) -> IntArray | None:
    """The windows in stream order, if each window's elements of a channel are consecutive in the stream.

    They are numbered like the result's elements in the model's order. None if windows are fragmented or overlap.
    """
    rows, columns = geometry.windows
    down, across = geometry.kernel
    whole = geometry.image == (rows * down, columns * across) and geometry.stride == geometry.kernel
    if not whole or geometry.dilation != (1, 1) or any(geometry.pads):
        return None
    places = np.argsort(order).reshape(channels, rows, down, columns, across)
    places = places.transpose(0, 1, 3, 2, 4).reshape(-1, geometry.taps)
    first = places.min(axis=1)
    return np.argsort(first) if np.all(places.max(axis=1) - first == geometry.taps - 1) else None


def pick(lowering: Lowering, node: Node) -> None:
    """Lower a Gather or Resize: channels to the wiring of a pixel, pixels to a crop and copies of those it keeps.

    Pixels in another order than they are streamed in need a whole frame in one beat.
    """
    if picked_channels(lowering.model, node) is not None:
        select(lowering, node)
        return
    tensor = image(lowering, node)
    shape = lowering.shape(node.input[0])
    extents, channels = rows_columns(shape), shape[0]
    sources = [np.arange(extent) for extent in extents]
    last, chain = node, [node]
    while True:
        for axis, places in _source_pixels(lowering, last).items():
            sources[axis] = sources[axis][places]
        readers = lowering.model.consumers(last.output[0])
        if len(readers) != 1 or last.output[0] in lowering.model.outputs or not _source_pixels(lowering, readers[0]):
            break
        last = readers[0]
        chain.append(last)
    lowering.merged.update(chain)
    if any(np.any(np.diff(places) < 0) for places in sources):
        elements = np.arange(len(tensor.order)).reshape(*extents, channels)
        index = elements[sources[0]][:, sources[1]].reshape(-1)
        lowering.bind(last, select_in_one_beat(lowering, node, tensor, index))
        return
    producer, type = tensor.producer, lowering.stream_type(tensor)
    kept = [np.unique(places, return_counts=True) for places in sources]
    rows, columns = (tuple(places.tolist()) for places, _ in kept)
    if (len(rows), len(columns)) != extents:
        producer = lowering.add(Crop(lowering.name(Crop), extents, channels, type, rows, columns), producer)
    factors = (_copies(kept[0][1]), _copies(kept[1][1]))
    if factors != (1, 1):
        unit = Upsample(lowering.name(Upsample), (len(rows), len(columns)), channels, type, factors)
        producer = lowering.add(unit, producer)
    lowering.bind(last, producer)


def _copies(counts: IntArray) -> Copies:
    return int(counts[0]) if np.all(counts == counts[0]) else tuple(counts.tolist())


def _source_pixels(lowering: Lowering, node: Node) -> dict[int, IntArray]:
    """The source of each output row (0) and column (1) of a Gather or Resize; empty for any other node."""
    sources = _SOURCE_PIXELS.get(node.op_type)
    return sources(lowering, node) if sources is not None else {}


def _repeated(lowering: Lowering, node: Node) -> dict[int, IntArray]:
    factors = upsampling_factors(lowering.model, node)
    axes = range(2 - len(factors), 2)
    extents = lowering.shape(node.input[0])[1:]
    return {
        axis: np.repeat(np.arange(extent), factor) for axis, extent, factor in zip(axes, extents, factors, strict=True)
    }


def _gathered(lowering: Lowering, node: Node) -> dict[int, IntArray]:
    axis, places = gathered(lowering.model, node)
    return {axis - len(lowering.shape(node.output[0])) + 1: places} if axis > 1 else {}


_SOURCE_PIXELS = {"Gather": _gathered, "Resize": _repeated}


def space_to_depth(lowering: Lowering, node: Node) -> None:
    """Lower to adjacent windows, whose elements are in the order in which ONNX numbers the channels."""
    tensor = image(lowering, node)
    transpose(lowering, node)
    if np.array_equal(lowering.tensors[node.output[0]].order, channels_last(lowering.shape(node.output[0]))):
        return  # they are streamed in that order already
    shape, block = lowering.shape(node.input[0]), (attribute(node, "blocksize", 1),) * 2
    geometry = Geometry(rows_columns(shape), block, block)
    unit = Window(lowering.name(Window), geometry, shape[0], lowering.stream_type(tensor))
    lowering.bind(node, lowering.add(unit, tensor.producer))


def depth_to_space(lowering: Lowering, node: Node) -> None:
    """Lower to streams of the rows of each block, joined row by row.

    The channels of a pixel, block row by block row, are columns of one another: a crop keeps those of one row.
    """
    tensor = image(lowering, node)
    transpose(lowering, node)
    order = channels_last(lowering.shape(node.output[0]))
    shape, (channels, *_) = lowering.shape(node.input[0]), lowering.shape(node.output[0])
    (rows, columns), (high, wide) = (rows_columns(lowering.shape(name)) for name in (node.input[0], node.output[0]))
    down, across, run = high // rows, wide // columns, wide * channels
    producer, type = tensor.producer, lowering.stream_type(tensor)
    # Where in a pixel of the stream each element of its block is, row by row.
    places = np.argsort(lowering.tensors[node.output[0]].order)[order]
    index = places.reshape(rows, down, columns, -1)[0, :, 0].reshape(-1)
    if not np.array_equal(index, np.arange(len(index))):
        wiring = Select(lowering.name(Select), (rows, columns), shape[0], tuple(index.tolist()), type)
        producer = lowering.add(wiring, producer)
    joined = producer
    for part in range(down if down > 1 else 0):
        kept = tuple(range(part, columns * down, down))
        every = tuple(range(rows))
        crop = Crop(lowering.name(Crop), (rows, columns * down), across * channels, type, every, kept)
        row = lowering.add(crop, producer)
        if part:
            row = lowering.add(Concat(lowering.name(Concat), (rows,), (part * run, run), type), joined, row)
        joined = row
    lowering.bind(node, joined)


def pad(lowering: Lowering, node: Node) -> None:
    """Leave a Pad to the convolution after it, or lower it if anything else reads it; padded channels are wiring."""
    if any(channel_pads(node)):
        pad_channels(lowering, node)
        return
    geometry = geometry_of(lowering.model, node)
    tensor = image(lowering, node)
    tensor = replace(tensor, pads=geometry.pads, fill=int(pad_value(lowering.model, node)))
    reader = lowering.model.only_reader(node.output[0])
    if reader is None or not (traits_of(reader).dot_product and traits_of(reader).slides):
        tensor = padded(lowering, node, tensor)
    lowering.record(node.output[0], tensor)


def padded(lowering: Lowering, node: Node, tensor: StreamedTensor) -> StreamedTensor:
    """Add the pads of a tensor, the input of the Pad `node`, with windows of one pixel."""
    shape, type = lowering.shape(node.input[0]), lowering.tensor_type(node.output[0])
    geometry = Geometry(rows_columns(shape), (1, 1), pads=tensor.pads)
    source = of_type(lowering, tensor.producer, stream_shape(shape), type)
    window = Window(lowering.name(Window), geometry, shape[0], type, tensor.fill)
    order = channels_last([shape[0], *geometry.windows])
    return StreamedTensor(lowering.add(window, source), order)


def padded_geometry(lowering: Lowering, node: Node, tensor: StreamedTensor) -> tuple[Geometry, int]:
    """A convolution's geometry on the image without a preceding Pad, whose pads it includes; and their value."""
    geometry = geometry_of(lowering.model, node)
    if not any(tensor.pads):
        return geometry, 0
    top, left, bottom, right = tensor.pads
    image = (geometry.image[0] - top - bottom, geometry.image[1] - left - right)
    own = geometry.pads
    pads = (own[0] + top, own[1] + left, own[2] + bottom, own[3] + right)
    return replace(geometry, image=image, pads=pads), tensor.fill


def unfit_pad(fill: int, node: Node) -> UserError:
    """The error for a pad value that the stream cannot hold."""
    return UserError(
        f"its input is padded with {fill} times its scale, a value that the quantizer in front of it never gives",
        where=describe(node),
        hint="pad with a value that the quantizer can give, or with zeros right in front of a convolution",
    )
