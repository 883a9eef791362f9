"""The way from a clean graph to integer operations: the list of transforms, in their order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bnnfpga.frontend.graph.model import Model
from bnnfpga.frontend.graph.transform import apply_transforms
from bnnfpga.golden.golden_model import Findings, golden_graph
from bnnfpga.host.input_format import InputFormat
from bnnfpga.numbers.integers import IntArray, IntegerType
from bnnfpga.transforms.affine_inputs import AffineBehindDotProducts, ShiftsIntoCodes
from bnnfpga.transforms.batch_norm import BatchNormToArithmetic
from bnnfpga.transforms.concats import ConcatBehindQuantizers
from bnnfpga.transforms.first_picks import quantise_before_picks
from bnnfpga.transforms.golden_findings import mark_findings
from bnnfpga.transforms.host_functions import HostFunction, cut_input, cut_layouts, cut_outputs
from bnnfpga.transforms.integer_input import IntegerInput
from bnnfpga.transforms.integer_joins import JoinsOnIntegers
from bnnfpga.transforms.integer_pools import AffineBehindPools
from bnnfpga.transforms.integer_weights import IntegerWeights
from bnnfpga.transforms.merge_layouts import MergeLayouts
from bnnfpga.transforms.move import LayoutBeforeElementwise, QuantizerBeforeLayout
from bnnfpga.transforms.moved_constants import ImagesBehindAverages, PicksBeforeElementwise
from bnnfpga.transforms.quantizer_scales import ScalesOutOfQuantizers
from bnnfpga.transforms.refusals import refuse_floats
from bnnfpga.transforms.stream_products import ProductsOnIntegers
from bnnfpga.transforms.threshold_chains import ChainsToThresholds
from bnnfpga.transforms.transposes import TransposeIntoWeights

SCALE_TRANSFORMS = (
    IntegerWeights,
    BatchNormToArithmetic,
    ScalesOutOfQuantizers,
    TransposeIntoWeights,
    LayoutBeforeElementwise,
    MergeLayouts,
    QuantizerBeforeLayout,
    PicksBeforeElementwise,
    ImagesBehindAverages,
    AffineBehindPools,
    JoinsOnIntegers,
    ProductsOnIntegers,
    ShiftsIntoCodes,
    AffineBehindDotProducts,
    ConcatBehindQuantizers,
)
"""What makes the operands of every dot product integers, in order."""


@dataclass(frozen=True)
class Folded:
    """A graph of integer operations, and what the host computes around it.

    `input_function` is None where the accelerator takes the integers that the user gives. `input_places` says of each
    element of the graph's input its place in a frame of the file's: int64 (elements,). Of each output
    `output_functions` and `output_places` say the same.
    """

    model: Model
    input_function: HostFunction | None
    output_functions: tuple[HostFunction, ...]
    input_places: IntArray
    output_places: tuple[IntArray, ...]


def fold(
    model: Model,
    input_type: IntegerType | None = None,
    input_scale: np.float32 | None = None,
    findings: Findings | None = None,
) -> Folded:
    """Fold scales, biases, batch norms and activations of a clean graph into integer thresholds.

    Parameters
    ----------
    model
        A clean graph; it is left as it is.
    input_type, input_scale
        What integers the accelerator takes: the model's input is code * scale (without a scale, the code). No type:
        floats, quantised by the host.
    findings
        What the golden model finds in the graph, where that is known.
    """
    model = model.copy()
    scale = np.float32(1) if input_scale is None else input_scale
    mark_findings(model, findings or golden_graph(model, InputFormat("", input_type, scale)).findings)
    places = np.arange(0)
    if input_type is None:
        quantise_before_picks(model)
    else:
        places = cut_layouts(model)
        apply_transforms(model, IntegerInput(input_type, scale))
    scale_transforms = [transform() for transform in SCALE_TRANSFORMS]
    for transform in scale_transforms:
        apply_transforms(model, transform)
    # A scale that moved behind one node may now stand in front of another.
    apply_transforms(model, *scale_transforms)
    model.sort()
    input_function = None
    if input_type is None:
        input_function, places = cut_input(model)
    places = places[cut_layouts(model)]
    apply_transforms(model, ChainsToThresholds())
    refuse_floats(model)
    functions, output_places = zip(*cut_outputs(model), strict=True)
    model.sort()
    return Folded(model, input_function, functions, places, output_places)
