"""Nets that are partly float become files that compile, and say nearly the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.cli.main import app
from bnnfpga.cli.terminal import run
from bnnfpga.golden.check import file_values
from bnnfpga.quantizing.closeness import compare
from tests.support.data import mnist_test_set
from tests.support.float_nets import KINDS, FloatNet
from tests.support.nets import DenseNet, NetWriter

IMAGES = 32


def written(net: FloatNet, folder: Path) -> Path:
    path = folder / "net.onnx"
    onnx.save(net.model(), path)
    return path


def check(net: FloatNet, folder: Path, *, simulated: bool = True) -> list[dict[str, object]]:
    """Quantise a net; what comes out compiles, is exact, and is like the net; returns what was inserted.

    Signs of random sums flip easily, so that classes of such nets agree less than those of trained ones.
    """
    path, output = written(net, folder), folder / "quantised.onnx"
    with pytest.raises(bnnfpga.UserError):
        bnnfpga.plan(path)
    done = bnnfpga.quantize(path, output, net.images(IMAGES))
    nodes = [node.name for node in net.model().graph.node]
    places = [nodes.index(str(item["node"])) for item in done.inserted]
    assert places == sorted(places)
    images = net.images(100)
    if not simulated:
        bnnfpga.plan(output)
        assert (compare(net.model(), onnx.load(output), images, ["y"]).agreement or 0) >= 0.7
        return [dict(item) for item in done.inserted]
    project = bnnfpga.compile(output, folder / "project")
    result = project.simulate(images, backend="emulator")
    assert result.mismatches == 0
    before = file_values(net.model(), images, ["y"])["y"].reshape(len(images), -1)
    agrees = np.asarray(result.values).reshape(before.shape).argmax(1) == before.argmax(1)
    assert agrees.mean() >= 0.7
    return [dict(item) for item in done.inserted]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_float(kind: str, tmp_path: Path) -> None:
    inserted = check(FloatNet(kind), tmp_path, simulated=kind in ("ends", "shortcut"))
    kinds = {str(item["kind"]) for item in inserted}
    wanted = {"ends": {"input", "weights"}, "bases": {"weights"}, "two_scales": {"weights"}, "spread": {"weights"}}
    assert kinds == wanted.get(kind, {"stream"})


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_random_nets(seed: int, tmp_path: Path) -> None:
    check(FloatNet.random(seed), tmp_path)


def test_streams_of_a_sum_join_exactly(tmp_path: Path) -> None:
    """Their scales are powers of two times that of a quantizer that was there."""
    net = FloatNet("join")
    inserted = bnnfpga.quantize(written(net, tmp_path), tmp_path / "q.onnx", net.images(IMAGES)).inserted
    ratios = [item["scale"] / 0.3 for item in inserted]
    assert np.log2(ratios) == pytest.approx(np.rint(np.log2(ratios)), abs=1e-6)


def test_weights_of_two_scales_stay_what_they_are(tmp_path: Path) -> None:
    """Of the scales that are possible, that with the least error is taken."""
    net = FloatNet("two_scales")
    bnnfpga.quantize(written(net, tmp_path), tmp_path / "q.onnx", net.images(IMAGES))
    found = compare(net.model(), onnx.load(tmp_path / "q.onnx"), net.images(20), ["y"])
    assert found.errors["y"] < 0.05
    assert found.agreement == 1


def test_what_is_there_stays(tmp_path: Path) -> None:
    """Nodes and constants are the file's, but for operands that are quantised; the same images give the same file."""
    net = FloatNet("shortcut")
    path = written(net, tmp_path)
    for name in ("first.onnx", "second.onnx"):
        done = bnnfpga.quantize(path, tmp_path / name, net.images(IMAGES))
    assert (tmp_path / "first.onnx").read_bytes() == (tmp_path / "second.onnx").read_bytes()
    after = onnx.load(tmp_path / "first.onnx")
    own = [node for node in after.graph.node if node.name in {node.name for node in net.model().graph.node}]
    assert [node.op_type for node in own] == [node.op_type for node in net.model().graph.node]
    assert len(after.graph.node) - len(own) == len(done.inserted)
    before = {tensor.name: tensor for tensor in net.model().graph.initializer}
    assert {tensor.name: tensor for tensor in after.graph.initializer if tensor.name in before} == before


def test_integer_images_need_no_quantizer(tmp_path: Path) -> None:
    net = FloatNet("ends")
    path, images = written(net, tmp_path), net.images(IMAGES)
    codes = np.clip(np.rint(images * 32), -128, 127).astype(np.int64)
    done = bnnfpga.quantize(path, tmp_path / "q.onnx", codes, input="int8", input_scale="1/32")
    assert {item["kind"] for item in done.inserted} == {"weights"}
    project = bnnfpga.compile(tmp_path / "q.onnx", tmp_path / "project", input="int8", input_scale="1/32")
    assert project.simulate(codes, backend="emulator").mismatches == 0


def test_functions_of_the_file(tmp_path: Path) -> None:
    """A float layer inside a function that the file defines itself."""
    net = FloatNet("ends", seed=3)
    model = net.model()
    first = model.graph.node[0]
    body = onnx.NodeProto()
    body.CopyFrom(first)
    body.input[:], body.output[:], body.name = ["a", "w"], ["b"], "inside"
    function = onnx.helper.make_function("own", "Layer", ["a", "w"], ["b"], [body], [onnx.helper.make_opsetid("", 17)])
    model.functions.append(function)
    model.opset_import.append(onnx.helper.make_opsetid("own", 1))
    call = onnx.helper.make_node("Layer", list(first.input), list(first.output), name="call", domain="own")
    model.graph.node[0].CopyFrom(call)
    onnx.save(model, tmp_path / "net.onnx")
    bnnfpga.quantize(tmp_path / "net.onnx", tmp_path / "q.onnx", net.images(IMAGES))
    assert bnnfpga.plan(tmp_path / "q.onnx").initiation_interval > 0


def test_a_real_net(tmp_path: Path) -> None:
    """Signs of random projections of digits, and a last layer fitted to them: float ends lose less than a point."""
    pixels, labels = mnist_test_set()
    x = (pixels.reshape(len(pixels), -1) / np.float32(255)).astype(np.float32)
    rng = np.random.default_rng(0)
    weights = rng.normal(0, 0.05, (784, 256)).astype(np.float32)
    features = np.where((x[:4000] - np.float32(0.13)) @ weights >= 0, 1.0, -1.0)
    last = np.linalg.lstsq(features, np.eye(10)[labels[:4000]], rcond=None)[0].astype(np.float32)
    net = NetWriter()
    centred = net.node("Sub", "x", net.constant(0.13))
    signs = net.bipolar(net.node("MatMul", centred, net.constant(weights)))
    net.node("MatMul", signs, net.constant(last))
    onnx.save(net.model((784,), "y"), tmp_path / "net.onnx")
    done = bnnfpga.quantize(tmp_path / "net.onnx", tmp_path / "q.onnx", x[4000:5000], labels[4000:5000])
    assert done.accuracy_before is not None
    assert done.accuracy_after is not None
    assert done.accuracy_before > 0.8
    assert done.accuracy_after > done.accuracy_before - 0.01
    assert done.comparison.agreement is not None
    assert done.comparison.agreement > 0.97
    project = bnnfpga.compile(tmp_path / "q.onnx", tmp_path / "project")
    result = project.simulate(x[5000:5100], labels[5000:5100], backend="emulator")
    assert result.mismatches == 0


def test_bits(tmp_path: Path) -> None:
    net = FloatNet("ends", seed=1)
    path = written(net, tmp_path)
    errors = []
    for bits in (8, 4, 2):
        done = bnnfpga.quantize(path, tmp_path / f"{bits}.onnx", net.images(IMAGES), bits=bits)
        assert {item["bits"] for item in done.inserted} == {bits}
        errors.append(done.summary()["error"])
    assert errors == sorted(errors)


def test_mistakes(tmp_path: Path) -> None:
    """Each is refused, and no file is left."""
    net = FloatNet("shortcut")
    path, images, output = written(net, tmp_path), net.images(4), tmp_path / "q.onnx"
    (tmp_path / "good").mkdir()
    good = DenseNet((8, 8, 3)).write(tmp_path / "good")
    for arguments, options, words in (
        ((path, output, images), {"bits": 9}, "--bits: 9 bits are not possible"),
        ((path, output, images[:, :2]), {}, "expected .images, 3, 6, 6"),
        ((path, output, images.astype(np.int64)), {}, "expected float32"),
        ((path, output, images, np.arange(3)), {}, "labels"),
        ((path, output, 0 * images), {}, "all numbers of the calibration images are 0"),
        ((path, tmp_path / "none" / "q.onnx", images), {}, "does not exist"),
        ((good, output, np.ones((4, 8), np.float32)), {}, "it compiles as it is"),
    ):
        with pytest.raises(bnnfpga.UserError, match=words):
            bnnfpga.quantize(*arguments, **options)  # type: ignore[arg-type]
        assert not output.exists()
    output.write_text("mine")
    with pytest.raises(bnnfpga.UserError, match="exists"):
        bnnfpga.quantize(path, output, images)
    assert output.read_text() == "mine"
    bnnfpga.quantize(path, output, images, force=True)
    assert onnx.load(output).graph.node


def test_what_no_quantizer_helps_is_refused_as_before(tmp_path: Path) -> None:
    net = NetWriter()
    x = net.node("Softmax", net.node("MatMul", net.bipolar("x"), net.bipolar(net.constant(np.eye(4)))), axis=1)
    net.node("MatMul", x, net.bipolar(net.constant(np.ones((4, 3)))))
    onnx.save(net.model((4,), "y"), tmp_path / "net.onnx")
    with pytest.raises(bnnfpga.UserError, match="Softmax"):
        bnnfpga.quantize(tmp_path / "net.onnx", tmp_path / "q.onnx", np.ones((2, 4), np.float32))
    assert not (tmp_path / "q.onnx").exists()


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = FloatNet("ends")
    path, images = written(net, tmp_path), net.images(IMAGES)
    np.save(tmp_path / "x.npy", images)
    np.save(tmp_path / "labels.npy", file_values(net.model(), images, ["y"])["y"].reshape(IMAGES, -1).argmax(1))
    command = ["quantize", str(path), "--calibration", str(tmp_path / "x.npy"), "-o", str(tmp_path / "q.onnx")]
    assert run(app, [*command, "--labels", str(tmp_path / "labels.npy"), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert {"inserted", "accuracy_before", "accuracy_after", "error", "agreement", "layers"} <= set(data)
    assert data["accuracy_before"] == 1
    assert {"node", "bits", "scale", "tensor", "kind"} <= set(data["inserted"][0])
    assert run(app, [*command, "--force"]) == 0
    assert "quantizers inserted" in capsys.readouterr().out


def dense(*behind: str) -> onnx.ModelProto:
    """A float layer of 5 scores, and nodes behind it."""
    net, rng = NetWriter(), np.random.default_rng(3)
    x = net.node("MatMul", "x", net.constant(rng.normal(0, 0.3, (12, 5))))
    for kind in behind:
        x = net.node(kind, x, axis=1)
    return net.model((12,), "y")


def test_classes_are_those_that_arg_max_picks(tmp_path: Path) -> None:
    model, path = dense("ArgMax"), tmp_path / "net.onnx"
    onnx.save(model, path)
    images = np.random.default_rng(0).normal(0, 1, (40, 12)).astype(np.float32)
    labels = file_values(model, images, ["y"])["y"].reshape(-1).astype(np.int64)
    assert len(set(labels.tolist())) > 2
    right = bnnfpga.quantize(path, tmp_path / "q.onnx", images, labels)
    assert right.accuracy_before == 1
    assert right.comparison.agreement == right.accuracy_after
    wrong = bnnfpga.quantize(path, tmp_path / "q.onnx", images, (labels + 1) % 5, force=True)
    assert wrong.accuracy_before == 0


def test_scores_of_pixels_are_no_class_of_an_image(tmp_path: Path) -> None:
    net = NetWriter()
    net.node("Conv", "x", net.constant(np.random.default_rng(0).normal(0, 0.3, (4, 3, 1, 1))), kernel_shape=[1, 1])
    onnx.save(net.model((3, 5, 5), "y"), path := tmp_path / "net.onnx")
    images = FloatNet("ends", size=5).images(8)
    assert bnnfpga.quantize(path, tmp_path / "q.onnx", images).comparison.agreement is None
    with pytest.raises(bnnfpga.UserError, match="no single class"):
        bnnfpga.quantize(path, tmp_path / "r.onnx", images, np.zeros(8, dtype=int))
    assert not (tmp_path / "r.onnx").exists()


def test_an_average_of_a_sum_needs_one_quantizer(tmp_path: Path) -> None:
    net, rng = NetWriter(), np.random.default_rng(0)
    x = net.quant("x", 8, scale=1 / 32, signed=True)
    parts = [net.node("Conv", x, net.bipolar(net.constant(rng.normal(0, 1, (4, 3, 1, 1))))) for _ in range(2)]
    x = net.node(
        "GlobalAveragePool", net.node("Relu", net.node("Add", *(net.quant(p, 4, scale=1, signed=True) for p in parts)))
    )
    net.node("MatMul", net.node("Flatten", x), net.constant(rng.normal(0, 0.3, (4, 5))))
    onnx.save(net.model((3, 6, 6), "y"), path := tmp_path / "net.onnx")
    inserted = bnnfpga.quantize(path, tmp_path / "q.onnx", FloatNet("ends").images(16)).inserted
    assert [item["kind"] for item in inserted if item["kind"] == "stream"] == ["stream"]


@pytest.mark.parametrize(("size", "message"), [(1e-40, None), (1e38, "cannot be evaluated")])
def test_images_of_extreme_size(size: float, message: str | None, tmp_path: Path) -> None:
    onnx.save(dense(), path := tmp_path / "net.onnx")
    images = (np.random.default_rng(0).uniform(-3, 3, (8, 12)) * size).astype(np.float32)
    if message is None:
        bnnfpga.quantize(path, tmp_path / "q.onnx", images)
    else:
        with pytest.raises(bnnfpga.UserError, match=message):
            bnnfpga.quantize(path, tmp_path / "q.onnx", images)
        assert not (tmp_path / "q.onnx").exists()
