"""From a clean graph to integer operations: the list of transforms, in order."""

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
from bnnfpga.transforms.spread_quantizers import QuantizerBeforeSpreading
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
    QuantizerBeforeSpreading,
    ImagesBehindAverages,
    AffineBehindPools,
    JoinsOnIntegers,
    ProductsOnIntegers,
    ShiftsIntoCodes,
    AffineBehindDotProducts,
    ConcatBehindQuantizers,
)
"""The transforms that make the operands of every dot product integer, in order."""


@dataclass(frozen=True)
class Folded:
    """A graph of integer operations, and the functions that the host computes before and after it.

    `input_function` is None if the accelerator takes the user's integers. `input_places`, int64 (elements,), maps each
    element of the graph's input to its position in an input frame of the file. `output_functions` and
    `output_places` hold the same for each output.
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
        A clean graph; it is not modified.
    input_type, input_scale
        The integers that the accelerator takes: the model's input is code * scale (without a scale, the code). If no
        type is specified, the model takes floats, which the host quantises.
    findings
        The golden model's findings on the graph, if they are already known.
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
    # A scale that has moved past one node may now stand in front of another.
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
