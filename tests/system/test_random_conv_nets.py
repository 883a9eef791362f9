"""Random convolutional nets with random foldings and stalls: golden model = emulator = Verilator, cycle by cycle.

The golden model itself agrees with plain float runs of the file, but for rounding ties.

A seed says everything of a case. 20 of them run in `make test`, all of them in `make test-all`. One that fails is
shrunk, and the error says where the small one lies; nets that once failed run from `tests/fixtures/regressions/`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import onnx
import pytest

from bnnfpga.frontend.graph.nodes import attribute
from tests.support.cases import REGRESSIONS, Case, check_case
from tests.support.conv_nets import ConvNet
from tests.support.seeds import CONV_NETS, QUICK, seeds
from tests.support.shrinking import check_or_shrink

pytestmark = pytest.mark.usefixtures("built_soon")


@pytest.mark.parametrize("seed", seeds(CONV_NETS))
def test_random_net(seed: int, tmp_path: Path) -> None:
    check_or_shrink(Case.random(seed), tmp_path)


@pytest.mark.parametrize("name", sorted(path.name for path in REGRESSIONS.iterdir() if path.is_dir()))
def test_what_once_failed(name: str, tmp_path: Path) -> None:
    check_case(REGRESSIONS / name, tmp_path)


def features(net: ConvNet) -> set[str]:
    """What a net has of all that random nets are to have."""
    found = {
        f"W{net.weight_bits}A{net.activation_bits}",
        f"{len(net.shape) - 1}-D",
        "scores" if net.flatten else "image",
    }
    found |= {"8-bit input"} if net.input_bits == 8 else set()
    found |= {"8-bit weights in the first layer"} if net.first_bits == 8 else set()
    graph = net.model().graph
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    makers = {node.output[0]: node for node in graph.node}
    for node in graph.node:
        found.add(node.op_type)
        if node.op_type == "Conv":
            found |= _sliding(node, constants[makers[node.input[1]].input[0]].shape)
        elif node.op_type in ("MaxPool", "AveragePool"):
            found |= {f"{node.op_type} with {item}" for item in _sliding(node, ())}
        if "Pool" in node.op_type:
            before = makers[node.input[0]].op_type
            found.add(f"{node.op_type} behind {'bits' if before in ('Quant', 'BipolarQuant') else before}")
        if node.op_type in ("BatchNormalization", "Mul"):
            scale = constants[node.input[1]]
            found |= {
                f"{node.op_type} by {sign}" for sign, has in (("0", scale == 0), ("less", scale < 0)) if has.any()
            }
        if node.op_type in ("Add", "Sub"):
            found.add(f"{node.op_type} of {'a constant' if node.input[1] in constants else 'streams'}")
    return found


def _sliding(node: onnx.NodeProto, weights: tuple[int, ...]) -> set[str]:
    kernel, strides = attribute(node, "kernel_shape", weights[2:]), attribute(node, "strides", [1])
    pads, dilations = attribute(node, "pads", [0, 0]), attribute(node, "dilations", [1])
    groups, axes = attribute(node, "group", 1), len(kernel)
    has = {
        "an oblong kernel": len(set(kernel)) > 1,
        "a kernel of 5": max(kernel) == 5,
        "a kernel of 1": max(kernel) == 1,
        "strides": max(strides) > 1,
        "strides beyond its kernel": any(stride > size for stride, size in zip(strides, kernel, strict=False)),
        "pads": any(pads),
        "uneven pads": pads[:axes] != pads[axes:],
        "automatic pads": bool(attribute(node, "auto_pad", "")),
        "dilation": max(dilations) > 1,
        "windows over the end": bool(attribute(node, "ceil_mode", 0)),
        "a bias": node.op_type == "Conv" and len(node.input) > 2,
        "groups": groups > 1 and weights[1:2] != (1,),
        "a group for each channel": groups > 1 and weights[1:2] == (1,),
    }
    return {name for name, is_so in has.items() if is_so}


OFTEN = {
    *(
        "W1A1",
        "W1A2",
        "W1A4",
        "W2A2",
        "8-bit input",
        "8-bit weights in the first layer",
        "1-D",
        "2-D",
        "scores",
        "image",
    ),
    *("a kernel of 1", "a kernel of 5", "an oblong kernel", "strides", "strides beyond its kernel", "pads"),
    *("uneven pads", "automatic pads", "dilation", "a bias", "groups", "a group for each channel", "Pad"),
    *("MaxPool behind bits", "MaxPool behind Conv", "MaxPool behind BatchNormalization"),
    *("MaxPool with pads", "MaxPool with dilation", "MaxPool with windows over the end"),
    *("AveragePool behind BatchNormalization", "AveragePool with strides"),
    *("GlobalAveragePool behind BatchNormalization", "GlobalMaxPool behind Conv"),
    *("BatchNormalization by 0", "BatchNormalization by less", "Mul by 0", "Mul by less"),
    *("Add of streams", "Sub of streams", "Concat", "Transpose", "Resize", "Relu", "BipolarQuant", "Quant"),
}


def test_random_nets_have_everything() -> None:
    counts = Counter(feature for seed in range(CONV_NETS) for feature in features(ConvNet.random(seed)))
    assert not {feature: counts[feature] for feature in OFTEN if counts[feature] < 5}
    quick = Counter(feature for seed in range(QUICK) for feature in features(ConvNet.random(seed)))
    assert len(OFTEN - set(quick)) <= 5, OFTEN - set(quick)
