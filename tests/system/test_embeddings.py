"""Embeddings: rows of a quantised table by integers of the input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.frontend.clean import clean
from bnnfpga.golden.file_check import check_file
from bnnfpga.golden.golden_model import GoldenModel
from tests.support.builds import check_cycles
from tests.support.nets import NetWriter


def _net(words: int, features: int, tokens: int, bits: int, *, quantised: bool = True) -> onnx.ModelProto:
    rng = np.random.default_rng(words)
    net = NetWriter()
    table = net.constant(rng.normal(0, 1, (words, features)))
    if quantised:
        table = net.bipolar(table, 0.5) if bits == 1 else net.quant(table, bits, scale=0.25, signed=True)
    x = net.node("Reshape", net.node("Gather", table, "x", axis=0), net.constant([1, features * tokens], np.int64))
    x = net.node("MatMul", x, net.bipolar(net.constant(rng.normal(0, 1, (features * tokens, 5)))))
    x = net.bipolar(net.node("Sub", x, net.constant(0.1)))
    net.node("MatMul", x, net.bipolar(net.constant(rng.normal(0, 1, (5, 3)))))
    proto = net.model((tokens,), net.nodes[-1].output[0])
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    return proto


def _compiled(proto: onnx.ModelProto, folder: Path, **options: object) -> bnnfpga.Project:
    path = folder / "net.onnx"
    onnx.save(proto, path)
    return bnnfpga.compile(path, folder / "project", **options)


@pytest.mark.parametrize(("words", "features", "tokens", "bits"), [(16, 4, 6, 1), (8, 3, 1, 4), (10, 5, 4, 2)])
def test_embeddings(words: int, features: int, tokens: int, bits: int, tmp_path: Path) -> None:
    proto = _net(words, features, tokens, bits)
    project = _compiled(proto, tmp_path, input="uint4")
    codes = np.random.default_rng(0).integers(0, words, (50, tokens))
    golden = GoldenModel(clean(proto), project.input_format)
    reading = check_file(proto, golden, codes.astype(np.float32))
    assert reading.difference is None
    assert reading.unchecked == ()
    result = project.simulate(codes, backend="emulator")
    assert result.mismatches == 0
    assert len(np.unique(result.outputs)) > 1


@pytest.mark.slow
def test_embeddings_in_hardware(tmp_path: Path) -> None:
    check_cycles(_compiled(_net(16, 4, 6, 2), tmp_path, input="uint4"))


def test_a_table_of_floats_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the numbers of its table are not quantised") as caught:
        _compiled(_net(16, 4, 6, 1, quantised=False), tmp_path, input="uint4")
    assert "(Gather)" in str(caught.value.where)
