"""A model file as a clean QONNX graph: the list of steps."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx.shape_inference import InferenceError
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.fold_constants import FoldConstants
from qonnx.transformation.infer_shapes import InferShapes

from bnnfpga.errors import UserError
from bnnfpga.frontend.check import check
from bnnfpga.frontend.comparisons import AffineIntoMultiThreshold, ComparisonsToMultiThreshold
from bnnfpga.frontend.dense import GemmToMatMul
from bnnfpga.frontend.dialects import normalise
from bnnfpga.frontend.final import CutFinal
from bnnfpga.frontend.identities import DropIdentities
from bnnfpga.frontend.layouts import TransposeToReshape
from bnnfpga.frontend.nodes import WEIGHT_QUANTIZERS
from bnnfpga.frontend.parameters import FoldQuantizedParameters, QuantizersOfRawWeights
from bnnfpga.frontend.read import read_model
from bnnfpga.frontend.trunc import TruncToQuant


def load(path: Path) -> ModelWrapper:
    """Read a model and clean it.

    Raises
    ------
    UserError
        If the file is no model, or the model cannot be compiled; the message names the file and the node.
    """
    try:
        return clean(read_model(path))
    except UserError as error:
        if error.where and not error.where.startswith(str(path)):
            error.where = f"{path}, {error.where}"
        raise


def clean(proto: onnx.ModelProto) -> ModelWrapper:
    """The clean graph of `proto`, which is left as it is."""
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    normalise(copy)
    model = ModelWrapper(copy)
    for step in (
        InferShapes(),
        FoldConstants(exclude_op_types=list(WEIGHT_QUANTIZERS)),
        CutFinal(),
        DropIdentities(),
        TruncToQuant(),
        ComparisonsToMultiThreshold(),
        AffineIntoMultiThreshold(),
        GemmToMatMul(),
        FoldQuantizedParameters(),
        FoldConstants(exclude_op_types=list(WEIGHT_QUANTIZERS)),
        TransposeToReshape(),
        QuantizersOfRawWeights(),
        InferShapes(),
    ):
        try:
            model = model.transform(step, make_deepcopy=False)
        except InferenceError as error:
            raise UserError(
                f"it is no valid ONNX: {str(error).splitlines()[0]}", where="the model's graph", hint="export it again"
            ) from error
    check(model)
    return model
