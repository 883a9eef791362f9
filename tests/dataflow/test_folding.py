"""Foldings: legal values only, and messages that name the way out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnfpga.base.errors import UserError
from bnnfpga.dataflow.folding import Folding, LayerFolding, apply_folding, folding_of, parse_folding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.score_output import ScoreOutput
from bnnfpga.numbers.integers import IntegerType
from bnnfpga.tuning.choose import choose_folding
from bnnfpga.tuning.folding_search import CostWeights
from tests.dataflow.chains import random_chain, random_folding


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), bits=st.integers(1, 3))
def test_folding_changes_no_integer(seed: int, bits: int) -> None:
    graph = random_chain(seed, (12, 10, 6), bits)
    folded = random_folding(graph, seed)
    x = np.random.default_rng(seed).integers(0, 256, (20, 12))
    np.testing.assert_array_equal(graph.execute(x)["output"], folded.execute(x)["output"])


def test_a_folding_survives_its_file() -> None:
    graph = random_chain(3, (12, 10, 6))
    folded = random_folding(graph, 5)
    again = apply_folding(graph, parse_folding(folding_of(folded), "file"))
    assert folding_of(again) == folding_of(folded)
    assert [operator.name for operator in again.operators] == [operator.name for operator in folded.operators]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], ["must map layer names"]),
        ({"matrix_vector0": 3}, ["must map pe, simd", "matrix_vector0"]),
        ({"matrix_vector0": {"Pe": 2}}, ["unknown setting 'Pe'", "pe"]),
        ({"matrix_vectr0": {"pe": 2}}, ["no layer is called 'matrix_vectr0'", "did you mean 'matrix_vector0'?"]),
        ({"matrix_vector0": {"pe": 3}}, ["pe: 3 is not legal", "1, 2, 5, 10"]),
        ({"matrix_vector0": {"simd": "2"}}, ["simd: '2' is not legal", "1, 2, 3, 4, 6, 12"]),
        ({"matrix_vector0": {"memory": "uram"}}, ["memory: 'uram'", "block, distributed"]),
        ({"threshold0": {"simd": 2}}, ["has no simd"]),
        ({"score_output": {"pe": 1}}, ["no layer is called 'score_output'"]),
        # A node of the model, which FINN would not call so.
        ({"Conv_0": {"pe": 2}}, ["no layer is called 'Conv_0'", "layers are threshold0, matrix_vector0"]),
    ],
)
def test_errors_name_what_is_legal(data: object, words: list[str]) -> None:
    graph = random_chain(0, (12, 10, 6))
    with pytest.raises(UserError) as caught:
        apply_folding(graph, parse_folding(data, "f.yaml"), "f.yaml")
    assert str(caught.value.where).startswith("f.yaml")
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("Defaults", {}),
        ("Defaults", {"mem_mode": ["internal_decoupled", ["all"]]}),
        ("MatrixVectorActivation_0", {"PE": 2, "SIMD": 4, "ram_style": "auto"}),
        ("MVAU_hls_0", {"PE": 2}),
        ("StreamingFCLayer_Batch_1", {"PE": 2}),
        ("StreamingFIFO_rtl_12", {"depth": 32}),
        ("ConvolutionInputGenerator_rtl_0", {"SIMD": 2, "inFIFODepths": [32]}),
        ("matrix_vector0", {"PE": 2}),
        ("matrix_vector0", {"pe": 2, "outFIFODepths": [2]}),
    ],
)
def test_what_is_written_for_finn_is_known(name: str, entry: object) -> None:
    with pytest.raises(UserError, match="this is FINN's format") as caught:
        parse_folding({name: entry}, "final_hw_config.json")
    assert caught.value.where == f"final_hw_config.json, entry '{name}'"
    assert "PE is pe, SIMD is simd" in str(caught.value.hint)


@pytest.mark.parametrize(
    "pinned",
    [
        {},
        {"matrix_vector0": LayerFolding(1, 1, "distributed")},
        {"matrix_vector0": LayerFolding(2)},
        {"matrix_vector0": LayerFolding(simd=1)},
        {"matrix_vector1": LayerFolding(memory="block")},
        {"matrix_vector0": LayerFolding(10, 12), "matrix_vector1": LayerFolding(1, 1)},
    ],
)
@pytest.mark.parametrize("cycles", [1, 8, 1000])
def test_what_a_folding_leaves_open_is_chosen(pinned: Folding, cycles: int) -> None:
    graph = random_chain(0, (12, 10, 6))
    beside = choose_folding(graph, cycles, pinned)
    assert set(beside) == {unit.name for unit in graph.operators if unit.legal_pe()}
    for name, entry in pinned.items():
        assert entry.completed(beside[name]) == beside[name]
        assert None not in (beside[name].pe, beside[name].simd, beside[name].memory)
    apply_folding(graph, beside)


def test_what_is_open_of_a_pinned_layer_is_chosen_for_the_cycles() -> None:
    graph = random_chain(0, (12, 10, 6))
    assert choose_folding(graph, 10, {"matrix_vector0": LayerFolding(pe=1)})["matrix_vector0"].simd == 12
    assert choose_folding(graph, 1, {"matrix_vector0": LayerFolding(simd=4)})["matrix_vector0"].pe == 10
    assert choose_folding(graph, 30, {"matrix_vector0": LayerFolding(pe=2)})["matrix_vector0"].simd >= 2


@pytest.mark.parametrize("cycles", [1, 2, 7, 30, 120, 10_000])
def test_the_chosen_folding_is_fast_enough(cycles: int) -> None:
    graph = random_chain(0, (12, 10, 6))
    folded = apply_folding(graph, choose_folding(graph, cycles))
    assert max(operator.interval() for operator in folded.operators) <= cycles


def test_nearly_free_latency_is_taken() -> None:
    """With a weight for latency, no dense layer takes 40,000 cycles where few LUTs make it twice as fast."""
    rng = np.random.default_rng(0)
    graph = Graph()
    unit = MatrixVector("unit", rng.choice([-1, 1], (512, 512)), IntegerType.bipolar())
    graph.add(unit)
    graph.add(ScoreOutput("scores", unit.outputs[0]))
    graph.connect("unit", "scores")
    graph.set_boundary("unit", ["scores"])
    chosen = choose_folding(graph, 40_000, weights=CostWeights(latency=1 / 128))["unit"]
    assert (512 // chosen.pe) * (512 // chosen.simd) <= 16_384
