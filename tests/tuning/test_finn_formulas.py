"""With the cost and the cycles that FINN states of its matrix-vector units, no folding of FINN's search is better.

The formulas are those of FINN 0.10 (its `MVAU` classes): LUTs of the datapath, and block RAMs of the weights, which
stand in block RAM in both; units of other kinds cost nothing here.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from bnnfpga.compiler.planner import Planner
from bnnfpga.dataflow.folding import LayerFolding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.stream import divisors
from bnnfpga.tuning.budgets import least_share
from bnnfpga.tuning.folding_search import SpeedLimits
from bnnfpga.tuning.space import FoldingSpace
from tests.support.data import SHARED
from tests.support.nets import DenseNet

CNV = SHARED / "models" / "cnv_w1a1_cifar10.onnx.gz"
_DEEP_AND_NARROW = ((1, 16384, 1), (2, 8192, 2), (4, 4096, 4), (9, 2048, 9))
"""Block RAM for memories of at most so many bits a word: words, and bits, of one."""
_MOST_PRODUCTS = 8191


def luts(unit: MatrixVector, pe: int, simd: int) -> float:
    own, bits = unit.weight_type.bits, unit.input_type.bits
    multipliers = simd * (2 * math.ceil((own + bits) / 6) - 1) * (own + bits)
    adders = (own + bits) * (2 * simd - 1)
    signed = unit.input_type.signed and not unit.input_type.is_bipolar
    largest = math.log2(unit.mw) + own + bits - 1 - signed
    accumulator = min(unit.accumulator.bits + 1, math.ceil(largest + math.log2(1 + 2**-largest) + 1))
    return 300 + 1.1 * pe * (multipliers + adders + accumulator)


def block_rams(unit: MatrixVector, pe: int, simd: int) -> int:
    words, width = unit.mw * unit.mh // (pe * simd), pe * simd * unit.weight_type.bits
    for most, deep, wide in _DEEP_AND_NARROW:
        if width <= most:
            return math.ceil(words / deep) * math.ceil(width / wide)
    if width <= 18 or words > 512:
        return math.ceil(words / 1024) * math.ceil(width / 18)
    return math.ceil(words / 512) * math.ceil(width / 36)


class FinnCosts:
    """FINN's formulas as a cost model."""

    def of(self, operator: Operator) -> dict[str, int]:
        if not isinstance(operator, MatrixVector):
            return {}
        pe, simd = operator.neurons, operator.simd
        # In thousandths of a LUT, so that sums are exact.
        lut = round(1000 * operator.pixels * luts(operator, pe, simd))
        return {"lut": lut, "bram18": operator.pixels * block_rams(operator, pe, simd)}

    def levels(self, operator: Operator) -> int:
        return operator.logic_levels

    def has_quick_levels(self, operator: Operator) -> bool:
        return False


def finn_folding(unit: MatrixVector, cycles: int, widest: int) -> tuple[int, int]:
    """PE and SIMD as FINN's search sets them: first SIMD, up to a width of the weights, then PE."""
    vectors = math.prod(unit.positions)

    def fast(pe: int, simd: int) -> bool:
        return vectors * (unit.mh // pe) * (unit.mw // simd) <= cycles

    simd = 1
    for candidate in divisors(unit.mw):
        if candidate * unit.weight_type.bits > widest:
            break
        simd = candidate
        if fast(1, simd):
            break
    pe = 1
    for candidate in divisors(unit.mh):
        if candidate * simd * unit.weight_type.bits > _MOST_PRODUCTS:
            break
        pe = candidate
        if fast(pe, simd):
            break
    return pe, simd


def finn_figures(graph: Graph, cycles: int, widest: int) -> dict[str, int]:
    units = [unit for unit in graph.operators if isinstance(unit, MatrixVector)]
    foldings = [finn_folding(unit, cycles, widest) for unit in units]
    lut = sum(luts(unit, *own) for unit, own in zip(units, foldings, strict=True))
    blocks = sum(block_rams(unit, *own) for unit, own in zip(units, foldings, strict=True))
    return {"lut": round(1000 * lut), "ff": 0, "bram18": blocks, "dsp": 0}


def space_of(graph: Graph, cycles: int) -> FoldingSpace:
    in_blocks = {unit.name: LayerFolding(memory="block") for unit in graph.operators if isinstance(unit, MatrixVector)}
    return FoldingSpace(graph, FinnCosts(), in_blocks, cycles)


def dense(folder: Path, width: int) -> Graph:
    model = DenseNet((784, width, width, width, 10), seed=1).write(folder)
    return Planner(model, input="uint8", input_scale="1/255").graph


@pytest.mark.parametrize(
    ("width", "cycles", "widest", "lut"),
    [
        (64, 896, 36, 1727),
        (64, 98, 10_000, 7306),
        (256, 784, 36, None),
        (256, 32, 10_000, 70_730),
        pytest.param(1024, 784, 36, None, marks=pytest.mark.slow),
        pytest.param(1024, 256, 10_000, 76_540, marks=pytest.mark.slow),
    ],
)
def test_dense_nets_at_the_cycles_of_finn(
    tmp_path: Path, width: int, cycles: int, widest: int, lut: int | None
) -> None:
    graph = dense(tmp_path, width)
    finn = finn_figures(graph, cycles, widest)
    if lut is not None:
        assert finn["lut"] / 1000 == pytest.approx(lut, abs=lut / 500)
    found = least_share(space_of(graph, cycles), SpeedLimits(cycles), finn)
    assert found is not None
    assert found.interval <= cycles
    assert found.resources["lut"] <= finn["lut"]
    assert found.resources["bram18"] <= finn["bram18"]


@pytest.mark.slow
@pytest.mark.parametrize(("cycles", "widest"), [(98_304, 36), (33_020, 36), (9383, 10_000), (8192, 10_000)])
@pytest.mark.skipif(not CNV.exists(), reason="the published net is not there")
def test_cnv_at_the_cycles_of_finn(cycles: int, widest: int) -> None:
    graph = Planner(CNV, input="uint8", input_scale="1/255").graph
    finn = finn_figures(graph, cycles, widest)
    found = least_share(space_of(graph, cycles), SpeedLimits(cycles), finn)
    assert found is not None
    assert found.interval <= cycles
    assert found.resources["lut"] <= finn["lut"]
    assert found.resources["bram18"] <= finn["bram18"]


@pytest.mark.parametrize(
    ("width", "cycles"), [(256, 16), pytest.param(1024, 128, marks=pytest.mark.slow)], ids=["sfc", "lfc"]
)
def test_speeds_at_which_finn_stops(tmp_path: Path, width: int, cycles: int) -> None:
    graph = dense(tmp_path, width)
    found = least_share(space_of(graph, cycles), SpeedLimits(cycles), {"lut": 1, "ff": 1, "bram18": 1, "dsp": 1})
    assert found is not None
    assert found.interval <= cycles
