"""The shape of a matrix-vector unit's datapath, and what all datapaths have in common, as counts of its parts."""

from __future__ import annotations

from dataclasses import dataclass

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.rom_terms import RomContents, rom_terms
from bnnfpga.dataflow.target import Target


@dataclass(frozen=True)
class DatapathShape:
    """What the cells of a datapath depend on.

    Parameters
    ----------
    pe, simd, pixels, flags
        Outputs and inputs of a vector per cycle, vectors, flags of a vector.
    passes, steps
        Passes over a vector, and steps of each.
    start_stages, weight_stages, stages
        Cycles from a step to where it is in the datapath, from its number to its weights, and on to the accumulator.
    input_bits
        Bits of an input.
    sum_bits
        Bits of a sum.
    loaded
        Whether sums start at values of their own.
    lut_inputs
        Inputs of the family's tables.
    """

    pe: int
    simd: int
    pixels: int
    flags: int
    passes: int
    steps: int
    start_stages: int
    weight_stages: int
    stages: int
    input_bits: int
    sum_bits: int
    loaded: bool
    lut_inputs: int

    @property
    def sums(self) -> int:
        """Sums per cycle."""
        return self.pixels * self.pe

    @property
    def words(self) -> int:
        """Words of weights."""
        return self.passes * self.steps

    @property
    def one_step(self) -> bool:
        """Whether nothing is accumulated."""
        return self.steps == 1


def step_terms(passes: int, steps: int) -> CostTerms:
    """The numbers of pass and step, and that of both where it has a counter of its own (`rtl/bnn_steps.sv`)."""
    bits = number_bits(passes) + number_bits(steps)
    if passes > 1 and steps & (steps - 1):
        bits += number_bits(passes * steps)
    return CostTerms({"counters.bits": bits}, {"counters.bits": bits})


def number_bits(count: int) -> int:
    """Bits of a counter of so many states."""
    return (count - 1).bit_length()


def pipeline_terms(shape: DatapathShape) -> CostTerms:
    """Registers of the inputs of a step on their way, and of what is known of it."""
    beat = shape.pixels * (shape.simd * shape.input_bits + shape.flags)
    # That there is a step, and that it is the last; the first, where sums start at values.
    known = 1 if shape.one_step else 2
    first = 0 if shape.one_step or not shape.loaded else 1
    marks = (shape.stages + 1) * known + shape.stages * first + (shape.start_stages - 1) * (known + first)
    # The number of its weights, where these would come before its inputs.
    number = (shape.start_stages - shape.weight_stages) * number_bits(shape.words)
    return CostTerms({"pipeline.units": 1}, {"pipeline.bits": shape.start_stages * beat + marks + number})


def start_terms(shape: DatapathShape, target: Target) -> CostTerms:
    """The memory of values at which sums start, and their register."""
    if not shape.loaded:
        return CostTerms()
    width = shape.pe * shape.sum_bits
    values = RomContents.random(shape.passes, width, target)
    kept = values.bits if shape.passes > 1 else 1
    waits = (shape.start_stages + shape.stages - 2) * number_bits(shape.passes)
    return add_terms(rom_terms(values, target), CostTerms(ff={"starts.bits": kept + waits}))
