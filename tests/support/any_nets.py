"""Small random nets with any operator first, in the middle and last, on vectors, signals and images.

Their constants have any shape that ONNX broadcasts, and are such that sums are exact in any order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from tests.support.nets import DOMAIN, NetWriter

Shape = tuple[int, ...]
INPUTS = ("int4", "uint8", "bipolar", "float")
ON_IMAGES = (
    "average",
    "channels_last",
    "conv",
    "conv_whole",
    "depthwise",
    "elementwise",
    "flatten",
    "global_average",
    "global_max",
    "grouped",
    "max",
    "max_whole",
    "mixing",
    "pad",
    "quantizer",
    "reshape",
    "shuffle",
    "slice",
    "split",
    "sum_whole",
    "tokens",
    "transpose",
    "upsample",
)
MOVERS = ("crop", "cell", "pad_channels", "reduce", "resize", "stack", "stretch")
"""Operators that select, repeat, join or reduce along any axis of a signal or an image."""
BLOCKS = ("depth_to_space", "space_to_depth")
"""Operators for images only."""
SPREADING = ("conv_transpose",)
"""Layers that make several pixels of one."""
ON_VECTORS = ("dense", "elementwise", "gather", "quantizer", "unsqueeze")
EVERYWHERE = ("concat", "concat_apart", "add", "multiply")


_APART = (1.0, 513 / 512)
"""Scales without a common grid, whose multiples are small enough to be exact."""


@dataclass(frozen=True)
class AnyNet:
    """A recipe: the operators in their order, all else from the seed.

    An operator that does not fit the current tensor is skipped; `shape` is the input's without the batch.
    """

    operators: tuple[str, ...]
    shape: Shape
    input: str = "int4"
    seed: int = 0

    @classmethod
    def random(cls, seed: int) -> AnyNet:
        """Operators, shape and input drawn from a seed."""
        rng = np.random.default_rng((seed, 2))
        rank = int(rng.choice([1, 2, 2, 3, 3, 3]))
        shape = (int(rng.choice([1, 2, 4])), *rng.integers(1, 5, rank - 1).tolist()) if rank > 1 else (6,)
        kinds = sorted({*ON_IMAGES, *MOVERS, *ON_VECTORS, *EVERYWHERE})
        operators = tuple(str(kind) for kind in rng.choice(kinds, rng.integers(1, 5)))
        return cls(operators, shape, str(rng.choice(INPUTS)), seed)

    def model(self) -> onnx.ModelProto:
        return _Writer(self).model()

    def images(self, count: int) -> NDArray[np.generic]:
        """Random images of the input's kind."""
        rng = np.random.default_rng((self.seed, 3))
        shape = (count, *self.shape)
        if self.input == "float":
            return (rng.integers(-16, 17, shape) / 4).astype(np.float32)
        if self.input == "bipolar":
            return rng.choice([-1, 1], shape)
        lo, hi = {"int4": (-8, 7), "uint8": (0, 255)}[self.input]
        return rng.integers(lo, hi + 1, shape)


class _Writer:
    """Writes one net; `shape` is the current tensor's, without the batch."""

    def __init__(self, recipe: AnyNet) -> None:
        self._recipe, self._shape = recipe, recipe.shape
        self._rng = np.random.default_rng(recipe.seed)
        self._net = NetWriter(rng=np.random.default_rng((recipe.seed, 1)))

    def model(self) -> onnx.ModelProto:
        x = "x"
        if self._recipe.input == "float":
            x = self._quantizer(self._elementwise(x) if self._rng.random() < 0.3 else x)
        for kind in self._recipe.operators:
            y = getattr(self, f"_{kind}")(x) if self._fits(kind) else x
            is_sum = y != x and kind not in ("elementwise", "quantizer")
            x = self._quantizer(y) if is_sum and self._rng.random() < 0.6 else y
        if not self._net.nodes or x == "x":
            x = self._quantizer(x)
        return self._net.model(self._recipe.shape, "y")

    def _fits(self, kind: str) -> bool:
        if kind in (*EVERYWHERE, "elementwise", "quantizer"):
            return True
        if kind in BLOCKS:
            return len(self._shape) == 3
        if (len(self._shape) > 1) != (kind in (*ON_IMAGES, *MOVERS, *SPREADING)):
            return False
        even = kind in ("grouped", "shuffle", "unsqueeze")
        several = kind in ("split", "slice")
        return self._shape[0] % 2 == 0 if even else self._shape[0] > 1 if several else True

    def _pick(self, *values: object) -> object:
        return values[self._rng.integers(len(values))]

    def _whole(self, *values: int) -> int:
        return int(self._rng.choice(values))

    # -- elementwise operators ----------------------------------------------------------------------------------------

    def _constant(self, *values: float) -> str:
        """One number, or one for each element along some axes, in any of the equivalent shapes."""
        varying = [bool(self._rng.random() < 0.4) for _ in self._shape]
        if self._rng.random() < 0.5:
            varying = [axis == 0 for axis in range(len(self._shape))]
        extents = [extent if varies else 1 for extent, varies in zip(self._shape, varying, strict=True)]
        array = self._rng.choice(values, extents)
        if self._rng.random() < 0.3:
            array = array[None]
        while array.ndim > 1 and array.shape[0] == 1 and self._rng.random() < 0.5:
            array = array[0]
        if array.size == 1:
            self._net.rank = len(self._shape) + 1
            return self._net.number(array.item())
        return self._net.constant(array)

    def _elementwise(self, x: str) -> str:
        kind = self._pick("Mul", "Add", "Sub", "Max", "PRelu", "Relu", "BatchNormalization")
        if kind == "Relu":
            return self._net.node("Relu", x)
        if kind == "BatchNormalization":
            channels = self._shape[0]
            draws = ([1, 2, -1, 0.5], [-2, -1, 0, 1], [-2, 0, 1], [1])
            parameters = [self._net.constant(self._rng.choice(values, channels)) for values in draws]
            return self._net.node("BatchNormalization", x, *parameters, epsilon=0.0)
        values = (1, 2, 0.5, -1) if kind == "Mul" else (0, 0.5, 1, 2) if kind == "PRelu" else (-3, -1, 0, 1, 2)
        return self._net.node(str(kind), x, self._constant(*values))

    def _quantizer(self, x: str) -> str:
        self._net.rank = len(self._shape) + 1
        kind = self._pick("bipolar", "quant", "thresholds")
        if kind == "bipolar":
            return self._net.bipolar(x, self._pick(1.0, 0.5))
        if kind == "quant":
            scale, zero = float(self._whole(1, 2)) / 2, float(self._whole(0, 0, 1))
            return self._net.quant(x, self._whole(2, 3, 4), scale=scale, signed=self._rng.random() < 0.5, zero=zero)
        return self._multi_threshold(x, self._shape)

    def _multi_threshold(self, x: str, shape: Shape, layout: str | None = None) -> str:
        rank = len(shape) + 1
        default = {2: "NC", 3: "NWC", 4: "NCHW"}[rank]
        if layout is None:
            layout = str(self._pick(default, "", {2: "NC", 3: "NCW", 4: "NHWC"}[rank]))
        channels = (1, *shape)[(layout or default).index("C")]
        thresholds = np.sort(self._rng.integers(-4, 5, (self._whole(1, channels), self._whole(1, 3))), axis=1)
        scale = float(self._whole(1, 2)) / 2
        options: dict[str, object] = {"out_scale": scale, "out_bias": self._whole(-1, 0, 1) * scale}
        if layout:
            options["data_layout"] = layout
        constant = self._net.constant(thresholds)
        return self._net.node("MultiThreshold", x, constant, domain=DOMAIN, out_dtype="FLOAT32", **options)

    # -- layers -------------------------------------------------------------------------------------------------------

    def _weights(self, *shape: int) -> str:
        self._net.rank = len(shape)
        latent = self._net.constant(self._rng.standard_normal(shape) * 2)
        if self._rng.random() < 0.5:
            return self._net.bipolar(latent, self._pick(1.0, 0.5))
        return self._net.quant(latent, 3, scale=1.0, signed=True, narrow=True)

    def _dense(self, x: str) -> str:
        (inputs,), outputs = self._shape, self._whole(2, 3)
        self._shape = (outputs,)
        return self._net.node("MatMul", x, self._weights(inputs, outputs))

    def _tokens(self, x: str) -> str:
        """A dense layer along the last axis, at each index of the other axes."""
        *others, inputs = self._shape
        self._shape = (*others, self._whole(2, 3))
        without_batch = self._rng.random() < 0.4
        if without_batch:
            x = self._net.node("Reshape", x, self._net.constant([-1, inputs], np.int64))
        leading = [1] * int(self._rng.integers(0, len(others) + 1)) if self._rng.random() < 0.3 else []
        y = self._net.node("MatMul", x, self._weights(*([] if without_batch else leading), inputs, self._shape[-1]))
        if self._rng.random() < 0.3:
            y = self._net.node("Add", y, self._net.constant(self._rng.integers(-2, 3, self._shape[-1])))
        if without_batch and self._rng.random() < 0.5:
            draws = ([1, 2, -1, 0.5], [-2, -1, 0, 1], [-2, 0, 1], [1])
            parameters = [self._net.constant(self._rng.choice(values, self._shape[-1])) for values in draws]
            y = self._net.node("BatchNormalization", y, *parameters, epsilon=0.0)
        return self._reshape_to(y, *self._shape) if without_batch else y

    def _mixing(self, x: str) -> str:
        """A dense layer along the second last axis, with the weights on the left."""
        *others, inputs, last = self._shape
        self._shape = (*others, self._whole(2, 3), last)
        return self._net.node("MatMul", self._weights(self._shape[-2], inputs), x)

    def _slide(self, *, whole: bool = False, pads: bool = False, kernels: tuple[int, ...] = (1, 2, 3)) -> dict:
        channels, *image = self._shape
        kernel = [extent if whole else min(self._whole(*kernels), extent) for extent in image]
        strides = [self._whole(1, 1, 2) for _ in image]
        around = [self._whole(0, size - 1) if pads and not whole else 0 for size in (*kernel, *kernel)]
        before, after = around[: len(image)], around[len(image) :]
        travel = np.add(np.add(image, before), after) - kernel
        self._shape = (channels, *(travel // strides + 1).tolist())
        return {"kernel_shape": kernel, "strides": strides, "pads": around}

    def _convolve(self, x: str, outputs: int, group: int = 1, *, whole: bool = False) -> str:
        inputs = self._shape[0]
        options = self._slide(whole=whole, pads=True)
        self._shape = (outputs, *self._shape[1:])
        weights = self._weights(outputs, inputs // group, *options["kernel_shape"])
        return self._net.node("Conv", x, weights, group=group, **options)

    def _conv(self, x: str) -> str:
        return self._convolve(x, self._whole(2, 4))

    def _conv_whole(self, x: str) -> str:
        return self._convolve(x, self._whole(2, 4), whole=True)

    def _depthwise(self, x: str) -> str:
        return self._convolve(x, self._shape[0] * self._whole(1, 2), self._shape[0])

    def _grouped(self, x: str) -> str:
        return self._convolve(x, self._whole(2, 4), 2)

    def _max(self, x: str) -> str:
        return self._net.node("MaxPool", x, **self._slide(pads=True))

    def _max_whole(self, x: str) -> str:
        return self._net.node("MaxPool", x, **self._slide(whole=True))

    def _average(self, x: str) -> str:
        return self._net.node("AveragePool", x, **self._slide(kernels=(1, 2)))

    def _sum_whole(self, x: str) -> str:
        """An average times the number of pixels, which is exact."""
        pixels = np.prod(self._shape[1:])
        pooled = self._net.node("AveragePool", x, **self._slide(whole=True))
        return self._net.node("Mul", pooled, self._net.constant(float(pixels)))

    def _global_average(self, x: str) -> str:
        self._shape = (self._shape[0], *[1] * (len(self._shape) - 1))
        return self._net.node("GlobalAveragePool", x)

    def _global_max(self, x: str) -> str:
        self._shape = (self._shape[0], *[1] * (len(self._shape) - 1))
        return self._net.node("GlobalMaxPool", x)

    def _pad(self, x: str) -> str:
        channels, *image = self._shape
        before, after = ([self._whole(0, 1) for _ in image] for _ in range(2))
        self._shape = (channels, *np.add(image, np.add(before, after)).tolist())
        pads = self._net.constant([0, 0, *before, 0, 0, *after], np.int64)
        return self._net.node("Pad", x, pads, self._net.constant(0.0))

    def _upsample(self, x: str) -> str:
        channels, *image = self._shape
        factors = [self._whole(1, 2) for _ in image]
        self._shape = (channels, *np.multiply(image, factors).tolist())
        options = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self._net.node("Resize", x, "", self._net.constant([1, 1, *factors]), **options)

    # -- data movement ------------------------------------------------------------------------------------------------

    def _reshape_to(self, x: str, *shape: int) -> str:
        self._shape = shape
        return self._net.node("Reshape", x, self._net.constant([1, *shape], np.int64))

    def _flatten(self, x: str) -> str:
        self._shape = (int(np.prod(self._shape)),)
        return self._net.node("Flatten", x)

    def _reshape(self, x: str) -> str:
        channels, *image = self._shape
        return (
            self._reshape_to(x, channels, 1, *image)
            if len(image) == 1
            else self._reshape_to(x, channels, image[0] * image[1])
        )

    def _unsqueeze(self, x: str) -> str:
        return self._reshape_to(x, 2, self._shape[0] // 2)

    def _transpose(self, x: str) -> str:
        order = self._rng.permutation(len(self._shape)).tolist()
        self._shape = tuple(self._shape[axis] for axis in order)
        return self._net.node("Transpose", x, perm=[0, *(axis + 1 for axis in order)])

    def _channels_last(self, x: str) -> str:
        """An operator with channels last, between two transposes."""
        channels, *image = self._shape
        last = range(2, 2 + len(image))
        x = self._net.node("Transpose", x, perm=[0, *last, 1])
        if self._rng.random() < 0.5:
            x = self._net.node("Add", x, self._net.constant(self._rng.integers(-2, 3, channels)))
        x = self._multi_threshold(x, (*image, channels), {1: "NWC", 2: "NHWC"}[len(image)])
        return self._net.node("Transpose", x, perm=[0, 1 + len(image), *range(1, 1 + len(image))])

    def _shuffle(self, x: str) -> str:
        shape = self._shape
        x = self._reshape_to(x, 2, shape[0] // 2, *shape[1:])
        x = self._net.node("Transpose", x, perm=[0, 2, 1, *range(3, 2 + len(shape))])
        return self._reshape_to(x, *shape)

    def _space_to_depth(self, x: str) -> str:
        """With blocks of any size that fits, at worst 1."""
        channels, rows, columns = self._shape
        size = self._whole(*(size for size in (1, 2, 3) if rows % size == columns % size == 0))
        self._shape = (channels * size**2, rows // size, columns // size)
        return self._net.node("SpaceToDepth", x, blocksize=size)

    def _depth_to_space(self, x: str) -> str:
        """With blocks of 2 x 2 pixels, after as many channels as that needs."""
        channels, rows, columns = self._shape
        if channels % 4:
            index = self._rng.integers(0, channels, 4 * -(-channels // 4))
            x = self._net.node("Gather", x, self._net.constant(index, np.int64), axis=1)
            channels = len(index)
        self._shape = (channels // 4, rows * 2, columns * 2)
        mode = "CRD" if self._rng.integers(2) else "DCR"
        return self._net.node("DepthToSpace", x, blocksize=2, mode=mode)

    def _conv_transpose(self, x: str) -> str:
        """Of any geometry that ONNX has."""
        channels, *pixels = self._shape
        groups = self._whole(*(groups for groups in (1, 2, channels) if channels % groups == 0))
        outputs = self._whole(1, 2, 3)
        kernel, strides, dilations = ([self._whole(1, 2, 3) for _ in pixels] for _ in range(3))
        spans = [(size - 1) * dilation + 1 for size, dilation in zip(kernel, dilations, strict=True)]
        pads = [self._whole(*range(min(3, span))) for _ in range(2) for span in spans]
        more = [self._whole(*range(stride)) for stride in strides]
        sizes = [
            stride * (extent - 1) + span - before - behind + extra
            for stride, extent, span, before, behind, extra in zip(
                strides, pixels, spans, pads[: len(pixels)], pads[len(pixels) :], more, strict=True
            )
        ]
        if min(sizes) < 1:
            pads, sizes = (
                [0] * len(pads),
                [
                    stride * (extent - 1) + span + extra
                    for stride, extent, span, extra in zip(strides, pixels, spans, more, strict=True)
                ],
            )
        self._shape = (outputs * groups, *sizes)
        weights = self._weights(channels, outputs, *kernel)
        options = {"strides": strides, "dilations": dilations, "output_padding": more, "pads": pads}
        return self._net.node("ConvTranspose", x, weights, group=groups, **options)

    def _gather(self, x: str) -> str:
        index = self._rng.integers(0, self._shape[0], self._whole(1, 3))
        self._shape = (len(index), *self._shape[1:])
        return self._net.node("Gather", x, self._net.constant(index, np.int64), axis=1)

    def _slice(self, x: str) -> str:
        first = int(self._rng.integers(0, self._shape[0] - 1))
        ends = (first, self._shape[0], 1)
        self._shape = (self._shape[0] - first, *self._shape[1:])
        return self._net.node("Slice", x, *(self._net.constant([end], np.int64) for end in ends))

    def _split(self, x: str) -> str:
        """The second of two parts; the first one is not used."""
        first = int(self._rng.integers(1, self._shape[0]))
        sizes = self._net.constant([first, self._shape[0] - first], np.int64)
        name = f"t{len(self._net.nodes)}"
        node = onnx.helper.make_node("Split", [x, sizes], [f"{name}_unread", name], name=f"{name}_split", axis=1)
        self._net.nodes.append(node)
        self._shape = (self._shape[0] - first, *self._shape[1:])
        # A node of one output, which may be the last.
        return self._net.node("Relu", name)

    def _along(self) -> int:
        """An axis of the current tensor other than the batch, counted from either end."""
        axis = self._whole(*range(1, len(self._shape) + 1))
        return int(self._pick(axis, axis - len(self._shape) - 1))

    def _resized(self, axis: int, extent: int) -> None:
        shape = [1, *self._shape]
        shape[axis] = extent
        self._shape = tuple(shape[1:])

    def _crop(self, x: str) -> str:
        """Some indices along one axis or two, in ascending order."""
        kind = self._pick("Slice", "Slice", "Gather", "Split")
        axis = self._along()
        extent = [1, *self._shape][axis]
        if kind == "Gather":
            index = np.sort(self._rng.choice(extent, self._whole(*range(1, extent + 1))))
            self._resized(axis, len(index))
            return self._net.node("Gather", x, self._net.constant(index - extent * (axis < 0), np.int64), axis=axis)
        if kind == "Split" and extent > 1:
            first = int(self._rng.integers(1, extent))
            sizes = self._net.constant([first, extent - first], np.int64)
            name = f"t{len(self._net.nodes)}"
            node = onnx.helper.make_node("Split", [x, sizes], [f"{name}_unread", name], name=f"{name}_split", axis=axis)
            self._net.nodes.append(node)
            self._resized(axis, extent - first)
            return self._net.node("Relu", name)
        axes = sorted({axis % (len(self._shape) + 1), self._along() % (len(self._shape) + 1)})
        ranges = []
        for along in axes:
            extent = [1, *self._shape][along]
            first, step = int(self._rng.integers(0, extent)), self._whole(1, 2, 3)
            self._resized(along, len(range(first, extent, step)))
            ranges.append([first, extent, along, step])
        return self._net.node(
            "Slice", x, *(self._net.constant(values.tolist(), np.int64) for values in np.transpose(ranges))
        )

    def _cell(self, x: str) -> str:
        """One index along an axis, which is removed; or several indices, one by one, joined again."""
        axis = self._along()
        extent = [1, *self._shape][axis]
        places = self._rng.integers(0, extent, self._whole(1, 3))
        parts = [self._net.node("Gather", x, self._net.constant(int(place), np.int64), axis=axis) for place in places]
        at = axis % (len(self._shape) + 1) - 1
        self._shape = (*self._shape[:at], *self._shape[at + 1 :])
        if len(parts) == 1:
            return parts[0]
        self._shape = (len(parts) * self._shape[0], *self._shape[1:])
        return self._net.node("Concat", *parts, axis=1)

    def _reduce(self, x: str) -> str:
        """A mean only over a power of two elements, so that the division is exact."""
        kind = str(self._pick("ReduceMax", "ReduceMin", "ReduceSum", "ReduceMean"))
        axes = sorted({self._along() % (len(self._shape) + 1) for _ in range(self._whole(1, 2, 3))})
        count = int(np.prod([self._shape[axis - 1] for axis in axes]))
        kind = "ReduceSum" if kind == "ReduceMean" and count & (count - 1) else kind
        keeps = len(axes) == len(self._shape) or bool(self._rng.random() < 0.7)
        extents = [1 if axis + 1 in axes else extent for axis, extent in enumerate(self._shape)]
        self._shape = tuple(extents if keeps else [size for axis, size in enumerate(extents) if axis + 1 not in axes])
        axes_input = [self._net.constant(axes, np.int64)] if kind == "ReduceSum" else []
        options = {} if axes_input else {"axes": [axis - len(extents) - 1 for axis in axes]}
        return self._net.node(kind, x, *axes_input, keepdims=int(keeps), **options)

    def _resize(self, x: str) -> str:
        """Any nearest resampling of rows and columns."""
        channels, *image = self._shape
        sizes = [int(self._rng.integers(1, 2 * extent + 2)) for extent in image]
        self._shape = (channels, *sizes)
        options = {
            "mode": "nearest",
            "coordinate_transformation_mode": self._pick("asymmetric", "half_pixel", "align_corners"),
            "nearest_mode": self._pick("floor", "ceil", "round_prefer_floor", "round_prefer_ceil"),
        }
        return self._net.node("Resize", x, "", "", self._net.constant([1, channels, *sizes], np.int64), **options)

    def _pad_channels(self, x: str) -> str:
        before = [self._whole(0, 1, 2), *(self._whole(0, 1) for _ in self._shape[1:])]
        after = [self._whole(0, 1), *(0 for _ in self._shape[1:])]
        self._shape = tuple(np.add(self._shape, np.add(before, after)).tolist())
        return self._net.node(
            "Pad",
            x,
            self._net.constant([0, *before, 0, *after], np.int64),
            self._net.constant(float(self._whole(0, 0, 1))),
        )

    def _stretch(self, x: str) -> str:
        """A pooled pixel as an image, or any tensor flattened."""
        channels, *image = self._shape
        if self._rng.random() < 0.6:
            pooled = self._net.node("GlobalMaxPool", x)
            return self._net.node("Expand", pooled, self._net.constant([1, channels, *image], np.int64))
        repeats = [self._whole(1, 2) for _ in self._shape]
        self._shape = tuple(np.multiply(self._shape, repeats).tolist())
        return self._net.node("Tile", x, self._net.constant([1, *repeats], np.int64))

    def _stack(self, x: str) -> str:
        """Two tensors concatenated along any axis."""
        axis = self._along()
        joined = self._net.node("Concat", self._quantizer(x), self._quantizer(x), axis=axis)
        self._resized(axis, 2 * [1, *self._shape][axis])
        return joined

    # -- branches -----------------------------------------------------------------------------------------------------

    def _add(self, x: str) -> str:
        return self._net.node(str(self._pick("Add", "Sub")), self._quantizer(x), self._quantizer(x))

    def _multiply(self, x: str) -> str:
        """A product with a stream of the same shape, or with one number per pixel or channel."""
        kind, other = self._pick("whole", "pixel", "channel"), x
        if kind == "pixel":
            other = self._net.node("ReduceMax", x, axes=[1], keepdims=1)
        if kind == "channel" and len(self._shape) > 1:
            other = self._net.node("GlobalMaxPool", x)
        pair = [self._scaled(x), self._scaled(other)]
        return self._net.node("Mul", *(pair if self._rng.random() < 0.5 else pair[::-1]))

    def _scaled(self, x: str) -> str:
        """A quantizer without a zero point."""
        if self._rng.random() < 0.3:
            return self._net.bipolar(x, self._pick(1.0, 0.5))
        scale = float(self._whole(1, 2)) / 2
        return self._net.quant(x, self._whole(2, 3), scale=scale, signed=self._rng.random() < 0.5)

    def _concat(self, x: str) -> str:
        joined = self._net.node("Concat", self._quantizer(x), self._quantizer(x), axis=1)
        self._shape = (2 * self._shape[0], *self._shape[1:])
        return joined

    def _concat_apart(self, x: str) -> str:
        """A concatenation of parts whose scales have no common grid, followed by operators that work per channel."""
        parts = [self._net.quant(x, 3, scale=scale, signed=True) for scale in self._rng.permutation(_APART).tolist()]
        joined = self._net.node("Concat", *parts, axis=1)
        self._shape = (2 * self._shape[0], *self._shape[1:])
        kinds = ["gather", "elementwise", "add_apart"]
        if len(self._shape) > 1:
            kinds += ["average", "max", "pad", "upsample", "depthwise", "global_average", "flatten"]
        for kind in self._rng.choice(kinds, self._rng.integers(1, 4)):
            if kind in ("gather", "elementwise", "add_apart") or len(self._shape) > 1:
                joined = getattr(self, f"_{kind}")(joined)
        return self._quantizer(joined)

    def _add_apart(self, x: str) -> str:
        """A sum with a stream of multiples of either scale, which shares a grid with neither part, or with itself."""
        return self._net.node("Add", x, x)
