"""Single faults in the files of a built project, and what each must change, computed from the specification alone.

`docs/dataflow.md` says what each bit of a memory means. From that, and not from the compiler's own packing, follows
what a unit with one bit flipped computes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.arg_max import ArgMax
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.integers import IntArray

Meaning = Callable[[IntArray], IntArray]


@dataclass(frozen=True)
class Fault:
    """What is broken, and what the unit means now."""

    unit: str
    what: str
    meaning: Meaning


def execute(graph: Graph, x: IntArray, broken: Fault | None = None) -> dict[str, IntArray]:
    """Every stream of a chain of units, one of which may be broken; registers wrap where values do not fit."""
    values = {graph.input.name: x}
    for operator in graph.operators:
        (taken,), (made,) = graph.inputs_of(operator.name), graph.outputs_of(operator.name)
        if broken is not None and operator.name == broken.unit:
            result = broken.meaning(values[taken.name])
        elif isinstance(operator, MatrixVector):
            result = multiply(operator, operator.weights)(values[taken.name])
        else:
            (result,) = operator.execute(values[taken.name])
        values[made.name] = result
    return values


# -- what units mean ---------------------------------------------------------------------------------------------------


def wrap(values: IntArray, bits: int) -> IntArray:
    """Two's complement of so many bits."""
    half = 1 << (bits - 1)
    return ((values + half) & ((1 << bits) - 1)) - half


def unsigned(values: IntArray, bits: int) -> IntArray:
    return values & ((1 << bits) - 1)


def count(x: IntArray, thresholds: IntArray, decreasing: IntArray) -> IntArray:
    """Section 6: an increasing channel counts x >= T, a decreasing one x < T; thresholds (channels, levels)."""
    reached = x[..., None] >= thresholds
    return (reached ^ decreasing[:, None].astype(bool)).sum(axis=-1)


def result(operator: MatrixVector | Threshold, counted: IntArray) -> IntArray:
    type = operator.outputs[0].type
    return 2 * counted - 1 if type.is_bipolar else type.lo + counted


def multiply(operator: MatrixVector, weights: IntArray) -> Meaning:
    """Other weights, the same thresholds."""

    def meaning(x: IntArray) -> IntArray:
        sums = accumulate(operator, weights, x)
        return sums if operator.table is None else operator.table.execute(sums)

    return meaning


def accumulate(operator: MatrixVector, weights: IntArray, x: IntArray) -> IntArray:
    sums = x @ weights.T
    return sums if operator.is_xnor else wrap(sums, operator.accumulator_bits)


# -- one bit of a memory -----------------------------------------------------------------------------------------------


def flip_memory_bit(folder: Path, graph: Graph, rng: np.random.Generator, kind: str) -> Fault | None:
    """Flip a random bit in a memory of a kind (weights, thresholds, direction, table, affine); None without one."""
    wanted = "thresholds" if kind == "direction" else kind
    files = sorted((folder / "memories").glob(f"*_{wanted}.mem"))
    if not files:
        return None
    path = files[rng.integers(len(files))]
    unit = path.stem.removesuffix(f"_{wanted}")
    parameters = rtl_parameters(folder, unit)
    operator = graph[unit]
    words = path.read_text().split()
    word = int(rng.integers(len(words)))
    bit = int(rng.integers(_width(operator, wanted, parameters)))
    if wanted == "thresholds":
        levels, bits = int(parameters["Levels"]), int(parameters["ThresholdBits"])
        group = levels * bits + 1
        lane = bit // group
        bit = lane * group + (levels * bits if kind == "direction" else bit % (group - 1))
    words[word] = f"{int(words[word], 16) ^ (1 << bit):0{len(words[word])}x}"
    path.write_text("\n".join(words) + "\n")
    return Fault(unit, f"bit {bit} of word {word} of {path.name}", _broken(operator, wanted, word, bit, parameters))


def rtl_parameters(folder: Path, unit: str) -> Mapping[str, str]:
    """The parameters that accelerator.sv gives to a unit."""
    text = (folder / "rtl" / "accelerator.sv").read_text()
    match = re.search(rf"bnn_\w+ #\(((?:(?!\) \w+ \().)*?)\n  \) {unit} \(", text, re.DOTALL)
    assert match is not None, unit
    block = match[1].rpartition("#(")[2]
    return dict(re.findall(r"\.(\w+)\((.*?)\)", block))


def _width(operator: Operator, memory: str, parameters: Mapping[str, str]) -> int:
    """Bits of a word that mean something."""
    if isinstance(operator, MatrixVector) and memory == "weights":
        return operator.pe * operator.simd * operator.weight_type.bits
    if memory == "thresholds":
        lanes = 1 if parameters.get("Shared") == "1" else int(parameters["PE"])
        return lanes * (int(parameters["Levels"]) * int(parameters["ThresholdBits"]) + 1)
    if isinstance(operator, Lookup):
        return operator.output_type.bits
    return int(parameters["Lanes"]) * (int(parameters["FactorBits"]) + int(parameters["OffsetBits"]))


def _broken(operator: Operator, memory: str, word: int, bit: int, parameters: Mapping[str, str]) -> Meaning:
    if isinstance(operator, MatrixVector) and memory == "weights":
        return multiply(operator, flipped_weight(operator, word, bit))
    if isinstance(operator, MatrixVector | Threshold):
        return flipped_threshold(operator, word, bit, parameters)
    if isinstance(operator, Lookup):
        return flipped_entry(operator, word, bit)
    assert isinstance(operator, ArgMax)
    return _flipped_constant(operator, word, bit, parameters)


def flipped_weight(operator: MatrixVector, word: int, bit: int) -> IntArray:
    """Word n*SF + s holds the PEs, each its bit planes, each plane the step's inputs, the first lowest."""
    pass_, step = divmod(word, operator.steps)
    lane, rest = divmod(bit, operator.simd * operator.weight_type.bits)
    plane, column = divmod(rest, operator.simd)
    weights = operator.weights.copy()
    at = pass_ * operator.pe + lane, step * operator.simd + column
    if operator.weight_type.is_bipolar:
        weights[at] = -weights[at]
    else:
        weights[at] = wrap(weights[at] ^ (1 << plane), operator.weight_type.bits)
    return weights


def flipped_threshold(
    operator: MatrixVector | Threshold, word: int, bit: int, parameters: Mapping[str, str]
) -> Meaning:
    """A word holds, for each PE, T[0] ... T[L-1], then the direction bit."""
    assert operator.table is not None
    levels, bits = int(parameters["Levels"]), int(parameters["ThresholdBits"])
    lanes = 1 if parameters.get("Shared") == "1" else operator.pe
    lane, field = divmod(bit, levels * bits + 1)
    channels = operator.outputs[0].shape[-1]
    rows = 1 if parameters.get("Shared") == "1" else channels
    thresholds = np.broadcast_to(operator.table.values, (rows, levels)).copy()
    decreasing = np.broadcast_to(operator.table.decreasing, (rows,)).astype(np.int64)
    xnor = isinstance(operator, MatrixVector) and operator.is_xnor
    if xnor:  # Thresholds are stored for the count of equal bits.
        thresholds = np.ceil((thresholds + operator.inputs[0].shape[-1]) / 2).astype(np.int64)
    signed = not xnor and (isinstance(operator, MatrixVector) or operator.input_type.signed)
    row = word * lanes + lane
    if field == levels * bits:
        decreasing[row] ^= 1
    else:
        level, position = divmod(field, bits)
        stored = thresholds[row, level] ^ (1 << position)
        thresholds[row, level] = (wrap if signed else unsigned)(stored, bits)

    def meaning(x: IntArray) -> IntArray:
        if isinstance(operator, MatrixVector):
            x = accumulate(operator, operator.weights, x)
            if xnor:
                x = (x + operator.mw) // 2
        return result(operator, count(x, thresholds, decreasing))

    return meaning


def flipped_entry(operator: Lookup, word: int, bit: int) -> Meaning:
    """A word for each code of the input."""
    table, type = operator.table.copy(), operator.output_type
    if type.is_bipolar:
        table[word] = -table[word]
    else:
        changed = unsigned(table[word], type.bits) ^ (1 << bit)
        table[word] = wrap(changed, type.bits) if type.signed else changed
    mask = (1 << operator.input_type.bits) - 1
    return lambda x: table[(x + 1) // 2 if operator.input_type.is_bipolar else x & mask]


def _flipped_constant(operator: ArgMax, word: int, bit: int, parameters: Mapping[str, str]) -> Meaning:
    """A word holds, for each lane of a beat, the factor, then the offset."""
    assert operator.factors is not None
    assert operator.offsets is not None
    factor_bits, offset_bits = int(parameters["FactorBits"]), int(parameters["OffsetBits"])
    lane, field = divmod(bit, factor_bits + offset_bits)
    channel = word * int(parameters["Lanes"]) + lane
    factors, offsets = operator.factors.copy(), operator.offsets.copy()
    if field < factor_bits:
        factors[channel] = wrap(factors[channel] ^ (1 << field), factor_bits)
    else:
        offsets[channel] = wrap(offsets[channel] ^ (1 << (field - factor_bits)), offset_bits)

    def meaning(x: IntArray) -> IntArray:
        compared = wrap(x * factors + offsets, int(parameters["ComparedBits"]))
        return compared.argmax(axis=-1)[..., None]

    return meaning
