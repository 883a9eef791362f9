"""Compiles and runs a list of nets with one revision, and writes all results that can be compared.

    python -P worker.py JOBS ROOT

It works with the package of any revision, found by PYTHONPATH, and so uses only the public interface:
`bnnfpga.compile`, `Project`, and commands. The results of job number N go to the folder N below the current one; a line
on stdout reports when they are complete.
"""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import bnnfpga

VOLATILE = {"seconds", "build_seconds", "run_seconds", "simulated_cycles_per_second", "images_per_second"}
"""Figures that differ from run to run."""
ARRAYS = ("outputs", "values", "classes", "frame_done")
_RTL_IMAGES = 4


def main() -> None:
    """Do all jobs."""
    jobs, root = Path(sys.argv[1]), Path(sys.argv[2])
    if not Path(bnnfpga.__file__).is_relative_to(root):
        raise SystemExit(f"{bnnfpga.__file__} is not the package of {root}")
    warnings.simplefilter("ignore")
    for number, job in enumerate(json.loads(jobs.read_text())):
        folder = Path(str(number))
        folder.mkdir()
        try:
            _do(job, folder)
        except bnnfpga.UserError as error:
            _write(folder / "refusal.json", error.as_dict())
        except Exception:  # a bug, which the other revision may have as well; where it was raised differs then
            _write(folder / "bug.json", traceback.format_exc().splitlines()[-1])
            traceback.print_exc()
        print(number, flush=True)


def _do(job: dict[str, Any], folder: Path) -> None:
    project = _compiled(job, folder)
    _write(folder / "compile.json", project.summary())
    x = _images(project, job["images"], zlib.crc32(job["name"].encode()))
    _write(folder / "emulator.json", _simulation(project.simulate(x, backend="emulator")))
    if job["rtl"]:
        x = x[:_RTL_IMAGES]
        _write(folder / "rtl.json", _simulation(project.simulate(x, streams=True)))
        _write(folder / "rtl_stalled.json", _simulation(project.simulate(x, stall_seed=1, streams=True)))
    if job["commands"]:
        images = folder / "images.npy"
        np.save(images, x)
        place = [str(project.folder), "--images", str(images)]
        _write(folder / "inspect_command.json", _command("inspect", job["model"]))
        _write(folder / "simulate_command.json", _command("simulate", *place, "--backend", "emulator"))
        stages = "file,source,folded,emulator"
        _write(folder / "verify_command.json", _command("verify", *place, "--stages", stages, "--streams"))


def _compiled(job: dict[str, Any], folder: Path) -> bnnfpga.Project:
    options = dict(job["options"])
    if options.pop("fastest", False):
        for power in range(7):
            cycles = 8**power
            try:
                return bnnfpga.compile(job["model"], folder / "project", cycles=cycles, **options)
            except bnnfpga.UserError as error:
                _write(folder / f"{cycles}_cycles.json", error.as_dict())
    return bnnfpga.compile(job["model"], folder / "project", **options)


def _images(project: bnnfpga.Project, count: int, seed: int) -> NDArray[Any]:
    """Random images in the project's input format."""
    input = json.loads((project.folder / "project.json").read_text())["input"]
    rng = np.random.default_rng(seed)
    shape, kind = (count, *input["shape"]), input["kind"]
    if kind == "float":
        return rng.normal(0, 2, shape).astype(np.float32)
    if kind == "bipolar":
        return rng.choice([-1, 1], shape)
    bits = int(kind.removeprefix("u").removeprefix("int"))
    low = 0 if kind.startswith("u") else -(1 << (bits - 1))
    return rng.integers(low, low + (1 << bits), shape)


def _simulation(result: Any) -> dict[str, Any]:
    """The figures and integers of a simulation."""
    arrays = {name: getattr(result, name) for name in ARRAYS}
    return {**result.as_dict(), **{name: _as_lists(array) for name, array in arrays.items()}}


def _as_lists(array: Any) -> Any:
    if isinstance(array, tuple):
        return [_as_lists(each) for each in array]
    return None if array is None else array.tolist()


def _command(*arguments: str) -> Any:
    """A command's exit status, and its output on stdout with `--json`."""
    command = [sys.executable, "-P", "-m", "bnnfpga", *arguments, "--json", "--quiet"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    return {"status": done.returncode, "printed": json.loads(done.stdout or "null")}


def _write(path: Path, data: Any) -> None:
    path.write_text(json.dumps(_steady(data), indent=1) + "\n")


def _steady(data: Any) -> Any:
    """Data without the figures that differ from run to run."""
    if isinstance(data, dict):
        return {key: _steady(value) for key, value in data.items() if key not in VOLATILE}
    return [_steady(value) for value in data] if isinstance(data, list | tuple) else data


if __name__ == "__main__":
    main()
