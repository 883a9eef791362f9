"""The mistakes of a newcomer's first hour: each message says where, what is wrong, and what to do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bnnfpga.cli.main import app
from bnnfpga.cli.terminal import EXIT_USER_ERROR, run

MODEL = Path(__file__).parents[2] / "examples" / "mnist_mlp" / "mlp_64.onnx"
EMULATED = "simulate project --backend emulator --images"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a newcomer has it: a net, a project of it, and files that are not what they are taken for."""
    desk = tmp_path_factory.mktemp("desk")
    shutil.copy(MODEL, desk / "net.onnx")
    assert run(app, ["compile", f"{desk}/net.onnx", "-o", f"{desk}/project", "--input", "uint8", "--quiet"]) == 0
    assert run(app, ["compile", f"{desk}/net.onnx", "-o", f"{desk}/floats", "--quiet"]) == 0
    (desk / "photos").mkdir()
    (desk / "empty.onnx").touch()
    (desk / "notes.onnx").write_text("a net that I trained")
    (desk / "net.pt").write_bytes(b"PK\x03\x04archive/data.pkl")
    (desk / "net.pkl").write_bytes(b"\x80\x02}q\x00.")
    (desk / "net.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    (desk / "net.tflite").write_bytes(b"\x1c\x00\x00\x00TFL3")
    (desk / "conv.yaml").write_text("conv1: {pe: 2}\n")
    (desk / "odd.yaml").write_text("matrix_vector0: {pe: 3}\n")
    (desk / "finn.json").write_text(json.dumps({"Defaults": {}, "MatrixVectorActivation_0": {"PE": 16, "SIMD": 49}}))
    images = np.arange(4 * 784, dtype=np.int64).reshape(4, 1, 28, 28) % 256
    np.save(desk / "images.npy", images.astype(np.uint8))
    np.save(desk / "signed.npy", images - 128)
    np.save(desk / "floats.npy", (images / 255).astype(np.float32))
    np.save(desk / "nan.npy", np.full((4, 1, 28, 28), np.nan, np.float32))
    np.save(desk / "colour.npy", np.zeros((4, 32, 32, 3), np.uint8))
    np.save(desk / "none.npy", np.zeros((0, 1, 28, 28), np.uint8))
    np.savez(desk / "both.npz", first=images, second=images)
    np.save(desk / "three.npy", np.arange(3))
    np.save(desk / "onehot.npy", np.eye(10)[:4])
    np.save(desk / "from_1.npy", np.array([1, 2, 3, 10]))
    return desk


# What was typed; and of the message: where, what is wrong, what to do.
MISTAKES: dict[str, tuple[str, str, str, str]] = {
    "a model that is not there": ("compile nte.onnx -o out", "nte.onnx", "there is no such file", ".onnx"),
    "a folder as the model": ("compile photos -o out", "photos", "it is a folder", "give a .onnx"),
    "a project as the model": (
        "compile project -o out",
        "project",
        "it is a folder",
        "compiled already; its model is in",
    ),
    "a file without content": ("compile empty.onnx -o out", "empty.onnx", "the file is empty", "export"),
    "a text as the model": ("compile notes.onnx -o out", "notes.onnx", "not an ONNX model", "bnnfpga.export_qonnx"),
    "a PyTorch file": ("compile net.pt -o out", "net.pt", "it is a PyTorch file", "bnnfpga.export_qonnx("),
    "a pickle": ("compile net.pkl -o out", "net.pkl", "it is a Python pickle", "bnnfpga.export_qonnx("),
    "a Keras file": ("compile net.h5 -o out", "net.h5", "it is an HDF5 file", "export"),
    "a TensorFlow Lite file": ("inspect net.tflite", "net.tflite", "it is a TensorFlow Lite file", "export"),
    "no output folder": ("compile net.onnx", "bnnfpga compile", "Missing option '-o'", "bnnfpga compile --help"),
    "no model": ("compile -o out", "bnnfpga compile", "Missing argument 'MODEL'", "bnnfpga compile --help"),
    "an output folder that is there": ("compile net.onnx -o project", "project", "exists", "--force"),
    "an output folder with photos": (
        "compile net.onnx -o {desk} --force",
        "",
        "is not a bnnfpga project, so it is not replaced",
        "choose another",
    ),
    "a folder for it that is not there": ("compile net.onnx -o a/b", "a/b", "its parent folder does not", "mkdir -p"),
    "an input type of another tool": ("compile net.onnx -o out --input UINT8", "--input", "'UINT8' is not an", "uintN"),
    "too wide an input": ("compile net.onnx -o out --input uint32", "--input", "'uint32' is not an", "up to 16"),
    "a scale of zero": (
        "compile net.onnx -o out --input uint8 --input-scale 0",
        "--input-scale",
        "'0' is not a positive number",
        "1/255",
    ),
    "a scale of floats": (
        "compile net.onnx -o out --input-scale 1/255",
        "--input-scale",
        "a scale needs an integer input",
        "--input uint8",
    ),
    "two speeds": (
        "compile net.onnx -o out --cycles 64 --target-fps 1000",
        "--target-fps",
        "two speeds were given",
        "either --cycles or --target-fps",
    ),
    "no cycles": ("compile net.onnx -o out --cycles 0", "--cycles", "0 cycles per frame is not possible", "at least 1"),
    "a speed beyond the clock": (
        "compile net.onnx -o out --target-fps 1e9",
        "--target-fps",
        "more than one frame per cycle at 100 MHz",
        "raise --clock-mhz",
    ),
    "a clock in hertz": (
        "compile net.onnx -o out --clock-mhz 1e8",
        "--clock-mhz",
        "not a clock frequency",
        "up to 10000",
    ),
    "a folding that is not there": (
        "compile net.onnx -o out --folding f.yaml",
        "f.yaml",
        "no such file",
        "folding.yaml",
    ),
    "a folding of the model's names": (
        "compile net.onnx -o out --folding conv.yaml",
        "conv.yaml",
        "no layer is called 'conv1'",
        "matrix_vector0",
    ),
    "a PE that does not divide": (
        "compile net.onnx -o out --folding odd.yaml",
        "odd.yaml, layer 'matrix_vector0'",
        "pe: 3 is not legal",
        "1, 2, 4, 8",
    ),
    "an output of another name": (
        "compile net.onnx -o out --output label",
        "bnnfpga compile",
        "'label' is not one",
        "--help",
    ),
    "an option with an underscore": (
        "compile net.onnx -o out --input_scale 1",
        "bnnfpga compile",
        "No such option: --input_scale (Possible options: --input, --input-scale)",
        "--help",
    ),
    "a command of another name": ("build net.onnx -o out", "bnnfpga", "No such command 'build'", "`bnnfpga compile`?"),
    "a command misspelt": ("simualte project", "bnnfpga", "Did you mean 'simulate'?", "The commands are"),
    "a model to simulate": (
        "simulate net.onnx --images images.npy",
        "net.onnx",
        "a file, not a project",
        "compile MODEL",
    ),
    "a folder to simulate": ("simulate photos --images images.npy", "photos", "it is not a project", "compile MODEL"),
    "a project that is not there": (
        "verify porject --images images.npy",
        "porject",
        "there is no such folder",
        "compile",
    ),
    "no images": ("simulate project", "bnnfpga simulate", "Missing option '--images'", "bnnfpga simulate --help"),
    "images that are not there": (f"{EMULATED} image.npy", "image.npy", "there is no such file", "give a .npy file"),
    "images of the wrong kind of file": (f"{EMULATED} net.onnx", "net.onnx", "not an array file", "give a .npy file"),
    "floats for integers": (
        f"{EMULATED} floats.npy",
        "images",
        "is float32, expected integers (uint8)",
        "without --input",
    ),
    "integers for floats": (
        "simulate floats --backend emulator --images images.npy",
        "images",
        "the array is uint8, expected float32",
        "--input uint8 --input-scale 1/255",
    ),
    "pixels from -128": (
        f"{EMULATED} signed.npy",
        "images",
        "values from -128 to 127, expected 0 to 255",
        "shift them",
    ),
    "images that are not numbers": (
        "simulate floats --backend emulator --images nan.npy",
        "images",
        "image 0 holds NaN",
        "finite",
    ),
    "images of another size": (
        f"{EMULATED} colour.npy",
        "images",
        "has shape (4, 32, 32, 3), expected (images, 1, 28, 28)",
        "the first axis is the image",
    ),
    "an empty batch": (f"{EMULATED} none.npy", "images", "there are no images", "at least one"),
    "one of two arrays": (f"{EMULATED} both.npz", "both.npz", "which array of this file; it has", "both.npz:NAME"),
    "too few labels": (
        f"{EMULATED} images.npy --labels three.npy",
        "labels",
        "of shape (3,), expected 4 integers",
        "one class number per image",
    ),
    "one-hot labels": (
        f"{EMULATED} images.npy --labels onehot.npy",
        "labels",
        "of shape (4, 10), expected 4 integers",
        "labels.argmax(axis=1)",
    ),
    "labels from 1 on": (
        f"{EMULATED} images.npy --labels from_1.npy",
        "labels",
        "1 to 10, expected 0 to 9",
        "classes count from 0",
    ),
    "a backend of another name": (
        "simulate project --images images.npy --backend verilator",
        "bnnfpga simulate",
        "'verilator' is not one of 'rtl', 'hls', 'emulator'",
        "--help",
    ),
    "waves of the emulator": (f"{EMULATED} images.npy --trace w.vcd", "--backend", "cycle-accurate", "--backend rtl"),
    "waves of another kind": (
        "simulate project --images images.npy --trace w.ghw",
        "--trace",
        "w.ghw is not a waveform file",
        ".vcd or .fst",
    ),
    "outputs into no folder": (
        f"{EMULATED} images.npy --save-outputs out/scores.npy",
        "out/scores.npy",
        "does not exist",
        "create the folder",
    ),
    "a data set by its name": ("eval project --dataset mnist", "mnist", "there is no such file", "IDX"),
    "a folder without a data set": (
        "eval project --dataset photos",
        "photos",
        "no data set in this folder",
        "subfolder",
    ),
    "images without labels": ("eval project --dataset images.npy", "images.npy", "labels of these images", "--labels"),
    "a stage of another name": (
        "verify project --images images.npy --stages fpga",
        "--stages",
        "there is no stage 'fpga'",
        "emulator, hls, rtl",
    ),
    "a vendor tool that is not here": (
        "synth project --flow vivado",
        "--flow vivado",
        "not on the PATH",
        "settings64.sh",
    ),
    "a transform of another name": (
        "transforms fuse net.onnx",
        "transforms",
        "there is no transform 'fuse'",
        "batch-norm",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_explained(
    mistake: str, desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed, where, message, hint = MISTAKES[mistake]
    monkeypatch.chdir(desk)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    before = sorted(desk.rglob("*"))
    arguments = typed.format(desk=desk).split()
    assert run(app, arguments) == EXIT_USER_ERROR
    shown = capsys.readouterr().err
    assert "Traceback" not in shown
    assert run(app, [*arguments, "--json"]) == EXIT_USER_ERROR
    error = json.loads(capsys.readouterr().out)["error"]
    for key, words in (("where", where), ("message", message), ("hint", hint)):
        assert words in error[key], error
        assert error[key] in shown
    assert sorted(desk.rglob("*")) == before
