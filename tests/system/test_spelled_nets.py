"""Nets of every opset from 7 on, spelled at random from the contract table: the file = golden model = emulator."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest

from bnnfpga.compiler.design import make_design
from bnnfpga.compiler.model_file import open_model
from bnnfpga.frontend.clean import clean
from bnnfpga.frontend.contract.table import STANDARD
from bnnfpga.golden.file_check import check_file
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.host.input_format import InputFormat
from bnnfpga.numbers.arithmetic import apply_steps
from bnnfpga.simulate.runners.emulator import Emulator
from tests.support import spelled_nets
from tests.support.contract_cases import CASES
from tests.support.spelled import expected
from tests.support.spelled_nets import FUNCTIONS, OPSETS, SpelledNet

NETS = 105
IMAGES = 16


@pytest.mark.parametrize("seed", range(NETS))
def test_file_golden_model_and_emulator_agree(seed: int, tmp_path: Path) -> None:
    net = SpelledNet(seed).net
    proto, x = net.model(), net.inputs(IMAGES)
    model = clean(proto)
    images = x.astype(np.float32)
    golden = GoldenModel(model).run(images)
    for got, wanted in zip(golden.values, expected(proto, x), strict=True):
        np.testing.assert_allclose(got.reshape(wanted.shape), wanted, rtol=1e-5, atol=1e-5)

    path = tmp_path / "net.onnx"
    onnx.save(proto, path)
    design = make_design(open_model(path, InputFormat.parse(None, None)), folding=None, cycles=None)
    reading = check_file(proto, design.file.golden, images)
    assert reading.difference is None
    assert reading.unchecked == ()
    # Integers of the file are what the accelerator takes; floats the host quantises.
    assert (design.file.input.type is None) == (x.dtype.kind == "f")
    codes = images.reshape(IMAGES, -1)
    if design.folded.input_function is not None:
        codes = apply_steps(design.folded.input_function.steps, codes)
    scores = Emulator(design.graph).scores(design.input_order.to_stream(codes.astype(np.int64)))[0]
    np.testing.assert_array_equal(design.output_orders[0].to_model(scores), golden.scores[0].reshape(IMAGES, -1))


def test_the_nets_have_every_opset_and_nearly_every_form() -> None:
    nets = [SpelledNet(seed) for seed in range(NETS)]
    opsets = Counter(net.net.opset for net in nets)
    assert set(opsets) == set(OPSETS)
    assert min(opsets.values()) >= NETS // len(OPSETS)
    used = set().union(*(net.used for net in nets))
    functions = set(FUNCTIONS)
    names = {name for name, _ in used}
    # Whatever the nets know how to spell is in one of them, at least; what they do not is among the cases of the table.
    source = Path(spelled_nets.__file__).read_text()
    spelled = {name for name in STANDARD if f'"{name}"' in source}
    assert spelled - functions == names - functions
    assert set(STANDARD) - spelled <= set(CASES)
    # The nets are few; every function at every version is among the cases of the table.
    assert len(functions & names) >= 25
    assert len(used) >= 150
