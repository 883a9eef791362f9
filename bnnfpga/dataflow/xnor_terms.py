"""The cells of sums that count equal bits (`rtl/bnn_xnor_sums.sv`, `rtl/bnn_padded_xnor_sums.sv`)."""

from __future__ import annotations

from bnnfpga.dataflow.cost_terms import CostTerms
from bnnfpga.dataflow.counter_cells import (
    Cells,
    LevelRegisters,
    accumulator_cells,
    counter_cells,
    counter_height,
    full_adder_tables,
    full_adders,
)
from bnnfpga.dataflow.datapath_shape import DatapathShape
from bnnfpga.dataflow.datapath_stages import dsp_slices


def xnor_terms(shape: DatapathShape) -> CostTerms:
    """Sums without flags, accumulated in logic."""
    carries = (shape.simd + 1) // 2
    sums = accumulator_cells(shape.sum_bits - 1, carries, 0, shape.stages, shape.lut_inputs, one_step=shape.one_step)
    return _terms(shape, sums)


def dsp_xnor_terms(shape: DatapathShape) -> CostTerms:
    """Sums without flags, accumulated in DSP slices, whose registers are those of the sums."""
    carries = (shape.simd + 1) // 2
    height = counter_height(carries)
    counts = counter_cells(carries, height, LevelRegisters(shape.stages - 1, height + 1), shape.lut_inputs)
    terms = _terms(shape, counts)
    return CostTerms(terms.lut, terms.ff, dsp=dsp_slices(shape.pe, shape.sum_bits - 1))


def _terms(shape: DatapathShape, sum: Cells) -> CostTerms:
    """Carries and lowest bits in front of sums of these cells each."""
    carries = (shape.simd + 1) // 2
    # A table of four inputs makes a carry from two sum bits, of which each takes one, and a parity that all sums share.
    chain, shared = (carries, 0) if shape.lut_inputs == 6 else (2 * carries + 1, carries)
    tables = shape.sums * (chain + sum.tables) + shape.pixels * shared
    # The parity of a sum, and that of the weights before the step: with a choice in the first step of a pass.
    parities = shape.sums * (2 if shape.loaded and not shape.one_step else 1)
    before = 0 if shape.one_step else shape.sums + shape.pixels
    registers = shape.sums * (sum.registers + shape.stages) + before
    return CostTerms({"xnor.tables": tables, "xnor.parities": parities}, {"xnor.bits": registers})


def padded_xnor_terms(shape: DatapathShape) -> CostTerms:
    """Sums with flags."""
    part = shape.simd // shape.flags
    odd = part % 2
    pairs = shape.flags * (part // 2)
    # Flags of odd parts are bits of half the weight, which all sums share.
    half_adders = full_adders(shape.flags, 3) if odd else 0
    ones = shape.flags + half_adders
    adders = full_adders(ones, 2 if odd else 3)
    sums = accumulator_cells(
        shape.sum_bits, pairs + adders, 1 + odd, shape.stages - 1, shape.lut_inputs, one_step=shape.one_step
    )
    six = shape.lut_inputs == 6
    adder = full_adder_tables(shape.lut_inputs)
    chain = (pairs if six else 2 * pairs) + shape.flags + adder * adders
    shared = adder * half_adders + (0 if six else pairs)
    registers = shape.sums * (sums.registers + pairs + adders + min(3, ones - 2 * adders))
    halves = shape.pixels * (shape.flags - 2 * half_adders) if odd else 0
    return CostTerms(
        {"xnor.tables": shape.sums * (chain + sums.tables) + shape.pixels * shared},
        {"xnor.bits": registers + halves},
    )


def parity_terms(lanes: int, parts: int, running: bool, pixels: int, lut_inputs: int) -> CostTerms:
    """The encoder of the inputs of a beat of each vector (`rtl/bnn_parity_encoder.sv`).

    Parameters
    ----------
    parts
        Parts of a beat in which parities begin anew; 0 for one.
    running
        Whether parities run on from beat to beat.
    """
    part = lanes // parts + lanes // parts % 2 if parts else lanes
    blocks = max(1, parts) * -(-part // (4 if lut_inputs == 6 else 2))
    groups = max(1, parts) * (-(-part // 16) - 1)
    return CostTerms(
        {"parity.blocks": pixels * blocks, "parity.groups": pixels * groups}, {"parity.bits": pixels if running else 0}
    )
