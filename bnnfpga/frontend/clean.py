"""From a model file to a clean QONNX graph: the list of steps."""

from __future__ import annotations

from pathlib import Path

import onnx

from bnnfpga.base.errors import located
from bnnfpga.frontend.checking.graph_check import check_graph, check_outputs, check_shapes
from bnnfpga.frontend.checking.sizes import check_extents, check_sizes, check_windows
from bnnfpga.frontend.checking.supported import check_supported
from bnnfpga.frontend.ends.final import cut_final, cut_other_concats, infer_end
from bnnfpga.frontend.forms.diamonds import DiamondsToUnary
from bnnfpga.frontend.forms.picks import PicksToGathers, ResizesToGathers
from bnnfpga.frontend.forms.reductions import ReductionsToPools
from bnnfpga.frontend.forms.sliding import PlainSliding, check_convs, check_pools
from bnnfpga.frontend.graph.model import Model
from bnnfpga.frontend.graph.protos import from_proto
from bnnfpga.frontend.graph.transform import Transform, apply_transforms
from bnnfpga.frontend.reading.dialects import normalise
from bnnfpga.frontend.reading.inference import infer
from bnnfpga.frontend.reading.modern import modernise
from bnnfpga.frontend.reading.read import read_source
from bnnfpga.frontend.spelling.batch_axis import keep_batch_axis
from bnnfpga.frontend.spelling.bit_averages import AverageOfBitsToQuant
from bnnfpga.frontend.spelling.broadcasts import RepeatedConstants, StretchedOperands, check_products
from bnnfpga.frontend.spelling.channels import ChannelShuffles, check_concats
from bnnfpga.frontend.spelling.channels_first import to_channels_first
from bnnfpga.frontend.spelling.comparisons import AffineIntoMultiThreshold, ComparisonsToMultiThreshold
from bnnfpga.frontend.spelling.constant_parts import ConstantPartsToPads
from bnnfpga.frontend.spelling.dense import GemmToMatMul, check_dense, check_finite
from bnnfpga.frontend.spelling.embeddings import EmbeddingCodes
from bnnfpga.frontend.spelling.identities import DropIdentities
from bnnfpga.frontend.spelling.im2col import BlocksToGroups, FactorsBeforeIm2Col, Im2ColToConv
from bnnfpga.frontend.spelling.layouts import TransposeToReshape
from bnnfpga.frontend.spelling.magnitudes import QuantizersOfMagnitudes
from bnnfpga.frontend.spelling.parameters import FoldQuantizedParameters, QuantizersOfRawWeights
from bnnfpga.frontend.spelling.popcounts import PopcountToMatMul
from bnnfpga.frontend.spelling.roundings import RoundingsToQuantizers, StraightThrough
from bnnfpga.frontend.spelling.signs import PositiveScales
from bnnfpga.frontend.spelling.thermometers import AxesOfConstants, ChannelsForConstants
from bnnfpga.frontend.spelling.tokens import DenseOverTokens
from bnnfpga.frontend.spelling.transposed import TransposedConvolutions
from bnnfpga.frontend.spelling.trunc import TruncToQuant

_BEFORE_PARAMETERS: tuple[Transform, ...] = (
    DropIdentities(),
    TruncToQuant(),
    AxesOfConstants(),
    ChannelsForConstants(),
    StraightThrough(),
    RoundingsToQuantizers(),
    PositiveScales(),
    ComparisonsToMultiThreshold(),
    AffineIntoMultiThreshold(),
    GemmToMatMul(),
    FoldQuantizedParameters(),
    EmbeddingCodes(),
    PopcountToMatMul(),
    DiamondsToUnary(),
)
"""Until all parameters are constants."""
_AFTER_PARAMETERS: tuple[Transform, ...] = (
    FactorsBeforeIm2Col(),
    Im2ColToConv(),
    BlocksToGroups(),
    AverageOfBitsToQuant(),
    TransposedConvolutions(),
    PlainSliding(),
    RepeatedConstants(),
    ChannelShuffles(),
    ReductionsToPools(),
    ResizesToGathers(),
    StretchedOperands(),
    TransposeToReshape(),
    QuantizersOfRawWeights(),
    QuantizersOfMagnitudes(),
)


def load(path: Path) -> Model:
    """Read a model and clean it.

    Raises
    ------
    UserError
        If the file is not a model or the model cannot be compiled; the message names the file and the node.
    """
    source = read_source(path)
    with located(str(path)):
        return clean(source.proto)


def clean(proto: onnx.ModelProto) -> Model:
    """The clean graph of `proto`, which is not changed."""
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    versions = normalise(copy)
    check_graph(copy)
    check_extents(copy)
    modernise(copy, versions)
    model = from_proto(copy)
    infer(model)
    check_sizes(model)
    check_outputs(model)
    cut_final(model)
    model.remove_unread(*model.nodes)
    for transform in _BEFORE_PARAMETERS:
        apply_transforms(model, transform)
    infer(model)
    keep_batch_axis(model)
    apply_transforms(model, ConstantPartsToPads())
    apply_transforms(model, PicksToGathers())
    apply_transforms(model, DenseOverTokens())
    to_channels_first(model)
    for transform in _AFTER_PARAMETERS:
        apply_transforms(model, transform)
    model.remove_unread(*model.nodes)
    infer(model)
    check_sizes(model)
    infer_end(model)
    cut_other_concats(model)
    check_supported(model)
    check_products(model)
    check_shapes(model)
    check_windows(model)
    check_finite(model)
    check_dense(model)
    check_convs(model)
    check_pools(model)
    check_concats(model)
    return model
