"""The order of a frame's elements, as projects keep it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnfpga.host.description import Output
from bnnfpga.host.order import Order, frame_shape, is_channels_last
from bnnfpga.host.words import BoundaryFormat
from bnnfpga.numbers.integers import IntArray, IntegerType


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_orders_of_axes_are_kept_in_short(shape: list[int], random: object) -> None:
    axes = list(range(len(shape)))
    random.shuffle(axes)  # type: ignore[attr-defined]
    order = Order(np.arange(np.prod(shape)).reshape(shape).transpose(axes).reshape(-1))
    data = order.as_data()
    assert set(data) == {"shape", "axes"}
    np.testing.assert_array_equal(Order.of_data(data, len(order.places)).places, order.places)


@given(st.permutations(range(7)))
def test_any_order_is_kept(places: list[int]) -> None:
    order = Order(np.array(places))
    again = Order.of_data(order.as_data(), 7)
    np.testing.assert_array_equal(again.places, places)
    values = np.arange(14).reshape(2, 7)
    np.testing.assert_array_equal(order.to_stream(values), values[:, places])
    np.testing.assert_array_equal(order.to_model(order.to_stream(values)), values)


@pytest.mark.parametrize(
    "data",
    [
        {"places": [0, 0, 1]},
        {"places": [0, 1]},
        {"places": [1, 2, 3]},
        {"shape": [3, 2], "axes": [0, 1]},
        {"shape": [3], "axes": [1]},
        {"shape": [-1, -3], "axes": [0, 1]},
    ],
)
def test_what_is_no_order(data: dict[str, list[int]]) -> None:
    with pytest.raises(ValueError, match=r"order|dimension"):
        Order.of_data(data, 3)


def test_shapes_and_classes() -> None:
    assert frame_shape([4, 1, 1]) == (4,)
    assert frame_shape([4, 1, 2]) == (4, 1, 2)
    assert frame_shape([]) == (1,)
    first = Order(np.arange(6).reshape(3, 2).T.reshape(-1))
    values = np.array([[1, 5, 2, 4, 3, 0]])

    def classes(values: IntArray, shape: tuple[int, ...], stream_shape: tuple[int, ...], order: Order) -> IntArray:
        stream = BoundaryFormat(6, IntegerType.interval(0, 5), 1)
        return Output("y", "scores", shape, stream, stream_shape, order).classes_of(values)

    # Three channels of two pixels; of a file with the channels last; and of one that flattens them.
    np.testing.assert_array_equal(classes(values, (3, 1, 2), (1, 2, 3), first), [[[2, 0]]])
    np.testing.assert_array_equal(classes(values, (1, 2, 3), (1, 2, 3), Order(np.arange(6))), [[[1, 0]]])
    np.testing.assert_array_equal(classes(values, (6,), (1, 2, 3), first), [1])
    assert is_channels_last((2, 2, 3), (2, 2, 3), Order(np.arange(12)))
    assert not is_channels_last((12,), (12,), Order(np.arange(12)))
    assert is_channels_last((1, 2, 3), (6,), Order(np.arange(6).reshape(2, 3).T.reshape(-1)))
    assert not is_channels_last((1, 2, 3), (6,), Order(np.arange(6)))
