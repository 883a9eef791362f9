"""Projects that were cut, edited or are none: each command that opens one says which file and key is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.cli.main import app
from bnnfpga.cli.terminal import run
from tests.support.builds import images_for
from tests.support.nets import DOMAIN, DenseNet, NetWriter


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    model = DenseNet((8, 6, 4), activation_bits=2, bias=True, last_norm=True).write(folder)
    project = bnnfpga.compile(model, folder / "project")
    np.save(folder / "x.npy", images_for(project, 3))
    return folder


@pytest.fixture
def project(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole / "project", tmp_path / "project")
    return tmp_path / "project"


def change(path: Path, keys: str, value: object) -> None:
    """Set (or, for `...`, delete) what stands at these keys of a JSON file."""
    data: Any = json.loads(path.read_text())
    *above, last = [int(key) if key.isdecimal() else key for key in keys.split(".")]
    holder = data
    for key in above:
        holder = holder[key]
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    path.write_text(json.dumps(data))


WRONG: list[tuple[str, str, object, str]] = [
    ("project.json", "format", 99, "its format is 99"),
    ("project.json", "format", ..., "its format is None"),
    ("project.json", "model", ..., "model is missing"),
    ("project.json", "model", ["a"], "model is ['a'], which is not text"),
    ("project.json", "clock_mhz", float("nan"), "clock_mhz is nan"),
    ("project.json", "clock_mhz", True, "clock_mhz is True, which is not a number"),
    ("project.json", "input", [], "input is [], which is not an object"),
    ("project.json", "input.kind", "uint99", "'uint99' is not an input type"),
    ("project.json", "input.shape", 8, "input.shape is 8, which is not an array"),
    ("project.json", "input.shape", [7], "different numbers of elements"),
    ("project.json", "input.shape.0", "8", "input.shape[0] is '8', which is not an integer"),
    ("project.json", "input.shape.0", 10**30, "input.shape[0] is 1000000000000000000000000000000"),
    ("project.json", "input.stream.lanes", 0, "input.stream.lanes is 0, and must be at least 1"),
    ("project.json", "input.stream.lanes", 3, "does not divide 8 elements"),
    ("project.json", "input.stream.beats", 3, "input.stream has 3 beats"),
    ("project.json", "input.stream.type.encoding", "gray", "must be one of bipolar, unsigned, signed"),
    ("project.json", "input.stream.type.lo", 5, "input.stream.type: empty interval"),
    ("project.json", "outputs.0.stream.shape", [], "outputs[0].stream.shape"),
    ("project.json", "outputs.0.stream.shape", [2**40], "outputs[0].stream.shape has 1099511627776 elements"),
    ("project.json", "outputs.0.kind", "guess", "must be one of scores, class"),
    ("project.json", "predicted_latency_cycles", 1.5, "which is not an integer"),
    ("project.json", "layers", [], "layers is empty"),
    ("project.json", "layers.0.cycles", None, "layers[0].cycles is None"),
    ("project.json", "layers.1", "fifo", "layers[1] is 'fifo', which is not an object"),
    ("project.json", "resources", 3, "resources is 3, which is not an object"),
    ("functions.json", "input", None, "input is None, which is not an array"),
    ("project.json", "outputs", [], "outputs is empty"),
    ("project.json", "outputs.0.name", 5, "outputs[0].name is 5, which is not text"),
    ("functions.json", "outputs", ..., "outputs is missing"),
    ("functions.json", "outputs", [], "outputs has length 0; 1 is expected"),
    ("functions.json", "outputs.0.0.operation", "guess", "outputs[0][0].operation is 'guess', and must be one of add"),
    ("functions.json", "outputs.0.0.constant", "1", "outputs[0][0].constant is '1', which is not an array"),
    ("functions.json", "outputs.0.0.constant", [1, 2], "outputs[0][0].constant has length 2; 1 or 4 is expected"),
    ("functions.json", "outputs.0.0.constant", [float("nan")], "constant[0] is nan, which is not a float32 number"),
    ("functions.json", "outputs.0.0.constant", [1e39], "which is not a float32 number"),
    ("functions.json", "outputs.0.0.constant", [{}], "which is not a number"),
    ("functions.json", "outputs.0.0", {"operation": "count", "constant": [[]]}, "has no thresholds"),
]


def refused(project: Path, whole: Path, *command: str) -> UserError:
    images = ["--images", str(whole / "x.npy")]
    assert run(app, [*(command or ("simulate",)), str(project), *images, "--json"]) == 2
    with pytest.raises(UserError) as caught:
        bnnfpga.Project.load(project)
    return caught.value


@pytest.mark.parametrize(("name", "keys", "value", "message"), WRONG, ids=lambda value: str(value)[:40])
def test_wrong_values(project: Path, whole: Path, name: str, keys: str, value: object, message: str) -> None:
    change(project / name, keys, value)
    error = refused(project, whole)
    assert message in error.message
    assert error.where == str(project / name)
    assert "bnnfpga compile" in str(error.hint)


TEXTS: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda data: b"", "line 1, column 1"),
    (lambda data: data[: len(data) // 2], "it is damaged: "),
    (lambda data: data.replace(b",\n", b"\n", 1), "delimiter (line "),
    (lambda data: b"[]", "not a JSON object"),
    (lambda data: b"null", "not a JSON object"),
    (lambda data: b"\xff" + data, "it is damaged: "),
    (lambda data: b"[" * 100_000, "it is damaged: "),
    (lambda data: b'{"format": ' + b"9" * 5000 + b"}", "it is damaged: "),
]


@pytest.mark.parametrize("name", ["project.json", "functions.json"])
@pytest.mark.parametrize(("damage", "message"), TEXTS)
def test_what_is_no_json(project: Path, whole: Path, name: str, damage: Callable[[bytes], bytes], message: str) -> None:
    (project / name).write_bytes(damage((project / name).read_bytes()))
    error = refused(project, whole, "verify")
    assert message in error.message
    assert error.where == str(project / name)


def test_a_huge_file_is_not_read(project: Path, whole: Path) -> None:
    with (project / "project.json").open("r+b") as file:
        file.truncate(1 << 40)
    assert "1,099,511,627,776 bytes" in refused(project, whole).message


def test_a_whole_project_can_be_looked_at(project: Path) -> None:
    loaded = bnnfpga.Project.load(project)
    assert "matrix_vector0" in str(loaded)
    assert "compiled in" not in str(loaded), "nobody knows how long that took"


def test_no_project(project: Path, whole: Path, tmp_path: Path) -> None:
    assert refused(tmp_path / "none", whole).message == "there is no such folder"
    assert refused(tmp_path, whole).message == "it is not a project: it has no project.json"
    (project / "functions.json").unlink()
    error = refused(project, whole)
    assert error.where == str(project / "functions.json")
    assert "there is no such file" in error.message


def test_without_its_model(project: Path, whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "model" / "net.onnx").unlink()
    assert run(app, ["simulate", str(project), "--images", str(whole / "x.npy"), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert "there is no such file" in error["message"]
    assert error["where"] == str(project / "model" / "net.onnx")


def test_what_was_changed_and_is_legal_shows_in_the_numbers(project: Path, whole: Path) -> None:
    """Another function of the host gives other codes; those that the input stream cannot carry are refused."""
    change(project / "functions.json", "input", [{"operation": "multiply", "constant": [1000]}])
    with pytest.raises(UserError, match="makes numbers that the accelerator does not take") as caught:
        bnnfpga.Project.load(project).verify(np.load(whole / "x.npy"), ["source", "folded"])
    assert caught.value.where == "functions.json"


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[:10]),
        lambda path: path.write_bytes(b"\xff\0" * 100),
        lambda path: path.write_bytes(path.read_bytes() * 2),
    ],
    ids=["missing", "cut", "binary", "doubled"],
)
def test_memories(
    project: Path, whole: Path, damage: Callable[[Path], object], capsys: pytest.CaptureFixture[str]
) -> None:
    path = project / "memories" / "matrix_vector0_weights.mem"
    damage(path)
    assert run(app, ["simulate", str(project), "--images", str(whole / "x.npy"), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert "this memory file is missing or damaged" in error["message"]
    assert error["where"] == str(path)
    assert "compile the model again" in error["hint"]


def test_without_memories(project: Path, whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(project / "memories")
    assert run(app, ["simulate", str(project), "--images", str(whole / "x.npy"), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["where"] == str(project / "memories")


def test_thresholds_of_each_input_are_applied_by_the_host(tmp_path: Path) -> None:
    """functions.json keeps the shape of a table of thresholds."""
    net = NetWriter()
    table = [[-1, 0, 1], [-2, -1, 0], [0, 1, 2], [-0.5, 0, 0.5]]
    codes = net.node("MultiThreshold", "x", net.constant(table), domain=DOMAIN, out_dtype="UINT2")
    net.node("MatMul", codes, net.bipolar(net.constant(np.random.default_rng(0).standard_normal((4, 3)))))
    onnx.save(net.model((4,), "y"), tmp_path / "net.onnx")
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project")
    assert project.functions["input"] == [{"operation": "count", "constant": table}]
    assert project.verify(images_for(project, 50), ["source", "folded"]).equal
