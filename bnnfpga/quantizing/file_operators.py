"""The operators of files that are not clean yet, as far as quantizers go."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray

from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.graph.nodes import attribute


def is_dot_product(node: onnx.NodeProto) -> bool:
    """Whether a node is a layer with weights."""
    return node.op_type in ("Gemm", "ConvTranspose") or traits_of(node).dot_product


def outputs_axis(node: onnx.NodeProto, weights: NDArray[np.generic]) -> int:
    """The axis of a layer's weights that counts its outputs; of grouped transposed convolutions, those of a group."""
    if node.op_type == "ConvTranspose":
        return 1
    if traits_of(node).outputs_first or (node.op_type == "Gemm" and attribute(node, "transB", 0)):
        return 0
    return weights.ndim - 1


def carries_weights(node: onnx.NodeProto) -> bool:
    """Whether a node may stand between a quantizer and the layer whose weights it quantises."""
    return node.op_type in ("Transpose", "Reshape", "Identity", "Squeeze", "Unsqueeze", "Flatten")


def has_scale(quantizer: onnx.NodeProto) -> bool:
    """Whether a quantizer's second input is its scale."""
    return quantizer.op_type in ("Quant", "IntQuant", "BipolarQuant")


def shares_scale(node: onnx.NodeProto) -> bool:
    """Whether a node's streams must have scales that join."""
    traits = traits_of(node)
    return node.op_type == "Sum" or traits.adds or traits.subtracts or traits.concatenates


def keeps_numbers(node: onnx.NodeProto) -> bool:
    """Whether a node gives some of the numbers that it takes."""
    traits = traits_of(node)
    kept = traits.moves or traits.takes_extremum or traits.pads
    return kept or node.op_type in ("Relu", "Identity", "GlobalMaxPool")


def keeps_grid(node: onnx.NodeProto) -> bool:
    """Whether the numbers that a node gives are on the grid of those that it takes."""
    return shares_scale(node) or keeps_numbers(node)


def averages(node: onnx.NodeProto) -> bool:
    """Whether a node averages or sums numbers of one stream."""
    return node.op_type in ("GlobalAveragePool", "ReduceMean", "ReduceSum") or traits_of(node).averages
