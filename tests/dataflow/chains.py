"""Random chains of units, folded at random, built by hand: for tests below the compiler."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bnnfpga.dataflow.folding import LayerFolding, apply_folding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.score_output import ScoreOutput
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.numbers.threshold_table import ThresholdTable

Spec = tuple[tuple[int, ...], int]


def random_table(rng: np.random.Generator, channels: int, lo: int, hi: int, bits: int) -> ThresholdTable:
    """Thresholds anywhere in the legal range, in both directions; bits 1 is bipolar."""
    levels = (1 << bits) - 1
    values = np.sort(rng.integers(lo, hi + 2, (channels, levels)), axis=1)
    offset = int(rng.integers(-3, 2))
    output = IntegerType.bipolar() if bits == 1 else IntegerType.interval(offset, offset + levels)
    return ThresholdTable(values, rng.random(channels) < 0.5, output)


def random_chain(seed: int, widths: tuple[int, ...], bits: int = 1) -> Graph:
    """An input threshold, matrix-vector units of `widths`, scores; unfolded."""
    rng = np.random.default_rng(seed)
    pixel = IntegerType.interval(0, 255)
    table = random_table(rng, widths[0] if rng.random() < 0.5 else 1, 0, 255, bits)
    operators: list[Operator] = [Threshold("threshold0", (widths[0],), pixel, table)]
    for index, (mw, mh) in enumerate(pairwise(widths)):
        weights = rng.choice([-1, 1], (mh, mw))
        unit = MatrixVector(f"matrix_vector{index}", weights, operators[-1].outputs[0].type)
        if index < len(widths) - 2:
            table = random_table(rng, mh, unit.accumulator.lo, unit.accumulator.hi, bits)
            unit = MatrixVector(unit.name, weights, unit.input_type, (), table)
        operators.append(unit)
    operators.append(ScoreOutput("score_output", operators[-1].outputs[0]))
    graph = Graph()
    for operator in operators:
        graph.add(operator)
    for before, after in pairwise(operators):
        graph.connect(before.name, after.name)
    graph.set_boundary(operators[0].name, [operators[-1].name])
    return graph


def random_folding(graph: Graph, seed: int) -> Graph:
    """Any legal PE and SIMD for each unit."""
    rng = np.random.default_rng(seed)
    folding = {}
    for operator in graph.operators:
        if operator.legal_pe():
            pe = int(rng.choice(operator.legal_pe()))
            simd = int(rng.choice(operator.legal_simd(pe))) if operator.legal_simd(pe) else None
            kinds = operator.refolded(pe=pe, **({} if simd is None else {"simd": simd})).memory_kinds
            memory = str(rng.choice(kinds)) if kinds else None
            folding[operator.name] = LayerFolding(pe, simd, memory)  # type: ignore[arg-type]
    return apply_folding(graph, folding)
