"""Random convolutional QONNX nets, as an exporter would write them; the same recipe gives the same model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from tests.support.nets import NetWriter

Shape = tuple[int, ...]
"""Channels, and rows and columns or samples."""


@dataclass(frozen=True)
class ConvNet:
    """A recipe: everything else follows from the seed.

    Parameters
    ----------
    blocks
        Kinds of its blocks, of `BLOCKS`, in order.
    shape
        Of its input.
    activation_bits, weight_bits
        1 is bipolar, more a Quant of that many bits.
    input_bits
        1 is a bipolar input, else a Quant of that many bits.
    first_bits
        Bits of the weights of the first convolution.
    flatten
        Whether a dense layer gives the scores, else an image.
    left_out
        Indices of blocks to omit. The others stay as they would be with them.
    most_channels
        Most output channels of convolutions, at least 2.
    """

    blocks: tuple[str, ...]
    shape: Shape = (3, 8, 8)
    activation_bits: int = 1
    weight_bits: int = 1
    input_bits: int = 8
    first_bits: int = 1
    flatten: bool = True
    left_out: tuple[int, ...] = ()
    most_channels: int = 6
    seed: int = 0

    @classmethod
    def random(cls, seed: int) -> ConvNet:
        """Draw blocks, bits and sizes from a seed; the first nets have each kind of block once."""
        rng = np.random.default_rng(seed)
        blocks = rng.choice(BLOCKS, rng.integers(1, 4)).tolist()
        if seed < len(BLOCKS):
            blocks = [BLOCKS[seed]]
        image = rng.integers(3, 10, 2) if rng.random() < 0.9 else rng.integers(6, 30, 1)
        weight_bits, activation_bits = PRECISIONS[rng.integers(len(PRECISIONS))]
        return cls(
            tuple(blocks),
            (int(rng.integers(1, 5)), *image.tolist()),
            activation_bits,
            weight_bits,
            input_bits=int(rng.choice([1, 4, 8])),
            first_bits=int(rng.choice([weight_bits, 8])),
            flatten=bool(rng.random() < 0.8),
            seed=seed,
        )

    def model(self) -> onnx.ModelProto:
        return _Writer(self).model()

    def write(self, folder: Path) -> Path:
        path = folder / "net.onnx"
        onnx.save(self.model(), path)
        return path


PRECISIONS = ((1, 1), (1, 1), (1, 2), (1, 2), (1, 4), (1, 4), (2, 2), (2, 2), (2, 1), (4, 2), (4, 4))
"""Bits of weights and activations."""


class _Writer:
    """Writes one net block by block; `shape` is the current tensor's, without the batch."""

    def __init__(self, recipe: ConvNet) -> None:
        self._recipe = recipe
        self._net = NetWriter(rank=len(recipe.shape) + 1)
        self._shape = recipe.shape
        self._weight_bits = recipe.first_bits
        self._draw(len(recipe.blocks))

    def model(self) -> onnx.ModelProto:
        recipe, net = self._recipe, self._net
        x = "x"
        if recipe.input_bits == 1:
            x = net.bipolar(x)
        else:
            x = net.quant(x, recipe.input_bits, scale=2.0 / 2**recipe.input_bits, signed=True)
        for place, block in enumerate(recipe.blocks):
            if place not in recipe.left_out:
                self._draw(place)
                x = getattr(self, f"_{block}")(x)
        self._draw(len(recipe.blocks))
        if recipe.flatten:
            x = net.node("Flatten", x)
            net.rank = 2
            weights = net.bipolar(net.constant(self._rng.standard_normal((int(np.prod(self._shape)), 4))))
            net.node("MatMul", x, weights)
        return net.model(recipe.shape, "y")

    def _draw(self, place: int) -> None:
        """Each block has its own random numbers, so that it does not change when another one is omitted."""
        self._rng = np.random.default_rng((self._recipe.seed, place))
        self._net.rng = np.random.default_rng((self._recipe.seed, place, 1))

    def _pick(self, *values: int) -> int:
        return int(self._rng.choice(values))

    def _outputs(self, *values: int) -> int:
        return min(self._pick(*values), self._recipe.most_channels)

    def _per_channel(self, values: np.ndarray) -> str:
        return self._net.constant(values.reshape(-1, *[1] * (len(self._shape) - 1)))

    def _slide(
        self, *, pads: bool = True, dilated: bool = True, same: bool = False, stride: int | None = None
    ) -> dict[str, list[int]]:
        """Kernel, strides, dilations and pads that fit the current tensor, whose shape is updated."""
        channels, *image = self._shape
        kernels, strides, dilations, before, after, extents = [], [], [], [], [], []
        for extent in image:
            # With a dilation larger than the image, windows could miss it.
            kernel, dilation = self._pick(1, 2, 3, 3, 5), min(self._pick(1, 1, 2), extent) if dilated else 1
            step = self._pick(1, 1, 2, 3) if stride is None else stride
            first, last = (self._pick(*range(kernel)) if pads else 0 for _ in range(2))
            if same:
                kernel, dilation, first, last = 3, 1, 1, 1
            elif extent + first + last < dilation * (kernel - 1) + 1:
                kernel, dilation, first, last = 1, 1, 0, 0
            kernels.append(kernel)
            strides.append(step)
            dilations.append(dilation)
            before.append(first)
            after.append(last)
            extents.append((extent + first + last - dilation * (kernel - 1) - 1) // step + 1)
        self._shape = (channels, *extents)
        attributes = {"kernel_shape": kernels, "strides": strides}
        if pads:
            attributes["pads"] = before + after
        if dilated:
            attributes["dilations"] = dilations
        return attributes

    def _weights(self, *shape: int) -> str:
        latent = self._net.constant(self._rng.standard_normal(shape))
        bits, self._weight_bits = self._weight_bits, self._recipe.weight_bits
        if bits == 1:
            return self._net.bipolar(latent, 0.1)
        return self._net.quant(latent, bits, scale=3.0 / 2**bits, signed=True, narrow=True)

    def _convolve(self, x: str, outputs: int | None = None, *, same: bool = False, stride: int | None = None) -> str:
        inputs = self._shape[0]
        outputs = self._outputs(2, 4, 6) if outputs is None else outputs
        attributes = self._slide(same=same, stride=stride or (1 if same else None))
        bias = [self._net.constant(self._rng.normal(0, 2, outputs))] if self._rng.random() < 0.3 else []
        options: dict[str, object] = dict(attributes)
        if same and stride is None and self._rng.random() < 0.5:
            del options["pads"]
            options["auto_pad"] = "SAME_UPPER" if self._rng.random() < 0.5 else "SAME_LOWER"
        weights = self._weights(outputs, inputs, *attributes["kernel_shape"])
        self._shape = (outputs, *self._shape[1:])
        return self._net.node("Conv", x, weights, *bias, **options)

    def _norm(self, x: str) -> str:
        """A batch norm, or a scale and a bias for each channel; some scales are negative, some zero."""
        channels = self._shape[0]
        gamma = self._rng.normal(0, 1, channels)
        gamma[self._rng.random(channels) < 0.1] = 0  # dead channels
        beta, mean = self._rng.normal(0, 0.5, channels), self._rng.normal(0, 1, channels)
        mean[self._rng.random(channels) < 0.3] = 0  # ties
        if self._rng.random() < 0.2:
            return self._net.node("Add", self._net.node("Mul", x, self._per_channel(gamma)), self._per_channel(beta))
        variance = self._rng.uniform(0.5, 8, channels)
        parameters = [self._net.constant(value) for value in (gamma, beta, mean, variance)]
        return self._net.node("BatchNormalization", x, *parameters, epsilon=1e-5)

    def _activate(self, x: str) -> str:
        bits = self._recipe.activation_bits
        if bits == 1:
            return self._net.bipolar(x)
        signed = self._rng.random() < 0.5
        return self._net.quant(x if signed else self._net.node("Relu", x), bits, scale=2.0 / 2**bits, signed=signed)

    def _quantise(self, x: str, scale: float) -> str:
        """A quantizer of up to 8 bits, as used for shortcuts."""
        return self._net.quant(x, self._pick(4, 8), scale=scale, signed=True)

    def _max(self, x: str) -> str:
        """Occasionally as large as windows may extend beyond the end."""
        if self._rng.random() < 0.7:
            return self._net.node("MaxPool", x, **self._slide())
        channels, *image = self._shape
        self._shape = (channels, *(-(-max(extent - 2, 0) // 2) + 1 for extent in image))
        size = [2] * len(image)
        return self._net.node("MaxPool", x, kernel_shape=size, strides=size, ceil_mode=1)

    def _conv(self, x: str) -> str:
        return self._activate(self._norm(self._convolve(x)))

    def _pool_after(self, x: str) -> str:
        return self._max(self._conv(x))

    def _pool_before(self, x: str) -> str:
        return self._activate(self._norm(self._max(self._convolve(x))))

    def _pool_between(self, x: str) -> str:
        return self._activate(self._max(self._norm(self._convolve(x))))

    def _average(self, x: str) -> str:
        x = self._norm(self._convolve(x))
        return self._activate(self._net.node("AveragePool", x, **self._slide(pads=False, dilated=False)))

    def _global_average(self, x: str) -> str:
        x = self._norm(self._convolve(x))
        self._shape = (self._shape[0], *[1] * (len(self._shape) - 1))
        return self._activate(self._net.node("GlobalAveragePool", x))

    def _global_max(self, x: str) -> str:
        x = self._convolve(x)
        self._shape = (self._shape[0], *[1] * (len(self._shape) - 1))
        return self._activate(self._norm(self._net.node("GlobalMaxPool", x)))

    def _explicit_pad(self, x: str) -> str:
        x = self._net.bipolar(self._convolve(x))
        channels, *image = self._shape
        before, after = [1, 0][: len(image)], [1, 2][: len(image)]
        value = self._net.constant(self._pick(-1, 0, 1))
        x = self._net.node("Pad", x, self._net.constant([0, 0, *before, 0, 0, *after], np.int64), value)
        self._shape = (channels, *np.add(image, np.add(before, after)).tolist())
        return self._conv(x)

    def _residual(self, x: str) -> str:
        scale = 0.25
        shortcut = self._quantise(x, scale)
        y = self._quantise(self._norm(self._convolve(x, self._shape[0], same=True)), scale * self._pick(1, 2))
        total = self._net.node("Add", *((y, shortcut) if self._rng.random() < 0.5 else (shortcut, y)))
        return self._activate(self._norm(total) if self._rng.random() < 0.5 else total)

    def _downsample(self, x: str) -> str:
        """A residual block with a convolution of stride 2 on both branches."""
        start, outputs = self._shape, self._outputs(2, 4)
        y = self._quantise(self._norm(self._convolve(x, outputs, same=True, stride=2)), 0.5)
        self._shape = start
        weights = self._weights(outputs, start[0], *[1] * (len(start) - 1))
        shortcut = self._net.node("Conv", x, weights, strides=[2] * (len(start) - 1))
        self._shape = (outputs, *(-(-extent // 2) for extent in start[1:]))
        return self._activate(self._norm(self._net.node("Add", y, self._quantise(self._norm(shortcut), 0.5))))

    def _subtract(self, x: str) -> str:
        y = self._quantise(self._convolve(x, self._shape[0], same=True), 0.5)
        return self._activate(self._net.node("Sub", self._quantise(x, 0.5), y))

    def _concat(self, x: str) -> str:
        channels = self._shape[0]
        first = self._norm(self._convolve(x, self._outputs(2, 4), same=True))
        own = self._shape[0]
        self._shape = (channels, *self._shape[1:])
        second = self._convolve(x, self._outputs(2, 4), same=True)
        if self._recipe.activation_bits == 1:
            first, second = self._net.bipolar(first), self._net.bipolar(second)
        else:
            first = self._net.quant(first, 4, scale=0.5, signed=True)
            second = self._net.quant(second, 3, scale=0.5, signed=True)
        self._shape = (self._shape[0] + own, *self._shape[1:])
        return self._conv(self._net.node("Concat", first, second, axis=1))

    def _concat_sums(self, x: str) -> str:
        """A concatenation of sums whose scales may or may not have a common grid; what follows works per channel."""
        channels = self._shape[0]
        parts = []
        for count in (self._outputs(2, 3), self._outputs(1, 2)):
            self._shape = (channels, *self._shape[1:])
            part = self._convolve(x, count, same=True)
            if self._rng.random() < 0.4:
                part = self._norm(part)
            elif self._rng.random() < 0.5:
                part = self._net.node("Mul", part, self._net.number(self._pick(2, 3)))
            parts.append((part, count))
        self._shape = (sum(count for _, count in parts), *self._shape[1:])
        x = self._net.node("Concat", *(part for part, _ in parts), axis=1)
        if self._rng.random() < 0.4:
            x = self._max(x)
        return self._activate(self._norm(x) if self._rng.random() < 0.7 else x)

    def _shuffle(self, x: str) -> str:
        x = self._activate(self._norm(self._convolve(x, 4)))
        channels, *image = self._shape
        net, axes = self._net, range(3, 3 + len(image))
        x = net.node("Reshape", x, net.constant([1, 2, channels // 2, *image], np.int64))
        x = net.node("Transpose", x, perm=[0, 2, 1, *axes])
        return net.node("Reshape", x, net.constant([1, channels, *image], np.int64))

    def _grouped(self, x: str) -> str:
        """Two groups, or one group per channel with one or two outputs."""
        x = self._activate(self._convolve(x, 4))
        groups, outputs = ((2, 6), (4, 4), (4, 8))[self._pick(0, 1, 2)]
        attributes = self._slide()
        weights = self._weights(outputs, 4 // groups, *attributes["kernel_shape"])
        self._shape = (outputs, *self._shape[1:])
        return self._activate(self._norm(self._net.node("Conv", x, weights, group=groups, **attributes)))

    def _upsample(self, x: str) -> str:
        x = self._conv(x)
        channels, *image = self._shape
        factors = [self._pick(1, 2), self._pick(2, 3)][-len(image) :]
        self._shape = (channels, *np.multiply(image, factors).tolist())
        scales = self._net.constant([1, 1, *factors])
        options = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self._conv(self._net.node("Resize", x, "", scales, **options))


BLOCKS = (
    "conv",
    "pool_after",
    "pool_before",
    "pool_between",
    "average",
    "global_average",
    "global_max",
    "explicit_pad",
    "residual",
    "downsample",
    "subtract",
    "concat",
    "shuffle",
    "grouped",
    "upsample",
    "concat_sums",
)
