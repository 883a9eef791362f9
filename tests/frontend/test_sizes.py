"""Sizes beyond all measure are refused at once, by node, before memory is reserved."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import numpy as np
import onnx
import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.clean import clean
from bnnfpga.numbers.geometry import Geometry
from tests.support.nets import NetWriter

SECONDS, MAX_BYTES = 2.0, 1 << 28


def _conv(net: NetWriter, x: str, **options: object) -> object:
    return net.node("Conv", x, net.bipolar(net.constant(np.ones((2, 2, 3, 3)))), **options)


def _repeat(net: NetWriter, x: str, factor: float) -> object:
    options = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return net.node("Resize", x, "", net.constant([1, 1, factor, factor]), **options)


def _pad(net: NetWriter, x: str, size: int) -> object:
    return net.node("Pad", x, net.constant([0, 0, size, size, 0, 0, size, size], np.int64), net.constant(1.0))


def _constant(net: NetWriter, kind: str, size: int) -> str:
    return net.node(kind, net.constant([1, size], np.int64))


HOSTILE: dict[str, Callable[[NetWriter, str, int], object]] = {
    "pads": lambda net, x, size: _conv(net, x, pads=[size] * 4),
    "dilations": lambda net, x, size: _conv(net, x, dilations=[size] * 2),
    "pool": lambda net, x, size: net.node("MaxPool", x, kernel_shape=[size] * 2, pads=[size - 1] * 4),
    "average": lambda net, x, size: net.node(
        "AveragePool", x, kernel_shape=[size] * 2, pads=[size // 2] * 4, count_include_pad=1
    ),
    "pad": lambda net, x, size: _pad(net, x, size),
    "resize": lambda net, x, size: _repeat(net, x, size),
    "expand": lambda net, x, size: net.node("Expand", x, net.constant([size, 2, 8, 8], np.int64)),
    "tile": lambda net, x, size: net.node("Tile", x, net.constant([1, 1, 1, size], np.int64)),
    "zeros": lambda net, x, size: net.node("Add", net.node("Flatten", x), _constant(net, "ConstantOfShape", size)),
    "range": lambda net, x, size: net.node("Range", *(net.constant(end, np.int64) for end in (0, size * (1 << 9), 1))),
}


@pytest.mark.parametrize("size", [1 << 20, 1 << 30, 1 << 50])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_sizes(name: str, size: int) -> None:
    net = NetWriter()
    HOSTILE[name](net, net.bipolar("x"), size)
    model = net.model((2, 8, 8), "y")
    started = time.perf_counter()
    tracemalloc.start()
    try:
        with pytest.raises(UserError) as caught:
            clean(model)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "node" in str(caught.value.where)
    assert time.perf_counter() - started < SECONDS
    assert peak < MAX_BYTES


@pytest.mark.parametrize("size", [1 << 10, 1 << 24])
def test_large_strides_are_legal(size: int) -> None:
    net = NetWriter()
    _conv(net, net.bipolar("x"), strides=[size, size])
    clean(net.model((2, 8, 8), "y"))


@pytest.mark.parametrize("operator", ["ArgMax", "TopK"])
@pytest.mark.parametrize("flat", [False, True])
def test_a_class_of_the_input_itself(operator: str, *, flat: bool) -> None:
    from bnnfpga.lowering.lower import lower
    from bnnfpga.numbers.integers import IntegerType
    from bnnfpga.transforms.fold import fold

    net = NetWriter()
    x = net.node("Flatten", "x") if flat else "x"
    if operator == "ArgMax":
        net.node("ArgMax", x, axis=1)
    else:
        count = net.constant([1], np.int64)
        net.nodes.append(onnx.helper.make_node("TopK", [x, count], ["largest", "index"], name="top", axis=1))
        net.node("Identity", "index")
    with pytest.raises(UserError, match="compile"):
        lower(fold(clean(net.model((8,), "y")), IntegerType.interval(0, 15)).model)


def test_windows_that_miss_the_image() -> None:
    """As the definition has it, window by window and tap by tap."""
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(300):
        image, kernel, stride, dilation = (tuple(rng.integers(1, high, 2).tolist()) for high in (5, 4, 4, 4))
        pads = tuple(rng.integers(0, 4, 4).tolist())
        geometry = Geometry(image, kernel, stride, dilation, pads)
        if min(geometry.windows) < 1:
            continue
        expected = any(
            all(
                not 0 <= window * stride[axis] - pads[axis] + tap * dilation[axis] < image[axis]
                for tap in range(kernel[axis])
            )
            for axis in (0, 1)
            for window in range(geometry.windows[axis])
        )
        assert geometry.misses_image == expected, geometry
        seen.add(expected)
    assert seen == {False, True}
