"""Units work out for themselves what they make: that must hold what the transforms found of the same tensor."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pytest

from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.frontend.clean import clean
from bnnfpga.lowering.accelerator import Lowering, StreamedTensor
from bnnfpga.lowering.lower import lower
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.transforms.fold import fold
from tests.support.nets import DenseNet, NetWriter


def test_a_unit_that_makes_too_little_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fold(clean(DenseNet.random(0).model())).model
    last = [unit for unit in lower(model).operators if unit.kind == "matrix_vector"][-1]
    right = last.outputs[0].type
    narrow = cached_property(lambda _: IntegerType(right.lo, right.hi - 1, "signed"))
    narrow.__set_name__(MatrixVector, "accumulator")
    monkeypatch.setattr(MatrixVector, "accumulator", narrow)
    with pytest.raises(AssertionError, match=rf"{last.name} makes .*, but tensor '\w+' was found to be "):
        lower(model)


def test_every_stream_of_a_tensor_is_checked() -> None:
    model = fold(clean(DenseNet.random(0).model())).model
    lowering, result = Lowering(model), model.outputs[0]
    stream = StreamedTensor(None, np.arange(1))
    with pytest.raises(AssertionError, match=rf"the input makes .*, but tensor '{result}' was found to be "):
        lowering.record(result, stream)
    with pytest.raises(TypeError):
        lowering.tensors[result] = stream  # type: ignore[index]


def test_a_pad_of_no_width_adds_no_value() -> None:
    net = NetWriter(rng=np.random.default_rng(0))
    x = net.node("Pad", net.bipolar("x"), net.constant([0] * 8, np.int64), net.constant(3))
    weights = net.bipolar(net.constant(net.rng.normal(size=(3, 2, 3, 3))))
    model = fold(clean(net.model((2, 4, 4), net.node("Conv", x, weights)))).model
    assert lower(model).operators[-1].inputs[0].type == IntegerType.interval(-18, 18)


@pytest.mark.parametrize(
    ("type", "inner", "held"),
    [
        (IntegerType.interval(-3, 7), IntegerType.interval(0, 7), True),
        (IntegerType.interval(-3, 7), IntegerType.interval(0, 8), False),
        (IntegerType.interval(-3, 7), IntegerType.interval(-4, 7), False),
        (IntegerType.interval(-1, 1), IntegerType.bipolar(), True),
        (IntegerType.bipolar(), IntegerType.interval(-1, 1), False),
        (IntegerType.bipolar(), IntegerType.interval(1, 1), True),
    ],
)
def test_a_type_contains_another(type: IntegerType, inner: IntegerType, held: bool) -> None:
    assert type.contains(inner) == held
