"""Checking users' images and converting them for the model and the accelerator."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.host.float_steps import evaluate
from bnnfpga.host.input_format import InputFormat
from bnnfpga.host.order import Order
from bnnfpga.numbers.arithmetic import Floats
from bnnfpga.numbers.integers import IntArray, IntegerType


@dataclass(frozen=True)
class Images:
    """A batch: `codes`, int64 (images, elements) as they stream, and `model_inputs`, float32, for the golden model."""

    codes: IntArray
    model_inputs: Floats


def read_images(
    x: NDArray[Any],
    format: InputFormat,
    shape: tuple[int, ...],
    *,
    layout: str = "nchw",
    stream: IntegerType,
    input_function: Sequence[Mapping[str, Any]] | None,
    order: Order,
    channels_last: bool = False,
    first: int = 0,
) -> Images:
    """Check a batch of images; nothing is cast silently.

    `stream` is the type of the accelerator's input, `order` that of its elements, and `first` the number of the batch's
    first image, for messages. `channels_last` says that `shape` itself has the channels last, so that `nhwc` is it.

    Raises
    ------
    UserError
        If type, shape or range is not the project's.
    """
    inputs = model_inputs(x, format, shape, layout=layout, channels_last=channels_last, first=first)
    frames = inputs.reshape(len(inputs), -1)
    if format.type is None:
        assert input_function is not None
        return Images(order.to_stream(_codes(input_function, frames, stream)), inputs)
    return Images(order.to_stream(frames.astype(np.int64)), inputs)


def model_inputs(
    x: NDArray[Any],
    format: InputFormat,
    shape: tuple[int, ...],
    *,
    layout: str = "nchw",
    channels_last: bool = False,
    first: int = 0,
) -> Floats:
    """Check a batch of images, as `read_images` does: float32, the model's inputs or their integer codes.

    Raises
    ------
    UserError
        If type, shape or range is not the model's.
    """
    x = np.asarray(x)
    if layout not in ("nchw", "nhwc"):
        raise UserError(f"{layout!r} is not a layout", where="layout", hint="give nchw or nhwc")
    expected = shape
    turned = layout == "nhwc" and not channels_last
    if turned:
        if len(shape) < 2:
            raise UserError(f"inputs of shape {shape} have no channel axis to move", where="layout", hint="use nchw")
        expected = (*shape[1:], shape[0])
    if x.shape[1:] != expected or x.ndim != len(shape) + 1:
        raise UserError(
            f"the array has shape {x.shape}, expected {_shape('images', *expected)}",
            where="images",
            hint="the first axis is the image; reshape them, or see --layout",
        )
    if len(x) == 0:
        raise UserError("there are no images", where="images", hint="give at least one")
    if format.type is None:
        x = _as_float32(x, first)
    if turned:
        x = np.moveaxis(x, -1, 1)
    if format.type is None:
        return x
    if x.dtype.kind not in "iu":
        raise UserError(
            f"the array is {x.dtype}, expected integers ({format.name})",
            where="images",
            hint="the project takes integer codes; compile without --input for float images",
        )
    lo, hi = int(x.min()), int(x.max())
    if lo < format.type.lo or hi > format.type.hi or (format.type.is_bipolar and np.any(x == 0)):
        allowed = "-1 and +1" if format.type.is_bipolar else f"{format.type.lo} to {format.type.hi}"
        raise UserError(
            f"the array holds values from {lo} to {hi}, expected {allowed} ({format.name})",
            where="images",
            hint="scale or shift them, or compile with the --input type that they have",
        )
    return x.astype(np.float32)


def _as_float32(x: NDArray[Any], first: int) -> Floats:
    """The model's float32 inputs from float32, or from float64 whose numbers are all float32 numbers."""
    kind = x.dtype.newbyteorder("=")
    if kind not in (np.float32, np.float64):
        raise UserError(
            f"the array is {x.dtype}, expected float32",
            where="images",
            hint="give float32 inputs of the model, or compile with --input (like --input uint8 --input-scale 1/255)",
        )
    if not np.all(np.isfinite(x)):
        index = int(np.argmin(np.isfinite(x).reshape(len(x), -1).all(axis=1)))
        raise UserError(f"image {first + index} holds NaN or infinity", where="images", hint="give finite numbers")
    with np.errstate(over="ignore", under="ignore"):
        rounded = x.astype(np.float32)
    if kind == np.float64 and not np.array_equal(rounded, x):
        image, *place = (int(axis) for axis in np.argwhere(rounded != x)[0])
        raise UserError(
            f"the array is float64, and the number at {_shape(*place)} of image {first + image}, "
            f"{float(x[(image, *place)])!r}, is not a float32 number",
            where="images",
            hint="the model takes float32: round them with x.astype(numpy.float32)",
        )
    return rounded


def _codes(function: Sequence[Mapping[str, Any]], x: Floats, type: IntegerType) -> IntArray:
    """The input codes of float images, (images, elements), by the host's input function."""
    codes = evaluate(function, x)
    if not np.all((codes >= type.lo) & (codes <= type.hi)):
        raise UserError(
            f"its input function makes numbers that the accelerator does not take ({type})",
            where="functions.json",
            hint="it was changed; compile the model again",
        )
    return codes.astype(np.int64)


def fit_images(
    x: NDArray[Any], shape: tuple[int, ...], layout: str | None = None, *, channels_last: bool = False
) -> NDArray[Any]:
    """Reshape images as a data set stores them to a model's input shape.

    Axes of length 1 come and go, vectors are images in row-major order, and channels move from last to first, or from
    first to last, where the shapes say so. No value changes.

    Parameters
    ----------
    x
        Images along the first axis.
    shape
        The model's input without the batch.
    layout
        `nchw` or `nhwc`; None infers it.
    channels_last
        Whether the model takes images with their channels last.

    Raises
    ------
    UserError
        If they do not fit, or fit ambiguously.
    """
    if layout not in (None, "nchw", "nhwc"):
        raise UserError(f"{layout!r} is not a layout", where="--layout", hint="give nchw or nhwc")
    stored = x.shape[1:]
    size, wanted = math.prod(stored), math.prod(shape)
    expected = _shape("images", *shape)
    if size != wanted:
        raise UserError(
            f"the array has shape {x.shape}, expected {expected}",
            where="images",
            hint="give the images that the model was trained for; grey ones have 1 channel, colour ones 3",
        )
    colour = _without_ones(stored)
    target = _without_ones(shape)
    if len(colour) < 3:  # A picture without channels has the same order in any layout.
        if colour != target and 1 not in (len(colour), len(target)):
            raise UserError(
                f"the array has shape {x.shape}, expected {expected}", where="images", hint="transpose them"
            )
        return x.reshape(len(x), *shape)
    # The model's own layout, and the other one.
    own, other = ("nhwc", "nchw") if channels_last else ("nchw", "nhwc")
    turned = (*stored[1:], stored[0]) if channels_last else (stored[-1], *stored[:-1])
    fits = {own: len(target) == 1 or colour == target, other: len(target) == 1 or _without_ones(turned) == target}
    if layout is None and len(target) == 1:
        raise UserError(
            f"the array has shape {x.shape}, and the model takes vectors of {wanted}: their order is not clear",
            where="images",
            hint="say whether the channels come first or last: --layout nchw or --layout nhwc",
        )
    chosen = layout or (own if fits[own] else other)
    if not fits[chosen]:
        raise UserError(
            f"the array has shape {x.shape}, expected {expected}",
            where="images",
            hint="transpose them, or see --layout",
        )
    if chosen == other:
        x = np.moveaxis(x, 1, -1) if channels_last else np.moveaxis(x, -1, 1)
    return x.reshape(len(x), *shape)


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(extent for extent in shape if extent != 1)


def check_labels(labels: NDArray[Any], images: int, classes: int) -> IntArray:
    """Check the labels of a batch: one class number per image, counted from 0."""
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" or labels.shape != (images,):
        raise UserError(
            f"the array is {labels.dtype} of shape {labels.shape}, expected {images} integers",
            where="labels",
            hint="give one class number per image"
            + ("; for one-hot labels, labels.argmax(axis=1)" if labels.ndim == 2 and len(labels) == images else ""),
        )
    lo, hi = int(labels.min()), int(labels.max())
    if lo < 0 or hi >= classes:
        raise UserError(
            f"the array holds {lo} to {hi}, expected 0 to {classes - 1}",
            where="labels",
            hint="classes count from 0, in the order of the model's outputs",
        )
    return labels.astype(np.int64)


def _shape(*extents: object) -> str:
    return "(" + ", ".join(map(str, extents)) + ")"
