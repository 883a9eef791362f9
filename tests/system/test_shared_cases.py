"""Small inputs of kinds that once failed, run where they lie beside the checkout: each as its `wanted.json` says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.frontend.clean import load
from bnnfpga.golden.file_check import check_file
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.quantizing.closeness import compare
from tests.support.data import SHARED

FOLDERS = sorted(path.parent for path in (SHARED / "cases").glob("*/wanted.json"))
UNQUANTISED = {"family-xnor-K": "node_mean.*averages numbers that are not quantised"}
"""Files whose floats have no integer form, though what is wanted of their kind is "equal": the quantised form is."""
pytestmark = pytest.mark.skipif(not FOLDERS, reason="the shared cases are not beside this checkout")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_case(folder: Path, tmp_path: Path) -> None:
    wanted = json.loads((folder / "wanted.json").read_text())
    equal, _, words = wanted["bring"].partition("refuse:")
    refusal = None
    try:
        project = bnnfpga.compile(folder / "model.onnx", tmp_path / "project", **wanted["options"])
    except bnnfpga.UserError as error:
        refusal = str(error)
    words = UNQUANTISED.get(folder.name, words)
    if refusal is not None:
        assert words, refusal
        assert re.search(words, refusal)
        return
    assert equal.startswith("equal")
    if (folder / "vectors.npz").exists():
        _check_values(project, folder, integers="input" in wanted["options"])


def _partly_float(folder: Path) -> bool:
    return "quantize" in json.loads((folder / "wanted.json").read_text())["family"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "folder",
    [folder for folder in FOLDERS if folder.name.startswith("family-") and _partly_float(folder)],
    ids=lambda folder: folder.name,
)
def test_partly_float_families(folder: Path, tmp_path: Path) -> None:
    """Those that do not compile do so after `quantize`, and images whose class was clear keep it."""
    model = load(folder / "model.onnx")
    images = np.load(folder / "vectors.npz")["x"].astype(np.float32).reshape(-1, *model.shape(model.input)[1:])
    more = np.repeat(images, 50, axis=0)
    more = np.random.default_rng(0).permuted(more.reshape(len(more), -1), axis=1).reshape(more.shape)
    try:
        bnnfpga.plan(folder / "model.onnx")
    except bnnfpga.UserError:
        bnnfpga.quantize(folder / "model.onnx", tmp_path / "q.onnx", more[:100])
    else:
        return
    project = bnnfpga.compile(tmp_path / "q.onnx", tmp_path / "project")
    assert project.simulate(more[:20], backend="emulator").mismatches == 0
    before, after = onnx.load(folder / "model.onnx"), onnx.load(tmp_path / "q.onnx")
    output = before.graph.output[0].name
    assert compare(before, after, images, [output]).clear_agreement in (1, None)
    assert (compare(before, after, more[100:], [output]).clear_agreement or 0) >= 0.97


def _check_values(project: bnnfpga.Project, folder: Path, *, integers: bool) -> None:
    """The values of images without a tie are the vectors', to rounding."""
    vectors = dict(np.load(folder / "vectors.npz"))
    x = vectors["codes"] if integers and "codes" in vectors else vectors["x"]
    x = x.reshape(len(x), *project.input_shape)
    x = x if integers else x.astype(np.float32)
    result = project.simulate(x, backend="emulator")
    assert result.mismatches == 0
    outputs = result.values if isinstance(result.values, tuple) else (result.values,)
    if "y0" not in vectors:  # what has no reference run is only compiled, and so compared with its own file
        return
    assert len(outputs) == sum(re.fullmatch("y[0-9]+", name) is not None for name in vectors)
    close = np.ones(len(x), dtype=bool)
    for index, output in enumerate(outputs):
        wanted = vectors[f"y{index}"].reshape(len(x), -1).astype(np.float64)
        values = np.asarray(output, dtype=np.float64).reshape(wanted.shape)
        close &= np.isclose(values, wanted, rtol=1e-5, atol=1e-5 * max(1.0, float(np.abs(wanted).max()))).all(axis=1)
    far = ~close
    if far.any():
        model = folder / "model.onnx"
        tied = check_file(onnx.load(model), GoldenModel(load(model), project.input_format), x.astype(np.float32)).tied
        assert not np.any(far & ~tied)
