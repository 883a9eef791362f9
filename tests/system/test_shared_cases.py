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
from bnnfpga.golden.model import GoldenModel
from tests.support.data import SHARED

KINDS = (
    "aff-*",
    "argmax-on-input",
    "avgpool-whole-*",
    "bip-half-matmul",
    "bipolar-global-max-first",
    "channel-scale-*",
    "channel-zero-point",
    "channels-last-*",
    "clip-opset-*",
    "concat-*",
    "conv-whole-*",
    "deep-*",
    "dense-tokens",
    "family-benn-softmax-*",
    "family-bifsmn-linear-*",
    "family-irnet-*",
    "family-linear-over-*",
    "family-r2b-gate-*",
    "family-rnn-unrolled-*",
    "family-thinnable-cat-*",
    "family-thinnable-gate-*",
    "family-unet-argmax-*",
    "family-unet-nearest",
    "family-yolo-neck-*",
    "family-yolo-permute-*",
    "family-yolo-sigmoid",
    "final-values",
    "flatten-fork",
    "gap-last-*",
    "gate",
    "global-pool-*",
    "half-bipolar",
    "hostile-*",
    "im2col-*",
    "maxpool-nhwc-*",
    "mt-nhwc*",
    "multi-threshold-*",
    "mvau-*",
    "nhwc-*",
    "normalise-message",
    "one-score",
    "option-a-*",
    "pad-flatten-*",
    "pcscale-*",
    "pix-*",
    "pixel-bias",
    "pixel-softmax",
    "pixin-*",
    "preproc-conv",
    "px2-*",
    "reduce*",
    "resize-nearest-*",
    "sequence-linear",
    "softmax-end",
    "split-first",
    "sum-whole-*",
    "topk5",
    "upsample-*",
    "wide-input-quant",
    "zero-scale",
)
"""Readings of a file, layouts, first units, shapes, depth and sizes."""
FOLDERS = sorted({folder for kind in KINDS for folder in (SHARED / "cases").glob(kind)})


@pytest.mark.skipif(not FOLDERS, reason="the shared cases are not beside this checkout")
def test_every_kind_has_a_case() -> None:
    assert all(any((SHARED / "cases").glob(kind)) for kind in KINDS)


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
    if refusal is not None:
        assert words, refusal
        assert re.search(words, refusal)
        return
    assert equal.startswith("equal")
    if (folder / "vectors.npz").exists():
        _check_values(project, folder, integers="input" in wanted["options"])


def _check_values(project: bnnfpga.Project, folder: Path, *, integers: bool) -> None:
    """The values of images without a tie are the vectors', to rounding; or the classes are, where those are given."""
    vectors = dict(np.load(folder / "vectors.npz"))
    x = vectors["codes"] if integers and "codes" in vectors else vectors["x"]
    x = x.reshape(len(x), *project.input_shape)
    x = x if integers else x.astype(np.float32)
    result = project.simulate(x, backend="emulator")
    assert result.mismatches == 0
    wanted = vectors["y0"].reshape(len(x), -1).astype(np.float64)
    values = np.asarray(result.values, dtype=np.float64).reshape(len(x), -1)
    if values.shape != wanted.shape:
        np.testing.assert_array_equal(result.classes.reshape(wanted.shape), wanted)
        return
    close = np.isclose(values, wanted, rtol=1e-5, atol=1e-5 * max(1.0, float(np.abs(wanted).max())))
    far = ~close.all(axis=1)
    if far.any():
        model = folder / "model.onnx"
        tied = check_file(onnx.load(model), GoldenModel(load(model), project.input_format), x.astype(np.float32)).tied
        assert not np.any(far & ~tied)
