"""A model file as a clean QONNX graph: the list of steps."""

from __future__ import annotations

from pathlib import Path

import onnx
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.fold_constants import FoldConstants
from qonnx.transformation.general import RemoveUnusedTensors
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.transformation.remove import RemoveIdentityOps

from bnnfpga.errors import UserError, located
from bnnfpga.frontend.check import check_graph, check_shapes
from bnnfpga.frontend.dense import GemmToMatMul, check_finite
from bnnfpga.frontend.dialects import normalise
from bnnfpga.frontend.nodes import LAYOUT_OPS, QUANTIZERS, describe
from bnnfpga.frontend.read import read_source

SUPPORTED = (
    "Add",
    "BatchNormalization",
    "Clip",
    "Div",
    "MatMul",
    "Mul",
    "Relu",
    "Sub",
    "Transpose",
    *LAYOUT_OPS,
    *QUANTIZERS,
)


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
    normalise(copy)
    check_graph(copy)
    model = ModelWrapper(copy)
    for step in (
        InferShapes(),
        FoldConstants(exclude_op_types=list(QUANTIZERS)),
        GemmToMatMul(),
        RemoveIdentityOps(),
        RemoveUnusedTensors(),
        InferShapes(),
    ):
        model = model.transform(step, make_deepcopy=False)
    for node in model.graph.node:
        if node.op_type not in SUPPORTED:
            raise UserError(
                "operators of this kind cannot be compiled",
                where=describe(node),
                hint=f"supported are {', '.join(sorted(SUPPORTED))}",
            )
    check_shapes(model)
    check_finite(model)
    return model
