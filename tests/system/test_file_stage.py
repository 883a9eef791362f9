"""The stage `file`: whatever the compiler reads wrongly, `compile` itself reports, and `verify` after it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import bnnfpga
from bnnfpga.cli.main import app
from bnnfpga.cli.terminal import run
from bnnfpga.compiler import frames, model_file
from bnnfpga.frontend.graph.model import Model
from bnnfpga.golden import onnx_form
from tests.support.nets import DOMAIN, DenseNet, NetWriter

Edit = Callable[[onnx.ModelProto], None]


def _net(coordinates: str = "asymmetric") -> onnx.ModelProto:
    """Something of each kind that is read wrongly below."""
    rng = np.random.default_rng(0)
    net = NetWriter()
    x = net.quant("x", 4, scale=0.25, signed=True)
    scales = net.constant([1, 1, 2, 2])
    options = {"coordinate_transformation_mode": coordinates, "nearest_mode": "floor"}
    x = net.node("Resize", x, "", scales, mode="nearest", **options)
    x = net.node("Conv", x, net.bipolar(net.constant(rng.standard_normal((4, 2, 3, 3)))))
    x = net.node("Add", x, net.constant(rng.normal(0, 2, (4, 1, 1))))
    x = net.node("Clip", x, net.constant(-1.5), net.constant(2.5))
    x = net.quant(x, 3, scale=0.5, signed=True, mode="FLOOR")
    x = net.node("Conv", x, net.bipolar(net.constant(rng.standard_normal((4, 4, 2, 2)))))
    thresholds = net.constant(np.sort(rng.normal(0, 3, (4, 3)), axis=1))
    x = net.node("MultiThreshold", x, thresholds, domain=DOMAIN, out_dtype="UINT2")
    x = net.node("Flatten", x)
    x = net.node("MatMul", x, net.bipolar(net.constant(rng.standard_normal((36, 6)))))
    x = net.node("Sign", x)
    net.node("MatMul", x, net.bipolar(net.constant(rng.standard_normal((6, 3)))))
    return net.model((2, 3, 3), "y")


def _first(model: onnx.ModelProto, kind: str) -> onnx.NodeProto:
    return next(node for node in model.graph.node if node.op_type == kind)


def _clip(model: onnx.ModelProto) -> None:
    node = _first(model, "Clip")
    node.op_type = "Identity"
    del node.input[1:]


def _resize(model: onnx.ModelProto) -> None:
    for item in _first(model, "Resize").attribute:
        if item.name == "coordinate_transformation_mode":
            item.s = b"asymmetric"


def _rounding(model: onnx.ModelProto) -> None:
    node = [node for node in model.graph.node if node.op_type == "Quant"][1]
    next(item for item in node.attribute if item.name == "rounding_mode").s = b"ROUND"


def _scale(model: onnx.ModelProto) -> None:
    _edit(model, _first(model, "Quant").input[1], lambda scale: scale * 2)


def _bias(model: onnx.ModelProto) -> None:
    _edit(model, _first(model, "Add").input[1], np.zeros_like)


def _thresholds(model: onnx.ModelProto) -> None:
    _edit(model, _first(model, "MultiThreshold").input[1], lambda rows: rows[::-1])


def _weights(model: onnx.ModelProto) -> None:
    weights = _first(model, "MatMul").input[1]
    maker = next(node for node in model.graph.node if weights in node.output)
    _edit(model, maker.input[0], lambda rows: rows[::-1])


def _edit(model: onnx.ModelProto, name: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == name)
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(change(numpy_helper.to_array(tensor))), name))


FAULTS: dict[str, tuple[Edit, str, str]] = {
    "a dropped Clip": (_clip, "(Quant)", "(Clip)"),
    "wrong Resize coordinates": (_resize, "(Resize)", ""),
    "another rounding mode": (_rounding, "(Quant)", "(Clip)"),
    "another scale": (_scale, "(Quant)", ""),
    "a lost bias": (_bias, "(Quant)", "(Add)"),
    "transposed thresholds": (_thresholds, "(MultiThreshold)", ""),
    "transposed weights": (_weights, "(MatMul)", ""),
}
"""What the compiler reads instead of the file, the node that is named, and one that leads to it."""


def _read_wrongly(monkeypatch: pytest.MonkeyPatch, edit: Edit) -> None:
    right = model_file.clean

    def wrong(proto: onnx.ModelProto) -> Model:
        other = onnx.ModelProto()
        other.CopyFrom(proto)
        edit(other)
        return right(other)

    monkeypatch.setattr(model_file, "clean", wrong)


def _saved(folder: Path, model: onnx.ModelProto) -> Path:
    onnx.save(model, folder / "net.onnx")
    return folder / "net.onnx"


def test_what_is_read_rightly_compiles(tmp_path: Path) -> None:
    project = bnnfpga.compile(_saved(tmp_path, _net()), tmp_path / "project")
    summary = project.summary()
    assert summary["checked"]["stages"][:3] == ["file", "source", "folded"]
    assert summary["ties"]["decisions"] == 6 * (2 * 9 + 4 * 16 + 4 * 9 + 6)
    assert [layer["on_tie"] for layer in summary["ties"]["layers"]] == [0] * 4
    assert summary["warnings"] == []


@pytest.mark.parametrize("name", FAULTS)
def test_compile_reports_what_it_reads_wrongly(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit, node, behind = FAULTS[name]
    _read_wrongly(monkeypatch, edit)
    # Half pixels, rounded down, are no repetition.
    net = _net("half_pixel" if edit is _resize else "asymmetric")
    with pytest.raises(bnnfpga.ResultsDiffer) as caught:
        bnnfpga.compile(_saved(tmp_path, net), tmp_path / "project")
    assert node in str(caught.value.where)
    assert "net.onnx" in str(caught.value.where)
    assert behind in caught.value.message
    assert "the file gives" in caught.value.message
    assert not (tmp_path / "project").exists()


def test_a_sign_of_zero_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums of six signs are often 0, exactly."""
    net = NetWriter()
    x = net.bipolar("x")
    x = net.node("Sign", net.node("MatMul", x, net.bipolar(net.constant(np.eye(6) - 0.5))))
    net.node("MatMul", x, net.bipolar(net.constant(np.eye(6, 3) - 0.5)))
    monkeypatch.setitem(onnx_form._CASES, "sign_or_zero", onnx_form._CASES["sign"])
    with pytest.raises(bnnfpga.ResultsDiffer) as caught:
        bnnfpga.compile(_saved(tmp_path, net.model((6,), "y")), tmp_path / "project")
    assert "(Sign)" in str(caught.value.where)


def test_the_command_line_says_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 1, one JSON object, and nothing written."""
    _read_wrongly(monkeypatch, _bias)
    model = _saved(tmp_path, _net())
    assert run(app, ["compile", str(model), "-o", str(tmp_path / "project"), "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert set(error) == {"message", "where", "hint"}
    assert "(Quant)" in error["where"]
    assert run(app, ["compile", str(model), "-o", str(tmp_path / "project")]) == 1
    assert "error:" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.onnx"]


def test_an_older_project_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = _saved(tmp_path, _net())
    before = {path: path.read_bytes() for path in bnnfpga.compile(model, tmp_path / "project").folder.rglob("*.json")}
    _read_wrongly(monkeypatch, _clip)
    with pytest.raises(bnnfpga.ResultsDiffer):
        bnnfpga.compile(model, tmp_path / "project", force=True)
    assert {path: path.read_bytes() for path in (tmp_path / "project").rglob("*.json")} == before


def test_verify_begins_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = bnnfpga.compile(_saved(tmp_path, _net()), tmp_path / "project")
    x = np.random.default_rng(1).standard_normal((10, 2, 3, 3)).astype(np.float32)
    result = project.verify(x, ["file", "source", "folded"])
    assert result.equal
    assert [stage["name"] for stage in result.stages] == ["file", "source", "folded"]
    assert result.ties is not None
    assert result.ties["decisions"] == 10 * (2 * 9 + 4 * 16 + 4 * 9 + 6)
    assert "rounding ties" in str(result)
    assert project.verify(x, ["source", "folded"]).ties is None
    _read_wrongly(monkeypatch, _thresholds)
    result = project.verify(x, ["file", "source"])
    assert not result.equal
    assert result.first_difference is not None
    assert result.first_difference["stages"] == ["file", "source"]
    assert "(MultiThreshold)" in result.first_difference["unit"]
    assert result.first_difference["frame"] in range(10)
    assert "the file gives" in result.first_difference["message"]
    json.dumps(result.as_dict(), allow_nan=False)


def test_large_nets_are_compared_on_fewer_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = bnnfpga.compile(_saved(tmp_path, _net()), tmp_path / "plain").ties
    monkeypatch.setattr(frames, "_COSTLY", 100)
    large = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "large").ties
    assert plain is not None
    assert large is not None
    assert (plain["decisions"] // 6, large["decisions"] // 2) == (large["decisions"] // 2, plain["decisions"] // 6)


def test_scales_of_the_input_are_the_files(tmp_path: Path) -> None:
    """The file gets code * scale, and the golden model the codes."""
    net = DenseNet((8, 6, 4), weight_scale=0.1, bias=True, seed=2).model()
    project = bnnfpga.compile(_saved(tmp_path, net), tmp_path / "project", input="int4", input_scale="1/3")
    assert project.checked is not None
    codes = np.random.default_rng(0).integers(-8, 8, (20, 8))
    assert project.verify(codes, ["file", "source", "folded"]).equal


def test_ties_are_counted_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Sums of 0.1 and -0.1 whose sign float32 decides by chance."""
    net = DenseNet((12, 12, 12, 4), weight_scale=0.1, zero_mean=True, seed=3).model()
    assert run(app, ["compile", str(_saved(tmp_path, net)), "-o", str(tmp_path / "project"), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    ties = summary["ties"]
    assert 0 < ties["on_tie"] < ties["decisions"]
    assert sum(layer["on_tie"] for layer in ties["layers"]) == ties["on_tie"]
    assert "lie on a rounding tie; another runtime may decide them differently" in summary["warnings"][0]
    assert f"{ties['on_tie']:,} of {ties['decisions']:,}" in summary["warnings"][0]
    assert run(app, ["compile", str(tmp_path / "net.onnx"), "-o", str(tmp_path / "project"), "--force"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "another runtime may decide them differently" in shown


def test_integers_read_as_floats_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An int64 divided by two is truncated: the contract refuses it, and behind it `file` would see it."""
    net = NetWriter()
    x = net.node("Cast", net.node("Div", "x", net.constant(2, np.int64)), to=onnx.TensorProto.FLOAT)
    x = net.quant(x, 4, scale=0.5, signed=True)
    net.node("MatMul", x, net.bipolar(net.constant(np.random.default_rng(0).standard_normal((6, 4)))))
    model = net.model((6,), "y")
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    path = _saved(tmp_path, model)
    with pytest.raises(bnnfpga.UserError, match="is int64"):
        bnnfpga.compile(path, tmp_path / "project", input="int8")

    def floats(proto: onnx.ModelProto) -> None:
        proto.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
        for tensor in proto.graph.initializer:
            if tensor.data_type == onnx.TensorProto.INT64:
                tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))

    _read_wrongly(monkeypatch, floats)
    with pytest.raises(bnnfpga.ResultsDiffer) as caught:
        bnnfpga.compile(path, tmp_path / "project", input="int8")
    assert "(Div)" in caught.value.message
    assert not (tmp_path / "project").exists()
