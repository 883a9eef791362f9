"""C simulation of the HLS beside the RTL in Verilator, on the same images: both give the golden model's integers.

The projects are those of test_full_sets.py, test_cnv.py, test_random_nets.py and test_random_conv_nets.py, so that
whichever comes first builds their simulators; of the random ones, five of each kind run in `make test`.
"""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import bnnfpga
from bnnfpga.simulate.runners.hls_headers import find_headers
from tests.support.builds import images_for, random_folding_of
from tests.support.conv_nets import ConvNet
from tests.support.data import EXAMPLES, FIXTURES, mnist_test_set, random_digits, shared
from tests.support.digit_nets import NETS, compiled
from tests.support.nets import DenseNet
from tests.support.seeds import CONV_NETS, DENSE_NETS, seeds

IMAGES = 200
SLOW = pytest.mark.slow

pytestmark = pytest.mark.usefixtures("ap_headers")


def check(project: bnnfpga.Project, images: NDArray[Any], layout: str = "nchw") -> None:
    hls = project.simulate(images, backend="hls", layout=layout)
    assert hls.images == len(images)
    assert hls.mismatches == 0
    rtl = project.simulate(images, layout=layout)
    assert rtl.mismatches == 0
    np.testing.assert_array_equal(hls.outputs, rtl.outputs)


@pytest.mark.parametrize("name", NETS)
def test_nets_for_digits(name: str, tmp_path: Path) -> None:
    project, _ = compiled(name, tmp_path)
    images, _ = mnist_test_set()
    check(project, images[:: len(images) // IMAGES])


@SLOW
def test_the_trained_cnv(tmp_path: Path) -> None:
    model = shared("models/cnv_w1a1_cifar10.onnx.gz")
    project = bnnfpga.compile(model, tmp_path / "project", cycles=33_020, input="uint8", input_scale="1/255")
    with np.load(shared("data/cifar10_jpg/cifar10jpg_test.npz")) as data:
        check(project, data["x"][:20], "nhwc")


def test_the_random_cnv(tmp_path: Path) -> None:
    model = FIXTURES / "cnv" / "cnv_w1a1_random.onnx.gz"
    project = bnnfpga.compile(model, tmp_path / "project", cycles=8_192, input="uint8", input_scale="1/255")
    check(project, images_for(project, 20))


def check_random(net: ConvNet | DenseNet, seed: int, folder: Path) -> None:
    model = net.write(folder)
    input = ["int4", "uint8", "bipolar", None][seed % 4]
    folding = random_folding_of(model, seed, input)
    project = bnnfpga.compile(model, folder / "project", folding=folding, input=input)
    check(project, images_for(project, IMAGES, seed))


@pytest.mark.usefixtures("built_soon")
@pytest.mark.parametrize("seed", seeds(DENSE_NETS, quick=5))
def test_random_dense_net(seed: int, tmp_path: Path) -> None:
    check_random(DenseNet.random(seed), seed, tmp_path)


@pytest.mark.usefixtures("built_soon")
@pytest.mark.parametrize("seed", seeds(CONV_NETS, quick=5))
def test_random_conv_net(seed: int, tmp_path: Path) -> None:
    check_random(ConvNet.random(seed), seed, tmp_path)


def test_it_is_fast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """784-64-64-64-10 built anew and 1,000 images, in seconds of a processor: the clock tells of other work as well."""
    monkeypatch.setenv("BNNFPGA_HLS_INCLUDE", str(find_headers()))
    monkeypatch.setenv("BNNFPGA_CACHE", str(tmp_path / "cache"))
    model = EXAMPLES / "mnist_mlp" / "mlp_64.onnx"
    project = bnnfpga.compile(model, tmp_path / "project", cycles=64, input="uint8", input_scale="1/255")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = project.simulate(random_digits(1000), backend="hls")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert result.mismatches == 0
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    assert 0 < seconds < 20
