"""Published nets after each step of FINN's own streamlining, where FINN and the shared models are there."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation import general
from qonnx.transformation.batchnorm_to_affine import BatchNormToAffine
from qonnx.transformation.bipolar_to_xnor import ConvertBipolarMatMulToXnorPopcount
from qonnx.transformation.fold_constants import FoldConstants
from qonnx.transformation.infer_data_layouts import InferDataLayouts
from qonnx.transformation.infer_datatypes import InferDataTypes
from qonnx.transformation.infer_shapes import InferShapes
from qonnx.transformation.insert_topk import InsertTopK
from qonnx.transformation.lower_convs_to_matmul import LowerConvsToMatMul
from qonnx.transformation.remove import RemoveIdentityOps
from qonnx.util.cleanup import cleanup_model

import bnnfpga
from tests.support.data import shared

absorb = pytest.importorskip("finn.transformation.streamline.absorb", reason="finn-plus is not installed")
collapse = pytest.importorskip("finn.transformation.streamline.collapse_repeated")
reorder = pytest.importorskip("finn.transformation.streamline.reorder")
rounding = pytest.importorskip("finn.transformation.streamline.round_thresholds")
signs = pytest.importorskip("finn.transformation.streamline.sign_to_thres")
to_finn = pytest.importorskip("finn.transformation.qonnx.convert_qonnx_to_finn")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

MODELS = ("TFC_1W1A.onnx", "TFC_1W2A.onnx", "TFC_2W2A.onnx", "lfc_w1a1_mnist.onnx.gz", "cnv_w1a1_cifar10.onnx.gz")
IMAGES = 50
_STREAMLINE = (
    general.ConvertSubToAdd,
    general.ConvertDivToMul,
    BatchNormToAffine,
    signs.ConvertSignToThres,
    reorder.MoveMulPastMaxPool,
    absorb.AbsorbScalarBiasIntoMultiThreshold,
    reorder.MoveScalesPastIm2Col,
    reorder.MoveScalarLinearPastInvariants,
    reorder.MoveAddPastMul,
    reorder.MoveScalarAddPastMatMul,
    reorder.MoveAddPastConv,
    reorder.MoveScalarMulPastMatMul,
    reorder.MoveScalarMulPastConv,
    reorder.MoveAddPastMul,
    collapse.CollapseRepeatedAdd,
    collapse.CollapseRepeatedMul,
    reorder.MoveMulPastMaxPool,
    absorb.AbsorbAddIntoMultiThreshold,
    absorb.FactorOutMulSignMagnitude,
    absorb.AbsorbMulIntoMultiThreshold,
    absorb.Absorb1BitMulIntoMatMul,
    absorb.Absorb1BitMulIntoConv,
)
"""What FINN's `Streamline` does, one after the other."""


def _streamline() -> Iterator[Sequence[Any]]:
    for step in _STREAMLINE:
        names = [general.GiveUniqueNodeNames(), general.GiveReadableTensorNames()]
        yield [step(), RemoveIdentityOps(), *names, InferDataTypes(), InferDataLayouts()]


def _steps() -> Iterator[Sequence[Any]]:
    """FINN's steps qonnx_to_finn, tidy_up and streamline, and the TopK of its examples."""
    yield [to_finn.ConvertQONNXtoFINN()]
    yield [InferShapes(), FoldConstants(), general.GiveUniqueNodeNames(), InferDataTypes()]
    yield [absorb.AbsorbScalarBiasIntoMultiThreshold()]
    yield from _streamline()
    yield [LowerConvsToMatMul()]
    yield [reorder.MakeMaxPoolNHWC()]
    yield [absorb.AbsorbTransposeIntoMultiThreshold()]
    yield [reorder.MakeMaxPoolNHWC(), absorb.AbsorbConsecutiveTransposes()]
    yield [ConvertBipolarMatMulToXnorPopcount()]
    yield from _streamline()
    yield [rounding.RoundAndClipThresholds()]
    yield [InsertTopK(1), absorb.AbsorbScalarMulAddIntoTopK(), InferShapes(), InferDataTypes()]


def _content(model: ModelWrapper) -> bytes:
    """The file without what it says of its tensors."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model.model)
    del copy.graph.value_info[:], copy.graph.quantization_annotation[:]
    return copy.SerializeToString(deterministic=True)


def _images(name: str) -> np.ndarray:
    if name.startswith("cnv"):
        colours: np.ndarray = np.load(shared("data/cifar10_jpg/cifar10jpg_test_500.npz"))["x"]
        return np.moveaxis(colours[:IMAGES], -1, 1)
    digits: np.ndarray = np.load(shared("data/mnist/mnist_t10k_first1000.npz"))["x"]
    return digits[:IMAGES, None]


def _run(path: Path, folder: Path, name: str) -> bnnfpga.SimulationResult:
    """On codes of the pixels; the convolutional net divides by 255 itself."""
    scale = 1 if name.startswith("cnv") else 1 / 255
    project = bnnfpga.compile(path, folder, input="uint8", input_scale=scale)
    assert not [text for text in project.warnings if "not compared" in text]
    result = project.simulate(_images(name), backend="emulator")
    assert result.mismatches == 0
    return result


@pytest.mark.parametrize("name", MODELS)
def test_every_step_compiles_and_gives_the_same(name: str, tmp_path: Path) -> None:
    path = shared(f"models/{name}")
    data = path.read_bytes()
    model = ModelWrapper(gzip.decompress(data) if name.endswith(".gz") else data)
    for node in model.graph.node:
        # FINN's own pools always say their pads.
        if node.op_type == "MaxPool" and not any(item.name == "pads" for item in node.attribute):
            node.attribute.append(onnx.helper.make_attribute("pads", [0, 0, 0, 0]))
    plain = _run(path, tmp_path / "plain", name)
    model = cleanup_model(model)
    last, done = b"", 0
    for place, transformations in enumerate(_steps()):
        for transformation in transformations:
            model = model.transform(transformation)
        if (content := _content(model)) == last:
            continue
        last, done = content, done + 1
        path = tmp_path / f"step{place}.onnx"
        model.save(str(path))
        found = _run(path, tmp_path / f"project{place}", name)
        np.testing.assert_array_equal(found.classes, plain.classes)
        if not any(node.op_type == "TopK" for node in model.graph.node):
            np.testing.assert_allclose(found.values, plain.values, rtol=1e-5, atol=1e-6)
    assert done > 10
