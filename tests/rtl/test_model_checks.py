"""Proofs about the control, the datapaths and the memories of matrix-vector units, for all inputs, weights and stalls.

Their harnesses are in `proofs/`. Those without a number of cycles hold for all time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.model_check import equals_by_induction, is_never_reached, is_reached, make_aiger

pytest.importorskip("pyosys")

PROOFS = Path(__file__).with_name("proofs")
EARLY = "dut.gen_initial_values.gen_lowest_bits.early_rows"
# The memories of a harness, and what it has them hold.
CONTENTS = {
    "matrix_vector": {
        "dut.gen_encoded_weights.weights.memory.gen_one.memory": "weights",
        "dut.gen_initial_values.gen_less_thresholds.rows": "initials",
        EARLY: "initials",
    },
    "rom_banks": {f"dut.gen_several.gen_bank[{bank}].memory": f"bank{bank}" for bank in range(3)},
}
Parameters = Mapping[str, int]


def aiger(
    name: str, parameters: Parameters, work: Path, fault: tuple[str, str] | None = None, *, from_zero: bool = False
) -> dict[str, int]:
    """The harness of a module, and the numbers of its outputs."""
    contents = dict(CONTENTS.get(name, {}))
    if EARLY in contents and parameters.get("Flags"):
        # Parities begin anew in each part, so none enters a pass.
        del contents[EARLY]
    changes = dict([fault]) if fault else None
    return make_aiger(PROOFS / f"{name}.sv", parameters, work, contents, changes, from_zero=from_zero)


def some(names: str, quick: list[tuple[int, ...]], slow: list[tuple[int, ...]]) -> pytest.MarkDecorator:
    """Runs of a test with a harness' parameters."""
    keys = names.split()
    values = [pytest.param(dict(zip(keys, sizes, strict=True)), id=str(sizes)) for sizes in quick]
    values += [
        pytest.param(dict(zip(keys, sizes, strict=True)), id=str(sizes), marks=pytest.mark.slow) for sizes in slow
    ]
    return pytest.mark.parametrize("parameters", values)


@some("Passes Steps Beats Banks", [(2, 2, 1, 2), (2, 1, 2, 1)], [(2, 3, 1, 1), (3, 2, 2, 2), (3, 4, 1, 2)])
def test_a_vector_buffer_keeps_what_comes(parameters: Parameters, tmp_path: Path) -> None:
    outputs = aiger("vector_buffer", parameters, tmp_path)
    assert is_reached(tmp_path, outputs["read"], 40)
    assert is_reached(tmp_path, outputs["full"], 40)
    assert is_never_reached(tmp_path, outputs["bad"])


@some("Depth Latency Steps Held", [(2, 2, 2, 1), (3, 2, 1, 0)], [(2, 2, 1, 1), (4, 3, 1, 1), (5, 3, 2, 0)])
def test_results_leave_once_and_in_order(parameters: Parameters, tmp_path: Path) -> None:
    outputs = aiger("output_queue", parameters, tmp_path)
    assert is_reached(tmp_path, outputs["read"], 40)
    assert is_reached(tmp_path, outputs["full"], 40)
    assert is_never_reached(tmp_path, outputs["bad"])


@some("Simd Steps CarryCell Loaded", [(4, 2, 4, 1), (5, 3, 0, 0)], [(1, 3, 4, 1), (5, 1, 4, 1), (4, 3, 8, 0)])
def test_sums_accumulate(parameters: Parameters, tmp_path: Path) -> None:
    """Whatever registers hold before the reset."""
    outputs = aiger("xnor_sums", parameters, tmp_path)
    assert is_reached(tmp_path, outputs["last_sum"], 20)
    assert is_never_reached(tmp_path, outputs["bad"])


@some("Simd Steps CarryCell", [(8, 3, 4)], [(13, 3, 8), (16, 2, 4), (16, 3, 0)])
def test_wider_sums_accumulate(parameters: Parameters, tmp_path: Path) -> None:
    outputs = aiger("xnor_sums", parameters, tmp_path, from_zero=True)
    assert equals_by_induction(tmp_path, outputs["bad"], 4)


@some(
    "Simd Steps WeightBits InputBits InputSigned Flags Stages CarryCell Excess",
    [(3, 2, 2, 2, 0, 0, 1, 4, 18), (5, 3, 1, 2, 1, 5, 2, 8, 0)],
    [(3, 2, 3, 2, 1, 0, 1, 4, 30), (3, 1, 1, 2, 1, 3, 1, 0, 0), (7, 2, 1, 3, 0, 1, 2, 4, 0)],
)
def test_trees_add_up_products(parameters: Parameters, tmp_path: Path) -> None:
    outputs = aiger("product_sums", parameters, tmp_path, from_zero=True)
    assert is_reached(tmp_path, outputs["last_sum"], 20)
    assert equals_by_induction(tmp_path, outputs["bad"], 3)


@some("Simd Group Stages Excess", [(2, 2, 2, 1 << 10)], [(3, 1, 3, 3 << 9), (4, 2, 2, 2 << 10)])
def test_multipliers_add_up_products(parameters: Parameters, tmp_path: Path) -> None:
    sizes = {"WeightBits": 5, "InputBits": 4, "Bits": 12, **parameters}
    outputs = aiger("product_sums", sizes, tmp_path, from_zero=True)
    assert is_reached(tmp_path, outputs["last_sum"], 20)
    assert equals_by_induction(tmp_path, outputs["bad"], 3)


@some("PE Bits CountBits", [(3, 4, 2)], [(2, 13, 3), (5, 12, 12), (1, 1, 1)])
def test_slices_accumulate(parameters: Parameters, tmp_path: Path) -> None:
    outputs = aiger("dsp_accumulators", parameters, tmp_path)
    assert is_reached(tmp_path, outputs["overflow"], 20)
    assert is_never_reached(tmp_path, outputs["bad"])


@some("Stages", [(4,)], [(1,), (2,), (3,)])
def test_banks_are_one_memory(parameters: Parameters, tmp_path: Path) -> None:
    outputs = aiger("rom_banks", parameters, tmp_path)
    assert is_reached(tmp_path, outputs["read"], 20)
    assert is_never_reached(tmp_path, outputs["bad"])


@some(
    "MH MW PE Simd Lanes Stages frames",
    [(4, 8, 2, 4, 2, 1, 10)],
    [(4, 8, 2, 4, 2, 1, 13), (2, 4, 1, 2, 1, 1, 20), (2, 2, 1, 1, 1, 1, 20)],
)
def test_a_unit_from_its_reset(parameters: Parameters, tmp_path: Path) -> None:
    """For so many cycles of any inputs and stalls."""
    sizes = {name: value for name, value in parameters.items() if name != "frames"}
    outputs = aiger("matrix_vector", sizes, tmp_path)
    assert is_reached(tmp_path, outputs["done"], 40)
    assert is_reached(tmp_path, outputs["full"], 40)
    assert not is_reached(tmp_path, outputs["bad"], parameters["frames"])


@some(
    "MH MW PE Simd Lanes Stages WeightStages Pixels Flags frames",
    [(2, 4, 1, 2, 2, 1, 3, 1, 0, 12), (2, 4, 1, 4, 4, 2, 1, 1, 2, 10), (1, 3, 1, 3, 3, 1, 1, 2, 0, 10)],
    [
        *((4, 8, 2, 4, 2, 1, 2, 1, 0, 13), (2, 6, 1, 3, 3, 2, 2, 1, 3, 14), (2, 4, 1, 4, 4, 2, 1, 1, 1, 16)),
        *((2, 4, 2, 4, 4, 2, 3, 2, 2, 14), (2, 3, 2, 3, 3, 1, 2, 3, 0, 16), (2, 6, 1, 6, 6, 2, 1, 1, 2, 12)),
    ],
)
def test_late_weights_pads_and_several_vectors(parameters: Parameters, tmp_path: Path) -> None:
    """The same with registers around the memory, parts outside the image, and several vectors in a beat."""
    sizes = {name: value for name, value in parameters.items() if name != "frames"}
    outputs = aiger("matrix_vector", sizes, tmp_path)
    assert is_reached(tmp_path, outputs["done"], 40)
    assert not is_reached(tmp_path, outputs["bad"], parameters["frames"])


@some(
    "MH MW PE Simd Lanes Stages WeightStages ParityStages Flags frames",
    [(2, 4, 1, 2, 2, 1, 1, 1, 0, 12), (2, 4, 1, 4, 4, 1, 1, 2, 0, 12)],
    [
        *((4, 8, 2, 4, 2, 1, 1, 1, 0, 13), (2, 4, 1, 2, 2, 1, 3, 1, 0, 16), (2, 4, 1, 4, 4, 1, 2, 2, 0, 16)),
        *((2, 4, 1, 4, 4, 2, 1, 1, 2, 14), (2, 6, 1, 3, 3, 2, 2, 2, 3, 14)),
    ],
)
def test_parities_in_a_pipeline(parameters: Parameters, tmp_path: Path) -> None:
    """The same with inputs that become parities cycles later, whatever registers hold before a reset of one cycle."""
    sizes = {name: value for name, value in parameters.items() if name != "frames"}
    outputs = aiger("matrix_vector", sizes, tmp_path)
    assert is_reached(tmp_path, outputs["done"], 40)
    assert not is_reached(tmp_path, outputs["bad"], parameters["frames"])


# Where each fault is planted, and the harness that finds it.
FAULTS = {
    "a bit of the table of carries": ("64'he77e42244224e77e", "64'he77e42244224e77f", "xnor_sums"),
    "an accumulator that is not cleared": (
        "if (~rst_ni | (valid_i & last_i)) stored",
        "if (~rst_ni) stored",
        "xnor_sums",
    ),
    "parities that run on": ("running <= ~last & leading", "running <= leading", "xnor_sums"),
    "parities of weights that run on": ("first_i[0] ? parities_i[p] : earlier", "earlier", "xnor_sums"),
    "a pass that is a step short": ("step == StepBits'(Steps - 1)", "step == StepBits'(Steps - 2)", "matrix_vector"),
    "a buffer that takes one beat more": ("s_tready_o = ~two;", "s_tready_o = ~two | last_pass_i;", "vector_buffer"),
    "a bank that is read again": ("read_bank ^ done;", "read_bank ^ (done & ~whole);", "vector_buffer"),
    "a reader ahead of the writer": ("write_word != word_i;", "1'b1;", "vector_buffer"),
    "no reset of the bank that is read": ("          read_bank  <= 1'b0;\n", "", "vector_buffer"),
    "a place that is given twice": ("CreditBits'(pop) - CreditBits'(reserve_i)", "CreditBits'(pop)", "output_queue"),
    "a result that is overwritten": (
        "move = ~full | m_tready_i;",
        "move = ~full | m_tready_i | waiting;",
        "output_queue",
    ),
    "first steps that are last ones": ("0], entering_first}", "0], entering_last}", "matrix_vector"),
    "steps in flight at reset": ("    if (!rst_ni) valid <= '0;\n", "", "matrix_vector"),
}
SIZES: dict[str, Parameters] = {
    "xnor_sums": {"Loaded": 1},
    "vector_buffer": {},
    "output_queue": {},
    "matrix_vector": {},
}
QUICK = ("a bit of the table of carries", "a bank that is read again", "a place that is given twice")


@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, id=name, marks=() if name in QUICK else pytest.mark.slow) for name, fault in FAULTS.items()],
)
def test_planted_faults_are_found(fault: tuple[str, str, str], tmp_path: Path) -> None:
    old, new, harness = fault
    outputs = aiger(harness, SIZES.get(harness, {}), tmp_path, (old, new))
    assert is_reached(tmp_path, outputs["bad"], 30)


UNIT_FAULTS: dict[str, tuple[Parameters, str, str]] = {
    "a vector from before the reset among the parities": (
        {"MH": 2, "MW": 4, "PE": 1, "Simd": 4, "Lanes": 4, "ParityStages": 1},
        "stored <= {beat[Lanes+1] & rst_ni, beat[Lanes:0]}",
        "stored <= beat",
    ),
    "inputs that do not wait for their weights": (
        {"WeightStages": 2},
        ".Cycles(Waits - Late - ParityStages)",
        ".Cycles(0)",
    ),
    "the flag of another part": (
        {"MH": 2, "MW": 4, "PE": 1, "Lanes": 4, "Stages": 2, "Flags": 2},
        "if (outside[f]) stored",
        "if (outside[0]) stored",
    ),
    "the flags of another vector": (
        {"MH": 1, "MW": 4, "PE": 1, "Lanes": 4, "Stages": 2, "Flags": 2, "Pixels": 2},
        "entering_x[Pixels*SIMD+v*Parts+:Parts]",
        "entering_x[Pixels*SIMD+:Parts]",
    ),
    "the inputs of another vector": (
        {"MH": 1, "MW": 3, "PE": 1, "Simd": 3, "Lanes": 3, "Pixels": 2},
        ".inputs_i  (entering_x[v*SIMD+:SIMD])",
        ".inputs_i  (entering_x[0+:SIMD])",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", UNIT_FAULTS.values(), ids=UNIT_FAULTS)
def test_planted_faults_of_a_unit_are_found(fault: tuple[Parameters, str, str], tmp_path: Path) -> None:
    parameters, old, new = fault
    outputs = aiger("matrix_vector", parameters, tmp_path, (old, new))
    assert is_reached(tmp_path, outputs["bad"], 30)


DATAPATH_FAULTS: dict[str, tuple[str, Parameters, str, str]] = {
    "a number that is added twice": (
        "product_sums",
        {"Simd": 5},
        "numbers_i[(First+2)*Bits",
        "numbers_i[(First+1)*Bits",
    ),
    "a sign that counts as a bit": (
        "product_sums",
        {"WeightBits": 2, "Excess": 18},
        "PlaneNegative = PlaneSigned && j == Planes - 1",
        "PlaneNegative = 1'b0",
    ),
    "the flag of another input": ("product_sums", {"Flags": 3}, "v*Parts+i/Part", "v*Parts"),
    "a group whose sign is not inverted": (
        "product_sums",
        {"WeightBits": 5, "InputBits": 4, "Bits": 12, "Simd": 2, "Group": 2, "Stages": 2},
        "{~held[GroupBits-1]",
        "{held[GroupBits-1]",
    ),
    "a slice that starts anew": ("dsp_accumulators", {}, "first_i ? 7'b0001111 : 7'b0100011", "7'b0001111"),
    "the bank of another address": ("rom_banks", {"Stages": 3}, "banks[(OfBank-1)*BankBits+", "banks[0+"),
    "a word from before the choice": ("rom_banks", {"Stages": 4}, "assign data_o = last", "assign data_o = chosen"),
}


QUICK_FAULTS = ("the flag of another input", "a slice that starts anew", "the bank of another address")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=name, marks=() if name in QUICK_FAULTS else pytest.mark.slow)
        for name, fault in DATAPATH_FAULTS.items()
    ],
)
def test_planted_faults_of_datapaths_and_memories_are_found(
    fault: tuple[str, Parameters, str, str], tmp_path: Path
) -> None:
    harness, parameters, old, new = fault
    outputs = aiger(harness, parameters, tmp_path, (old, new), from_zero=True)
    assert is_reached(tmp_path, outputs["bad"], 30)
