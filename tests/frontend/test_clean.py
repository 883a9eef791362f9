"""Reading models: every exporter's file becomes one clean graph, and what cannot be compiled is refused by name."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.checking.supported import SUPPORTED
from bnnfpga.frontend.clean import clean, load
from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.graph.nodes import QONNX_DOMAIN
from tests.support.data import FIXTURES, shared
from tests.support.nets import DenseNet, NetWriter

BREVITAS = sorted((FIXTURES / "brevitas").glob("*.onnx"))


@pytest.mark.parametrize("path", BREVITAS, ids=lambda path: path.stem)
def test_exports_become_clean(path: Path) -> None:
    model = load(path)
    names = [node.name for node in model.nodes]
    assert len(set(names)) == len(names)
    assert all(names)
    assert {node.op_type for node in model.nodes} <= set(SUPPORTED)
    assert all(node.domain == QONNX_DOMAIN for node in model.nodes if traits_of(node).quantizes)
    assert model.shape(model.input)[0] == 1
    # Only quantizers keep constant inputs alone: every other constant subgraph is folded.
    for node in model.nodes:
        if not traits_of(node).quantizes and not traits_of(node).transposes:
            assert any(model.constant(name) is None for name in node.input), node.name


@pytest.mark.parametrize("name", ["TFC_1W1A.onnx", "TFC_1W2A.onnx", "lfc_w1a1_mnist.onnx.gz"])
def test_published_models_become_clean(name: str) -> None:
    model = load(shared(f"models/{name}"))
    assert model.shape(model.outputs[0]) == [1, 10]


def test_cleaning_leaves_its_argument_alone() -> None:
    proto = DenseNet((8, 6, 4), bias=True, gemm=True).model()
    before = proto.SerializeToString()
    clean(proto)
    assert proto.SerializeToString() == before


def test_constants_in_nodes_and_among_inputs() -> None:
    proto = DenseNet((8, 6, 4)).model()
    moved = proto.graph.initializer.pop(0)
    proto.graph.node.insert(0, onnx.helper.make_node("Constant", [], [moved.name], value=moved))
    listed = proto.graph.initializer[0]
    proto.graph.input.append(onnx.helper.make_tensor_value_info(listed.name, TensorProto.FLOAT, listed.dims))
    model = clean(proto)
    assert model.input == "x"
    assert "Constant" not in {node.op_type for node in model.nodes}


def test_gemm_with_and_without_bias() -> None:
    for bias in (False, True):
        model = clean(DenseNet((8, 6, 4), bias=bias, gemm=True).model())
        kinds = [node.op_type for node in model.nodes]
        assert "Gemm" not in kinds
        assert kinds.count("MatMul") == 2
        assert kinds.count("Add") == 2 * bias


def _write(folder: Path, proto: onnx.ModelProto) -> Path:
    path = folder / "net.onnx"
    onnx.save(proto, path)
    return path


def _refused(path: Path) -> UserError:
    with pytest.raises(UserError) as caught:
        load(path)
    assert caught.value.where is not None
    assert caught.value.where.startswith(str(path))
    return caught.value


@pytest.mark.parametrize(
    "data",
    [b"", b"no model", b"\x1f\x8bdamaged", gzip.compress(b"no model", mtime=0)],
    ids=["empty", "text", "no gzip", "gzipped text"],
)
def test_no_model(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(data)
    _refused(path)


def test_truncated_model(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(DenseNet((32, 16, 4)).model().SerializeToString()[:-100])
    assert "not an ONNX model" in _refused(path).message


def test_missing_file(tmp_path: Path) -> None:
    assert "no such file" in _refused(tmp_path / "nothing.onnx").message


def test_unsupported_operator_is_named(tmp_path: Path) -> None:
    net = NetWriter()
    net.node("Mod", "x", net.constant(2), fmod=1)
    error = _refused(_write(tmp_path, net.model((4,), "y")))
    assert "'n0' (Mod)" in str(error.where)
    assert "in front of the model" in str(error.hint)


def test_nan_weights(tmp_path: Path) -> None:
    net = NetWriter()
    net.node("MatMul", net.bipolar("x"), net.bipolar(net.constant(np.full((4, 2), np.nan))))
    error = _refused(_write(tmp_path, net.model((4,), "y")))
    assert "NaN" in error.message
    assert "tensor" in str(error.where)


def test_two_inputs(tmp_path: Path) -> None:
    proto = DenseNet((4, 2)).model()
    proto.graph.input.append(onnx.helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 4]))
    assert "2 inputs" in _refused(_write(tmp_path, proto)).message


def test_unknown_input_size(tmp_path: Path) -> None:
    proto = DenseNet((4, 2)).model()
    proto.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "features"
    assert "axis 1" in _refused(_write(tmp_path, proto)).message
