"""The commands, on the example net: what they take, print and leave behind, and their exit status."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnfpga.cli.main import app
from bnnfpga.cli.terminal import run

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "examples" / "mnist_mlp" / "mlp_64.onnx"
INPUT = ["--input", "uint8", "--input-scale", "1/255"]
IMAGES = 40
# What none of `--help` and `import bnnfpga` may load.
HEAVY = {"jinja2", "networkx", "numpy", "onnx", "onnxruntime", "pydantic", "qonnx", "torch", "yaml"}


@dataclass(frozen=True)
class Digits:
    """Random images: what a net makes of them does not matter here, only that all stages make the same."""

    folder: Path
    images: Path
    labels: Path


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    folder = tmp_path_factory.mktemp("digits")
    random = np.random.default_rng(1)
    np.save(folder / "images.npy", random.integers(0, 256, (IMAGES, 1, 28, 28), dtype=np.uint8))
    np.save(folder / "labels.npy", random.integers(0, 10, IMAGES))
    return Digits(folder, folder / "images.npy", folder / "labels.npy")


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A project, and what `compile --json` said about it."""
    folder = tmp_path_factory.mktemp("compiled") / "project"
    done = subprocess.run(
        [sys.executable, "-m", "bnnfpga", "compile", MODEL, "-o", folder, "--cycles", "128", *INPUT, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, json.loads(done.stdout)


@pytest.fixture
def project(compiled: tuple[Path, dict[str, Any]]) -> Path:
    return compiled[0]


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = run(app, [str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def call_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    status, out, _ = call(capsys, *arguments, "--json")
    return status, json.loads(out)


def loaded_after(code: str) -> set[str]:
    code += "\nimport sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def processor_seconds(command: Sequence[str]) -> float:
    """Of the best of a few runs, whatever else the machine does."""
    seconds = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(seconds)


# -- starting up -------------------------------------------------------------------------------------------------------


def test_import_loads_nothing_heavy() -> None:
    assert not loaded_after("import bnnfpga") & HEAVY


def test_help_loads_nothing_heavy() -> None:
    code = "from bnnfpga.cli.main import app\nfrom bnnfpga.cli.terminal import run\nrun(app, ['compile', '--help'])"
    assert not loaded_after(code) & HEAVY


@pytest.mark.parametrize(
    "arguments",
    [["-c", "import bnnfpga"], ["-m", "bnnfpga", "--help"], ["-m", "bnnfpga", "simulate", "--help"]],
    ids=" ".join,
)
def test_import_and_help_take_less_than_a_fifth_of_a_second(arguments: list[str]) -> None:
    assert processor_seconds([sys.executable, *arguments]) < 0.2


def test_names_of_the_package() -> None:
    import bnnfpga

    assert callable(bnnfpga.compile)
    assert callable(bnnfpga.export_qonnx)
    assert bnnfpga.Project.__name__ == "Project"
    assert {"Project", "compile", "export_qonnx"} <= set(dir(bnnfpga))
    with pytest.raises(AttributeError, match="no attribute 'transmogrify'"):
        bnnfpga.transmogrify  # noqa: B018


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    import bnnfpga

    assert call(capsys, "--version") == (0, f"bnnfpga {bnnfpga.__version__}\n", "")


@pytest.mark.parametrize("command", ["compile", "simulate", "verify", "inspect", "tune", "parts", "doctor"])
def test_every_command_has_the_common_options(capsys: pytest.CaptureFixture[str], command: str) -> None:
    status, out, _ = call(capsys, command, "--help")
    assert status == 0
    for option in ("--json", "--quiet", "--verbose"):
        assert option in out


# -- compile -----------------------------------------------------------------------------------------------------------


def test_compile_says_what_it_made(compiled: tuple[Path, dict[str, Any]]) -> None:
    folder, summary = compiled
    assert Path(summary["project"]) == folder
    assert summary["seconds"] > 0
    assert summary["checked"]["stages"][:3] == ["file", "source", "folded"]
    assert summary["checked"]["images"] == 32
    assert 0 < summary["predicted_initiation_interval"] <= 128
    assert summary["predicted_latency_cycles"] >= summary["predicted_initiation_interval"]
    assert isinstance(summary["resources"], dict)
    for layer in summary["layers"]:
        assert {"name", "operator", "pe", "simd", "cycles"} <= set(layer)
    assert max(layer["cycles"] for layer in summary["layers"]) == summary["predicted_initiation_interval"]
    assert (folder / "README.md").is_file()
    assert (folder / "Makefile").is_file()


def test_compile_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = call(capsys, "compile", MODEL, "-o", tmp_path / "p", *INPUT, "--cycles", 784)
    assert status == 0
    assert "frames/s at 100 MHz" in out
    assert "compiling" in err


def test_compile_overwrites_only_with_force(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "project"
    shutil.copytree(project, folder)
    arguments = ("compile", MODEL, "-o", folder, *INPUT)
    status, data = call_json(capsys, *arguments)
    assert status == 2
    assert set(data["error"]) == {"message", "where", "hint"}
    assert "--force" in data["error"]["hint"]
    status, data = call_json(capsys, *arguments, "--force")
    assert status == 0


@pytest.mark.parametrize(
    "mistake",
    [
        ["compile", "missing.onnx", "-o", "p"],
        ["compile", str(MODEL), "-o", "p", "--folding", "missing.yaml"],
        ["compile", str(MODEL), "-o", "p", "--cycles", "128", "--target-fps", "1000"],
        ["compile", str(MODEL), "-o", "p", "--cycles", "0"],
        ["compile", str(MODEL), "-o", "p", "--target-fps", "-1"],
        ["compile", str(MODEL), "-o", "p", "--input-scale", "1/255"],
        ["compile", str(MODEL), "-o", "p", "--input", "complex64", "--input-scale", "1"],
        ["compile", str(MODEL), "-o", "p", "--input", "uint8", "--input-scale", "a lot"],
        ["compile", str(MODEL), "-o", "p", "--input", "uint8", "--input-scale", "1/0"],
        ["compile", str(MODEL), "-o", "no/such/parent/p"],
        ["compile", __file__, "-o", "p"],
        ["inspect", "missing.onnx"],
        ["inspect", __file__],
        ["simulate", "missing", "--images", "x.npy"],
        ["simulate", ".", "--images", "x.npy"],
        ["verify", "missing", "--images", "x.npy"],
        ["compile", str(MODEL)],
        ["compile"],
        ["frobnicate"],
        ["simulate", ".", "--images", "x.npy", "--backend", "abacus"],
    ],
    ids=lambda mistake: " ".join(mistake).replace(str(ROOT), ""),
)
def test_mistakes(
    mistake: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = call(capsys, *mistake)
    assert status == 2, err
    assert out == ""
    assert "error: " in err
    assert "Traceback" not in err
    status, data = call_json(capsys, *mistake)
    assert status == 2
    assert set(data) == {"error"}
    assert set(data["error"]) == {"message", "where", "hint"}
    assert data["error"]["message"] in " ".join(err.split()) or data["error"]["message"] in err
    assert not list(tmp_path.iterdir()), "nothing is left behind"


# -- simulate ----------------------------------------------------------------------------------------------------------


def test_simulate(project: Path, digits: Digits, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, data = call_json(
        capsys,
        *("simulate", project, "--images", digits.images, "--labels", digits.labels, "--streams"),
        *("--save-outputs", tmp_path / "scores.npy", "--save-classes", tmp_path / "classes.npy"),
    )
    assert status == 0
    assert data["backend"] == "rtl"
    assert data["images"] == IMAGES
    assert data["mismatches"] == 0
    assert data["initiation_interval"] == data["predicted_initiation_interval"]
    assert data["interval_constant"] is True
    assert data["latency_cycles"] == data["predicted_latency_cycles"]
    assert data["cycles"] >= IMAGES * data["initiation_interval"]
    assert data["simulated_cycles_per_second"] > 0
    assert data["build_seconds"] >= 0
    assert data["run_seconds"] > 0
    for stream in data["streams"]:
        assert {"name", "stalled_cycles", "starved_cycles", "max_occupancy"} <= set(stream)

    scores, classes = np.load(tmp_path / "scores.npy"), np.load(tmp_path / "classes.npy")
    assert scores.shape == (IMAGES, 10)
    assert np.issubdtype(scores.dtype, np.integer)
    assert np.array_equal(classes, scores.argmax(axis=1))
    assert data["accuracy"] == (classes == np.load(digits.labels)).mean()


def test_simulate_under_stalls_gives_the_same_scores(
    project: Path, digits: Digits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("simulate", project, "--images", digits.images)
    assert call(capsys, *arguments, "--save-outputs", tmp_path / "a.npy")[0] == 0
    status, data = call_json(capsys, *arguments, "--save-outputs", tmp_path / "b.npy", "--stall-seed", 3)
    assert status == 0
    assert data["initiation_interval"] is None
    assert data["accuracy"] is None
    assert data["streams"] is None
    assert np.array_equal(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy"))


def test_simulate_for_people(project: Path, digits: Digits, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = call(capsys, "simulate", project, "--images", digits.images, "--labels", digits.labels)
    assert status == 0
    for word in ("accuracy", "0: every integer equals the model's", "as predicted", "frames/s"):
        assert word in out
    assert "simulating" in err
    assert call(capsys, "simulate", project, "--images", digits.images, "--quiet") == (0, "", "")


def test_simulate_nhwc(project: Path, digits: Digits, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", np.load(digits.images).transpose(0, 2, 3, 1))
    status, data = call_json(capsys, "simulate", project, "--images", tmp_path / "x.npy", "--layout", "nhwc")
    assert (status, data["mismatches"]) == (0, 0)


def test_simulate_writes_a_waveform(
    project: Path, digits: Digits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", np.load(digits.images)[:3])
    status, data = call_json(capsys, "simulate", project, "--images", tmp_path / "x.npy", "--trace", tmp_path / "w.vcd")
    assert status == 0
    assert "$enddefinitions" in (tmp_path / "w.vcd").read_text()
    trace = data["trace"]
    assert trace == {"file": str(tmp_path / "w.vcd"), "cycles": data["cycles"], "images": 3, "complete": True}


def test_a_waveform_ends_at_its_size_and_says_so(
    project: Path, digits: Digits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", np.load(digits.images)[:8])
    options = ["--images", tmp_path / "x.npy", "--trace", tmp_path / "w.vcd", "--trace-megabytes", 1]
    status, data = call_json(capsys, "simulate", project, *options)
    assert status == 0
    assert data["mismatches"] == 0
    trace = data["trace"]
    assert not trace["complete"]
    assert trace["images"] < 8
    assert 1e6 <= (tmp_path / "w.vcd").stat().st_size < 1.1e6
    times = [int(line[1:]) for line in (tmp_path / "w.vcd").read_text().splitlines() if line.startswith("#")]
    # In nanoseconds, ten a cycle, from 16 cycles of reset on.
    assert times[-1] == 10 * (16 + trace["cycles"] - 1) + 5
    status, out, _ = call(capsys, "simulate", project, *options)
    assert status == 0
    assert f"the first {trace['cycles']:,} of {data['cycles']:,} cycles" in out
    assert "--trace-megabytes" in out
    assert call(capsys, "simulate", project, *options[:-1], 0)[0] == 2


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("too few axes", np.zeros((5, 28, 28), np.uint8)),
        ("too small", np.zeros((5, 1, 28, 27), np.uint8)),
        ("floats", np.zeros((5, 1, 28, 28), np.float32)),
        ("negative", np.full((5, 1, 28, 28), -1, np.int8)),
        ("objects", np.array(["a", "b"])),
    ],
)
def test_simulate_refuses_images_that_do_not_fit(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, array: np.ndarray[Any, Any]
) -> None:
    np.save(tmp_path / f"{name}.npy", array)
    status, data = call_json(capsys, "simulate", project, "--images", tmp_path / f"{name}.npy")
    assert status == 2
    assert "error" in data


def test_simulate_refuses_what_it_could_not_write_before_it_runs(
    project: Path, digits: Digits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for option in ("--save-outputs", "--save-classes", "--trace"):
        status, data = call_json(
            capsys, "simulate", project, "--images", digits.images, option, tmp_path / "no" / "x.vcd"
        )
        assert status == 2
        assert "does not exist" in data["error"]["message"]


# -- a project whose hardware is wrong ---------------------------------------------------------------------------------


@pytest.fixture
def broken(project: Path, tmp_path: Path) -> Path:
    """A copy of the project with the words of one weight memory in reverse order."""
    folder = tmp_path / "broken"
    shutil.copytree(project, folder)
    memory = max((folder / "memories").glob("*weights*"), key=lambda path: path.stat().st_size)
    memory.write_text("\n".join(reversed(memory.read_text().splitlines())) + "\n")
    return folder


def test_simulate_finds_wrong_hardware(broken: Path, digits: Digits, capsys: pytest.CaptureFixture[str]) -> None:
    status, data = call_json(capsys, "simulate", broken, "--images", digits.images)
    assert status == 1
    assert data["mismatches"] > 0
    status, out, _ = call(capsys, "simulate", broken, "--images", digits.images)
    assert status == 1
    assert "differ from the model" in out


def test_verify_finds_wrong_hardware(broken: Path, digits: Digits, capsys: pytest.CaptureFixture[str]) -> None:
    status, data = call_json(capsys, "verify", broken, "--images", digits.images)
    assert status == 1
    assert data["equal"] is False
    difference = data["first_difference"]
    assert {"stages", "unit", "frame", "channel", "pixel", "expected", "got", "cycle"} <= set(difference)
    assert difference["expected"] != difference["got"]
    status, out, _ = call(capsys, "verify", broken, "--images", digits.images)
    assert status == 1
    assert "first difference" in out


# -- verify, inspect ---------------------------------------------------------------------------------------------------


def test_verify(project: Path, digits: Digits, capsys: pytest.CaptureFixture[str]) -> None:
    status, data = call_json(capsys, "verify", project, "--images", digits.images)
    assert status == 0
    assert data["equal"] is True
    assert data["first_difference"] is None
    assert len(data["stages"]) >= 3
    assert all(stage["equal"] for stage in data["stages"])
    chosen = [stage["name"] for stage in data["stages"]][:2]
    status, data = call_json(capsys, "verify", project, "--images", digits.images, "--stages", ",".join(chosen))
    assert (status, [stage["name"] for stage in data["stages"]]) == (0, chosen)
    status, data = call_json(capsys, "verify", project, "--images", digits.images, "--stages", "abacus")
    assert status == 2
    assert "abacus" in str(data["error"])


def test_inspect(capsys: pytest.CaptureFixture[str]) -> None:
    status, data = call_json(capsys, "inspect", MODEL)
    assert status == 0
    assert {"input", "outputs", "layers"} <= set(data)
    assert len(data["layers"]) >= 4
    status, out, _ = call(capsys, "inspect", MODEL)
    assert status == 0
    assert len(out.splitlines()) > len(data["layers"])


# -- being stopped -----------------------------------------------------------------------------------------------------


def test_output_that_nobody_reads_is_no_bug(compiled: tuple[Path, dict[str, Any]]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "bnnfpga", "inspect", MODEL, "--json"], stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert b"Traceback" not in done.stderr
    assert b"bug" not in done.stderr


def test_listing_the_transforms_says_nothing_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = call(capsys, "transforms")
    assert status == 0
    assert "chains-to-thresholds" in out
    assert err == ""


def test_a_transform_without_a_model_announces_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = call(capsys, "transforms", "chains-to-thresholds")
    assert status == 2
    assert "the model is missing" in err
    assert "transforming" not in err


def test_verify_refuses_what_it_could_not_do(
    project: Path, digits: Digits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*options: object) -> str:
        status, data = call_json(capsys, "verify", project, "--images", digits.images, *options)
        assert status == 2
        return f"{data['error']['message']} {data['error']['hint']}"

    assert "--dump-to" in refused("--dump", "matrix_vector0")
    assert "--dump" in refused("--dump-to", tmp_path / "dump")
    assert "did you mean 'matrix_vector0'" in refused("--dump", "matrix_vectr0", "--dump-to", tmp_path / "dump")
    assert "parent" in refused("--dump", "matrix_vector0", "--dump-to", tmp_path / "no" / "dump")
    assert ".vcd or .fst" in refused("--wave", tmp_path / "wave.txt")
    assert "does not exist" in refused("--wave", tmp_path / "no" / "wave.vcd")
    assert "at least 1" in refused("--wave", tmp_path / "wave.vcd", "--wave-cycles", 0)
    assert "--stages" in refused("--wave", tmp_path / "wave.vcd", "--stages", "source,folded")
    assert list(tmp_path.iterdir()) == []


def test_verify_dumps_every_stage(
    project: Path, digits: Digits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "dump"
    layers = ["--dump", "matrix_vector0", "--dump", "output", "--dump-to", folder]
    status, data = call_json(capsys, "verify", project, "--images", digits.images, *layers)
    assert status == 0
    assert sorted(data["dumped"]) == sorted(str(path) for path in folder.iterdir())
    stages = {stage["name"] for stage in data["stages"]} - {"file", "source"}
    assert {"folded", "emulator", "rtl"} <= stages
    for layer, shape in (("matrix_vector0", (IMAGES, 64)), ("output", (IMAGES, 10))):
        tensors = [np.load(folder / f"{layer}.{stage}.npy") for stage in sorted(stages)]
        for tensor in tensors:
            assert tensor.shape == shape
            assert tensor.dtype == np.int64
            np.testing.assert_array_equal(tensor, tensors[0])


def test_a_difference_comes_with_its_waveform(
    broken: Path, digits: Digits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wave = tmp_path / "wave.vcd"
    options = ["--stages", "folded,rtl", "--wave", wave, "--wave-cycles", 10]
    status, data = call_json(capsys, "verify", broken, "--images", digits.images, *options)
    assert status == 1
    difference = data["first_difference"]
    window = difference["wave"]
    assert window["file"] == str(wave)
    assert window["first_cycle"] <= difference["cycle"] - 10
    assert window["last_cycle"] == difference["cycle"] + 10
    # Times are nanoseconds, ten a cycle, from 16 cycles of reset on.
    times = [int(line[1:]) for line in wave.read_text().splitlines() if line.startswith("#")]
    assert times[0] == 10 * (16 + window["first_cycle"])
    assert times[-1] == 10 * (16 + window["last_cycle"]) + 5
    assert len(times) == 2 * (window["last_cycle"] - window["first_cycle"] + 1)
