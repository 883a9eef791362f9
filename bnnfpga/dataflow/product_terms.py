"""The cells of sums of products of several bits (`rtl/bnn_product_sums.sv`)."""

from __future__ import annotations

from dataclasses import dataclass

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.counter_cells import Cells, LevelRegisters
from bnnfpga.dataflow.datapath_shape import DatapathShape
from bnnfpga.dataflow.multipliers import product_terms
from bnnfpga.dataflow.tree_cells import Numbers, numbers_left, tree_cells, tree_levels


@dataclass(frozen=True)
class ProductShape:
    """What products depend on.

    Parameters
    ----------
    weight_bits, planes
        Bits of a weight and of an input as a number.
    signed
        Whether inputs are signed numbers.
    """

    weight_bits: int
    planes: int
    signed: bool


def plane_terms(shape: DatapathShape, products: ProductShape) -> CostTerms:
    """Numbers that are gated by bit planes, in trees of adders (`rtl/bnn_plane_sums.sv`)."""
    planes, bits = sorted((products.weight_bits, products.planes))
    lut_inputs, pairs, alone = shape.lut_inputs, shape.simd // 2, shape.simd % 2
    leaves = pairs + alone
    levels = tree_levels(leaves, lut_inputs)
    left = numbers_left(leaves, lut_inputs)
    registers = LevelRegisters(shape.stages, 1 + levels + tree_levels(planes * left, lut_inputs))
    largest = (1 << bits) - 1
    in_plane = shape.simd * largest
    total = in_plane * ((1 << planes) - 1)
    shifted = in_plane.bit_length() + planes - 1

    held = pairs * (bits + 1) + alone * bits if registers.behind(0) else 0
    # Two gated numbers are added on a chain of tables of six inputs, and two bits of one number share a table.
    gates = pairs * bits + alone * -(-bits // 2) if lut_inputs == 6 else 0
    leaf = Numbers(leaves, bits + 1, (largest if shape.simd == 1 else 2 * largest))
    tree = tree_cells(leaf, in_plane, 1, registers, lut_inputs)
    of_planes = Numbers(planes * left, shifted, in_plane << (planes - 1))
    behind = tree_cells(of_planes, total, 1 + levels, registers, lut_inputs)
    one = (Cells(gates, held) + tree).times(planes) + behind
    terms = _sum_terms(shape, one)
    if lut_inputs == 6:
        return terms
    each = shape.sums * planes
    apart = CostTerms({"products.gates": each * shape.simd * bits, "products.pairs": each * pairs * (bits + 1)})
    return add_terms(terms, apart)


def multiplied_terms(shape: DatapathShape, products: ProductShape, group: int, family: str) -> CostTerms:
    """Multipliers, groups of which are added up and then a tree of them (`rtl/bnn_multiplied_sums.sv`)."""
    value_bits = products.planes if products.signed else products.planes + 1
    product_bits = products.weight_bits + value_bits
    lanes = min(group, shape.simd)
    groups = -(-shape.simd // lanes)
    bits = product_bits + (lanes - 1).bit_length()
    largest = (1 << bits) - 1
    further = shape.stages - 2
    registers = LevelRegisters(further, max(1, tree_levels(groups, shape.lut_inputs)) if further else 1)
    tree = tree_cells(Numbers(groups, bits, largest), groups * largest, 0, registers, shape.lut_inputs)
    product = product_terms(products.weight_bits, value_bits, product_bits, family).times(shape.sums * shape.simd)
    chained = CostTerms({"products.chained": shape.sums * (shape.simd - groups) * bits})
    # Registers of products and of groups, instead of which a DSP block may have its own.
    kept = CostTerms(ff={"products.multiplied": shape.sums * shape.simd * product_bits})
    summed = shape.sums * groups * bits
    held = CostTerms(ff={"products.alone": summed} if groups == shape.simd else {"products.grouped": summed})
    return add_terms(product, chained, kept, held, _sum_terms(shape, tree))


def wide_terms(shape: DatapathShape, products: ProductShape) -> CostTerms:
    """Multipliers of any bits, as synthesis makes them of their sum."""
    terms = shape.sums * shape.simd
    bits = terms * products.weight_bits * products.planes
    return CostTerms(
        {"products.wide": bits}, {"products.wide": shape.sums * shape.sum_bits * (1 if shape.one_step else 2)}
    )


def flag_terms(shape: DatapathShape, planes: int) -> CostTerms:
    """Inputs that are 0 where they are flagged; their flags are not kept."""
    if not shape.flags:
        return CostTerms()
    numbers = shape.pixels * shape.simd * planes
    return CostTerms({"products.flagged": numbers})


def _sum_terms(shape: DatapathShape, sum: Cells) -> CostTerms:
    """Sums of these cells each, with what adds them up over the steps of a pass (`rtl/bnn_pass_sum.sv`)."""
    kept = 0 if shape.one_step else shape.sum_bits
    return CostTerms(
        {"products.tables": shape.sums * (sum.tables + shape.sum_bits)},
        {"products.bits": shape.sums * (sum.registers + kept)},
    )
