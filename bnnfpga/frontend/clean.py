"""A model file as a clean QONNX graph: the list of steps."""

from __future__ import annotations

from pathlib import Path

import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.infer_shapes import InferShapes

from bnnfpga.errors import located
from bnnfpga.frontend.broadcasts import StretchedOperands, check_products
from bnnfpga.frontend.channels import ChannelsToGather, check_concats
from bnnfpga.frontend.check import check_graph, check_shapes
from bnnfpga.frontend.comparisons import AffineIntoMultiThreshold, ComparisonsToMultiThreshold
from bnnfpga.frontend.constants import FoldConstants
from bnnfpga.frontend.dense import GemmToMatMul, check_dense, check_finite
from bnnfpga.frontend.dialects import normalise
from bnnfpga.frontend.final import CutFinal
from bnnfpga.frontend.identities import DropIdentities
from bnnfpga.frontend.layouts import TransposeToReshape
from bnnfpga.frontend.modern import modernise
from bnnfpga.frontend.parameters import FoldQuantizedParameters, QuantizersOfRawWeights
from bnnfpga.frontend.read import read_source
from bnnfpga.frontend.sliding import PlainSliding, check_convs, check_pools
from bnnfpga.frontend.supported import check_supported
from bnnfpga.frontend.trunc import TruncToQuant


def load(path: Path) -> ModelWrapper:
    """Read a model and clean it.

    Raises
    ------
    UserError
        If the file is no model, or the model cannot be compiled; the message names the file and the node.
    """
    source = read_source(path)
    with located(str(path)):
        return clean(source.proto)


def clean(proto: onnx.ModelProto) -> ModelWrapper:
    """The clean graph of `proto`, which is left as it is."""
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    versions = normalise(copy)
    check_graph(copy)
    modernise(copy, versions)
    model = ModelWrapper(copy)
    for step in (
        InferShapes(),
        FoldConstants(),
        CutFinal(),
        DropIdentities(),
        TruncToQuant(),
        ComparisonsToMultiThreshold(),
        AffineIntoMultiThreshold(),
        GemmToMatMul(),
        FoldQuantizedParameters(),
        FoldConstants(),
        PlainSliding(),
        ChannelsToGather(),
        StretchedOperands(),
        TransposeToReshape(),
        QuantizersOfRawWeights(),
        InferShapes(),
    ):
        model = model.transform(step, make_deepcopy=False)
    check_supported(model)
    check_products(model)
    check_shapes(model)
    check_finite(model)
    check_dense(model)
    check_convs(model)
    check_pools(model)
    check_concats(model)
    return model
