"""Single faults in the files of a built project, and what each must change, computed from the specification alone.

The expected results of a unit with one flipped bit follow from the meaning of each bit of a memory in
`docs/dataflow.md`, not from the compiler's own packing.
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
from bnnfpga.numbers.integers import IntArray

Meaning = Callable[[IntArray], IntArray]


@dataclass(frozen=True)
class Fault:
    """The broken unit, a description of the fault, and the meaning of the unit with it."""

    unit: str
    what: str
    meaning: Meaning


def execute(graph: Graph, x: IntArray, broken: Fault | None = None) -> dict[str, IntArray]:
    """All streams of a chain of units, one of which may be broken; registers wrap if values do not fit."""
    values = {graph.input.name: x}
    for operator in graph.operators:
        (source,), (target,) = graph.inputs_of(operator.name), graph.outputs_of(operator.name)
        if broken is not None and operator.name == broken.unit:
            result = broken.meaning(values[source.name])
        elif isinstance(operator, MatrixVector):
            result = multiply(operator, operator.weights)(values[source.name])
        else:
            (result,) = operator.execute(values[source.name])
        values[target.name] = result.astype(np.int64)
    return values


# -- the meaning of units ----------------------------------------------------------------------------------------------


def wrap(values: IntArray, bits: int) -> IntArray:
    """Wrap to two's complement of `bits` bits."""
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
    """The unit with other weights and the same thresholds."""

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
    memory = "thresholds" if kind == "direction" else kind
    files = sorted((folder / "memories").glob(f"*_{memory}.mem"))
    if not files:
        return None
    path = files[rng.integers(len(files))]
    unit = path.stem.removesuffix(f"_{memory}")
    parameters = rtl_parameters(folder, unit)
    operator = graph[unit]
    if kind == "direction" and starts_at_threshold(operator):
        return None
    words = path.read_text().split()
    word = int(rng.integers(len(words)))
    bit = int(rng.integers(_width(operator, memory, parameters)))
    if memory == "thresholds" and not starts_at_threshold(operator):
        levels, bits = int(parameters["Levels"]), int(parameters["ThresholdBits"])
        group = levels * bits + 1
        lane = bit // group
        bit = lane * group + (levels * bits if kind == "direction" else bit % (group - 1))
    words[word] = f"{int(words[word], 16) ^ (1 << bit):0{len(words[word])}x}"
    path.write_text("\n".join(words) + "\n")
    return Fault(unit, f"bit {bit} of word {word} of {path.name}", _broken(operator, memory, word, bit, parameters))


def rtl_parameters(folder: Path, unit: str) -> Mapping[str, str]:
    """The parameters of a unit in accelerator.sv, or those of the library module in a module of its own."""
    own = folder / "rtl" / f"{unit}_logic.sv"
    text = (own if own.is_file() else folder / "rtl" / "accelerator.sv").read_text()
    name = "core" if own.is_file() else unit
    match = re.search(rf"bnn_\w+ #\(((?:(?!\) \w+ \().)*?)\n  \) {name} \(", text, re.DOTALL)
    assert match is not None, unit
    block = match[1].rpartition("#(")[2]
    return dict(re.findall(r"\.(\w+)\((.*?)\)", block))


def _width(operator: Operator, memory: str, parameters: Mapping[str, str]) -> int:
    """The number of used bits in a word."""
    if isinstance(operator, MatrixVector) and memory == "weights":
        return operator.pe * operator.simd * operator.weight_type.bits
    if memory == "thresholds" and starts_at_threshold(operator):
        return int(parameters["PE"]) * int(parameters["ThresholdBits"])
    if memory == "thresholds":
        lanes = int(parameters.get("Rows", parameters["PE"]))
        return lanes * (int(parameters["Levels"]) * int(parameters["ThresholdBits"]) + 1)
    if isinstance(operator, Lookup):
        return operator.output_type.bits
    return int(parameters["Lanes"]) * (int(parameters["FactorBits"]) + int(parameters["OffsetBits"]))


def _broken(operator: Operator, memory: str, word: int, bit: int, parameters: Mapping[str, str]) -> Meaning:
    if isinstance(operator, MatrixVector) and memory == "weights":
        flipped = flipped_weight if operator.parity_words is None else flipped_parity
        return multiply(operator, flipped(operator, word, bit))
    if isinstance(operator, MatrixVector) and starts_at_threshold(operator):
        return flipped_initial_value(operator, word, bit, int(parameters["ThresholdBits"]))
    if isinstance(operator, MatrixVector | Threshold):
        return flipped_threshold(operator, word, bit, parameters)
    if isinstance(operator, Lookup):
        return flipped_entry(operator, word, bit)
    assert isinstance(operator, ArgMax)
    return _flipped_constant(operator, word, bit, parameters)


def flipped_weight(operator: MatrixVector, word: int, bit: int) -> IntArray:
    """Word n*SF + s holds the PEs, each PE its bit planes, each plane the step's inputs, the first lowest."""
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


def flipped_parity(operator: MatrixVector, word: int, bit: int) -> IntArray:
    """A word holds, for each PE, the parities of the -1 up to each input: two weights change, before and after it."""
    pass_, step = divmod(word, operator.steps)
    lane, place = divmod(bit, operator.simd)
    row, column = pass_ * operator.pe + lane, step * operator.simd + place
    weights = operator.weights.copy()
    weights[row, column : column + 2] *= -1
    return weights


def flipped_threshold(
    operator: MatrixVector | Threshold, word: int, bit: int, parameters: Mapping[str, str]
) -> Meaning:
    """A word holds, for each PE, T[0] ... T[L-1], then the direction bit."""
    levels, bits = int(parameters["Levels"]), int(parameters["ThresholdBits"])
    lanes = int(parameters.get("Rows", parameters["PE"]))
    lane, field = divmod(bit, levels * bits + 1)
    row = word * lanes + lane
    signed = not is_count(operator) and (isinstance(operator, MatrixVector) or operator.input_type.signed)

    def edit(thresholds: IntArray, decreasing: IntArray) -> None:
        if field == levels * bits:
            decreasing[row] ^= 1
        else:
            level, position = divmod(field, bits)
            stored = thresholds[row, level] ^ (1 << position)
            thresholds[row, level] = (wrap if signed else unsigned)(stored, bits)

    return changed_thresholds(operator, edit)


def starts_at_threshold(operator: Operator) -> bool:
    """Whether sums start at minus the threshold."""
    words = operator.parity_words if isinstance(operator, MatrixVector) else None
    return words is not None and words.is_signed


def flipped_initial_value(operator: MatrixVector, word: int, bit: int, bits: int) -> Meaning:
    """A word holds the initial value of each PE, whose lowest bit is also the parity before the first weight."""
    lane, position = divmod(bit, bits)
    row = word * operator.neurons + lane
    assert operator.table is not None
    table = operator.table.with_rows(operator.mh)
    weights = np.where(table.decreasing[:, None], -operator.weights, operator.weights)
    thresholds = np.ceil((table.values[:, 0] + operator.mw) / 2).astype(np.int64)
    initial = -np.where(table.decreasing, operator.mw + 1 - thresholds, thresholds)
    initial[row] = wrap(initial[row] ^ (1 << position), bits)
    if position == 0:
        weights[row, 0] *= -1
    return lambda x: result(operator, (wrap((x @ weights.T + operator.mw) // 2 + initial, bits) >= 0).astype(np.int64))


def is_count(operator: MatrixVector | Threshold) -> bool:
    """Whether thresholds are stored for the count of equal bits."""
    return isinstance(operator, MatrixVector) and operator.is_xnor


def changed_thresholds(operator: MatrixVector | Threshold, edit: Callable[[IntArray, IntArray], None]) -> Meaning:
    """`edit` changes the stored thresholds (channels, levels) and the directions in place."""
    assert operator.table is not None
    rows = operator.outputs[0].shape[-1]
    if isinstance(operator, Threshold):
        rows = len(operator.table.values)
    thresholds = np.broadcast_to(operator.table.values, (rows, operator.table.levels)).copy()
    decreasing = np.broadcast_to(operator.table.decreasing, (rows,)).astype(np.int64)
    if is_count(operator):
        thresholds = np.ceil((thresholds + operator.inputs[0].shape[-1]) / 2).astype(np.int64)
    edit(thresholds, decreasing)

    def meaning(x: IntArray) -> IntArray:
        if isinstance(operator, MatrixVector):
            x = accumulate(operator, operator.weights, x)
            if operator.is_xnor:
                x = (x + operator.mw) // 2
        return result(operator, count(x, thresholds, decreasing))

    return meaning


def flipped_entry(operator: Lookup, word: int, bit: int) -> Meaning:
    """A word per code of the input."""
    table, type = operator.table.copy(), operator.output_type
    if type.is_bipolar:
        table[word] = -table[word]
    else:
        changed = unsigned(table[word], type.bits) ^ (1 << bit)
        table[word] = wrap(changed, type.bits) if type.signed else changed
    mask = (1 << operator.input_type.bits) - 1
    return lambda x: table[(x + 1) // 2 if operator.input_type.is_bipolar else x & mask]


def _flipped_constant(operator: ArgMax, word: int, bit: int, parameters: Mapping[str, str]) -> Meaning:
    """A word holds the factor, then the offset, for each lane of a beat."""
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


# -- an entry of an HLS table ------------------------------------------------------------------------------------------


def change_hls_entry(folder: Path, graph: Graph, rng: np.random.Generator) -> Fault:
    """Change a random entry of a random table: a bit of weights, a direction or a word, a threshold by one."""
    pattern = r"^const bnn::rom_\w+<(\d+)> (\w+)((?:\[\d+\])+) = (\{.*?\n\});"
    tables = [
        (path, table)
        for path in sorted((folder / "hls" / "weights").glob("*.hpp"))
        for table in re.finditer(pattern, path.read_text(), re.MULTILINE | re.DOTALL)
        if isinstance(graph[path.stem], MatrixVector | Threshold | Lookup)
    ]
    path, table = tables[rng.integers(len(tables))]
    text = path.read_text()
    unit, kind, bits = path.stem, table[2].removeprefix(f"{path.stem}_"), int(table[1])
    shape = [int(extent) for extent in re.findall(r"\d+", table[3])]
    literals = list(re.finditer(r"0x[0-9a-f]+(?:u|ull)|-?\d+", table[4]))
    assert len(literals) == np.prod(shape)
    index = int(rng.integers(len(literals)))
    place = tuple(int(axis) for axis in np.unravel_index(index, shape))
    old = int(literals[index][0].rstrip("ul"), 0)
    operator = graph[unit]
    if kind == "weights":
        assert isinstance(operator, MatrixVector)
        assert bits <= 64
        position = int(rng.integers(bits))
        new = old ^ (1 << position)
        # Here a step's weights lie side by side, each with its bits.
        column, plane = divmod(position, operator.weight_type.bits)
        lane_bits = operator.simd * operator.weight_type.bits
        weights = flipped_weight(operator, place[0], place[1] * lane_bits + plane * operator.simd + column)
        meaning = multiply(operator, weights)
    elif kind == "table":
        assert isinstance(operator, Lookup)
        position = int(rng.integers(bits))
        new, meaning = old ^ (1 << position), flipped_entry(operator, place[0], position)
    else:
        assert isinstance(operator, MatrixVector | Threshold)
        new = old ^ 1 if kind == "decreasing" else old - 1
        row = place[0] * shape[1] + place[1]

        def edit(thresholds: IntArray, decreasing: IntArray) -> None:
            if kind == "decreasing":
                decreasing[row] = new
            else:
                assert thresholds[row, place[2]] == old
                thresholds[row, place[2]] = new

        meaning = changed_thresholds(operator, edit)
    start = table.start(4) + literals[index].start()
    literal = f"{new:#x}ull" if literals[index][0].startswith("0x") else str(new)
    path.write_text(text[:start] + literal + text[start + len(literals[index][0]) :])
    return Fault(unit, f"{unit}, {kind}{list(place)}: {old} to {new}", meaning)


# -- wiring and queues -------------------------------------------------------------------------------------------------


def edit_instance(folder: Path, unit: str, old: str, new: str) -> None:
    """Replace a text, which must occur once, in a unit's instance in accelerator.sv."""
    path = folder / "rtl" / "accelerator.sv"
    text = path.read_text()
    end = text.index(f"  ) {unit} (")
    start, stop = text.rindex("\n\n", 0, end), text.index("\n  );", end)
    block = text[start:stop]
    assert block.count(old) == 1, (unit, old)
    path.write_text(text[:start] + block.replace(old, new) + text[stop:])


def swap_lanes(folder: Path, graph: Graph, unit: str, side: str, rng: np.random.Generator) -> Fault:
    """Swap two lanes of a unit's input (`input`) or output (`output`)."""
    operator = graph[unit]
    streams = graph.inputs_of(unit) if side == "input" else graph.outputs_of(unit)
    port, name = streams[0].port, streams[0].name
    a, b = (int(lane) for lane in rng.choice(port.lanes, 2, replace=False))
    order = list(range(port.lanes))
    order[a], order[b] = b, a
    bits = port.type.bits
    lanes = ", ".join(f"{name}_data[{(lane + 1) * bits - 1}:{lane * bits}]" for lane in reversed(order))
    pin = "s_tdata_i" if side == "input" else "m_tdata_o"
    edit_instance(folder, unit, f".{pin}({name}_data)", f".{pin}({{{lanes}}})")

    def swapped(x: IntArray) -> IntArray:
        return x.reshape(len(x), -1, port.lanes)[..., order].reshape(x.shape)

    def meaning(x: IntArray) -> IntArray:
        return operator.execute(swapped(x))[0] if side == "input" else swapped(operator.execute(x)[0])

    return Fault(unit, f"lanes {a} and {b} of the {side} of {unit}", meaning)
