"""An operator that maps to existing units is a contract entry with its traits, and a meaning."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx

from tests.support.data import ROOT
from tests.support.spelled import Spelled, expected

_ADDS_MOD = """
import sys
from pathlib import Path

import numpy as np

from bnnfpga.frontend.contract import elementwise_operators as family
from bnnfpga.frontend.contract.terms import Attribute, Form, Input, Contract, one_of
from bnnfpga.frontend.contract.traits import Traits

form = Form((10, 13), (Input("A"), Input("B", constant=True)), (Attribute("fmod", "int", 0, one_of(1)),))
traits = Traits(elementwise=True, broadcasts=True)
family.OPERATORS += (Contract("Mod", "Arithmetic", "What a division leaves.", (form,), traits=traits),)

from bnnfpga.frontend.graph.nodes import required_constant
from bnnfpga.golden.steps import STEPS_OF
from bnnfpga.numbers.arithmetic import Step


def rest(model, node):
    divisor = required_constant(model, node, 1, "divisor")
    multiples = (Step("divide", divisor), Step("round_down"), Step("multiply", divisor))
    return [Step("subtract", branches=((), multiples))]


STEPS_OF["Mod"] = rest

import bnnfpga
from bnnfpga.frontend.clean import load
from bnnfpga.golden.golden_model import GoldenModel

path, folder, images, results = map(Path, sys.argv[1:])
project = bnnfpga.compile(path, folder)
x = np.load(images)
assert project.simulate(x, backend="emulator").mismatches == 0
np.save(results, GoldenModel(load(path)).run(x).values[0])
"""


def test_a_toy_operator_compiles_by_its_entry_and_its_meaning(tmp_path: Path) -> None:
    """The remainder of a division, which is not monotonic: a table behind a dense layer, and the file's integers."""
    net = Spelled(17, (1, 8))
    sums = net.dense(net.quant("x", 4, 0.25), 8, 6)
    rest = net.node("Mod", sums, net.constant([1.0, 0.5, 2.0, 1.0, 4.0, 0.25]), fmod=1)
    net.end(net.dense(net.quant(rest, 3, 0.5), 6, 3))
    model, x = net.model(), net.inputs(40)
    paths = [tmp_path / name for name in ("net.onnx", "project", "images.npy", "results.npy")]
    onnx.save(model, paths[0])
    np.save(paths[2], x)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", _ADDS_MOD, *map(str, paths)], check=True, env=environment, cwd=ROOT)
    assert np.array_equal(np.load(paths[3]), expected(model, x)[0])
