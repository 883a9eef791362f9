"""A model file as a clean QONNX graph: the list of steps."""

from __future__ import annotations

from pathlib import Path

import onnx

from bnnfpga.errors import located
from bnnfpga.frontend.batch_axis import keep_batch_axis
from bnnfpga.frontend.bit_averages import AverageOfBitsToQuant
from bnnfpga.frontend.broadcasts import StretchedOperands, check_products
from bnnfpga.frontend.channels import ChannelShuffles, check_concats
from bnnfpga.frontend.channels_first import to_channels_first
from bnnfpga.frontend.check import check_graph, check_outputs, check_shapes
from bnnfpga.frontend.comparisons import AffineIntoMultiThreshold, ComparisonsToMultiThreshold
from bnnfpga.frontend.constant_parts import ConstantPartsToPads
from bnnfpga.frontend.dense import GemmToMatMul, check_dense, check_finite
from bnnfpga.frontend.dialects import normalise
from bnnfpga.frontend.diamonds import DiamondsToUnary
from bnnfpga.frontend.embeddings import EmbeddingCodes
from bnnfpga.frontend.final import cut_final, cut_other_concats, infer_end
from bnnfpga.frontend.identities import DropIdentities
from bnnfpga.frontend.im2col import BlocksToGroups, FactorsBeforeIm2Col, Im2ColToConv
from bnnfpga.frontend.inference import infer
from bnnfpga.frontend.layouts import TransposeToReshape
from bnnfpga.frontend.magnitudes import QuantizersOfMagnitudes
from bnnfpga.frontend.model import Model
from bnnfpga.frontend.modern import modernise
from bnnfpga.frontend.parameters import FoldQuantizedParameters, QuantizersOfRawWeights
from bnnfpga.frontend.picks import PicksToGathers, ResizesToGathers
from bnnfpga.frontend.popcounts import PopcountToMatMul
from bnnfpga.frontend.protos import from_proto
from bnnfpga.frontend.read import read_source
from bnnfpga.frontend.reductions import ReductionsToPools
from bnnfpga.frontend.rewriting import Rewrite, apply_rewrites
from bnnfpga.frontend.roundings import RoundingsToQuantizers, StraightThrough
from bnnfpga.frontend.signs import PositiveScales
from bnnfpga.frontend.sizes import check_extents, check_sizes, check_windows
from bnnfpga.frontend.sliding import PlainSliding, check_convs, check_pools
from bnnfpga.frontend.supported import check_supported
from bnnfpga.frontend.thermometers import AxesOfConstants, ChannelsForConstants
from bnnfpga.frontend.tokens import DenseOverTokens
from bnnfpga.frontend.trunc import TruncToQuant

_BEFORE_PARAMETERS: tuple[Rewrite, ...] = (
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
"""Up to where all parameters are constants."""
_BEHIND_PARAMETERS: tuple[Rewrite, ...] = (
    FactorsBeforeIm2Col(),
    Im2ColToConv(),
    BlocksToGroups(),
    AverageOfBitsToQuant(),
    PlainSliding(),
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
        If the file is no model, or the model cannot be compiled; the message names the file and the node.
    """
    source = read_source(path)
    with located(str(path)):
        return clean(source.proto)


def clean(proto: onnx.ModelProto) -> Model:
    """The clean graph of `proto`, which is left as it is."""
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
    for rewrite in _BEFORE_PARAMETERS:
        apply_rewrites(model, rewrite)
    infer(model)
    keep_batch_axis(model)
    apply_rewrites(model, ConstantPartsToPads())
    apply_rewrites(model, PicksToGathers())
    apply_rewrites(model, DenseOverTokens())
    to_channels_first(model)
    for rewrite in _BEHIND_PARAMETERS:
        apply_rewrites(model, rewrite)
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
