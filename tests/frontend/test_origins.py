"""Every node that transforms leave behind says which node of the file it stands for: messages name those."""

from __future__ import annotations

import numpy as np
import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.clean import clean
from bnnfpga.frontend.graph.model import Model
from bnnfpga.frontend.graph.nodes import origin_of
from bnnfpga.transforms.fold import fold
from tests.support.any_nets import AnyNet
from tests.support.nets import NetWriter
from tests.support.spelled_nets import SpelledNet


def _origins(model: Model) -> set[tuple[str, ...]]:
    # The scale of integer inputs is the user's, not a node's.
    return {tuple(origin_of(node)[:2]) for node in model.nodes if node.name != "input_scale"}


def _fold(model: Model) -> Model | UserError:
    try:
        return fold(model).model
    except UserError as error:
        return error


@pytest.mark.parametrize("seed", range(40))
def test_nodes_stand_for_nodes_of_the_file(seed: int) -> None:
    for proto in (SpelledNet(seed).net.model(), AnyNet.random(seed).model()):
        of_file = {(node.name, node.op_type) for node in proto.graph.node}
        assert all(name for name, _ in of_file)
        try:
            model = clean(proto)
        except UserError:
            continue
        assert _origins(model) <= of_file
        result = _fold(model)
        if isinstance(result, Model):
            assert _origins(result) <= of_file
        elif str(result.where).startswith("node "):
            assert any(f"{name!r} ({kind})" in str(result.where) for name, kind in of_file), result


def test_a_refusal_names_the_quantizer_whose_scale_stands_in_the_way() -> None:
    net = NetWriter()
    scales = net.constant(np.array([0.1, 0.314159, 0.71828, 0.2]).reshape(1, 4, 1, 1))
    activations = net.node("Mul", net.quant("x", 4, signed=True, scale=1.0), scales)
    weights = np.random.default_rng(0).standard_normal((3, 4, 2, 2))
    net.bipolar(net.node("Conv", activations, net.bipolar(net.constant(weights))))
    proto = net.model((4, 5, 5), "y")
    with pytest.raises(UserError) as caught:
        fold(clean(proto))
    names = {f"node {node.name!r} ({node.op_type})" for node in proto.graph.node}
    assert caught.value.where in names
    assert "(Mul)" in str(caught.value.where)
