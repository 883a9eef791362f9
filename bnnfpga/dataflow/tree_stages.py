"""Pipeline stages of matrix-vector units that add products of several bits in trees."""

from __future__ import annotations

from dataclasses import dataclass

from bnnfpga.dataflow.datapath_stages import ComparedStages


@dataclass(frozen=True)
class TreeStages(ComparedStages):
    """Those of trees of adders (`rtl/bnn_sum_tree.sv`)."""

    @property
    def _adder(self) -> int:
        """Logic levels of an adder: of three operands where a position of one is a LUT of six inputs, else of two."""
        return self.target.carry_levels(self.accumulator_bits) + (1 if self.target.lut_inputs == 6 else 0)

    def _tree(self, numbers: int) -> tuple[int, int]:
        """How many numbers a tree of so many leaves, and its levels."""
        levels = 0
        if self.target.lut_inputs < 6:
            return 1, (numbers - 1).bit_length()
        while numbers > 2:
            most = 2
            while 3 * most < numbers:
                most *= 3
            threes, rest = divmod(numbers, 3)
            numbers, levels = threes + (1 if rest == 2 and threes + 2 > most else rest), levels + 1
        return numbers, levels


@dataclass(frozen=True)
class PlaneStages(TreeStages):
    """Those of `rtl/bnn_plane_sums.sv`.

    Parameters
    ----------
    planes
        Bit planes that gate numbers.
    """

    planes: int

    @property
    def _least(self) -> int:
        return 1

    @property
    def _most(self) -> int:
        """Levels of the adders, between any of which there can be a register: one of pairs, and those of two trees."""
        left, levels = self._tree((self.simd + 1) // 2)
        return 1 + levels + self._tree(self.planes * left)[1]

    def _levels(self, stages: int, late: int) -> int:
        most = self._most
        # A LUT of six inputs has room for the gates.
        longest = late = late + (0 if self.target.lut_inputs == 6 else 1)
        for level in range(most):
            late += self._adder if level else self.target.carry_levels(self.accumulator_bits)
            longest = max(longest, late)
            if (level + 1) * stages // most > level * stages // most:
                late = 0
        return max(longest, self._sum_levels)


@dataclass(frozen=True)
class MultiplierStages(TreeStages):
    """Those of `rtl/bnn_multiplied_sums.sv`: one of products, one of groups of them, and those of the tree of groups.

    Parameters
    ----------
    product
        Logic levels of a product.
    """

    product: int

    @property
    def group(self) -> int:
        """The products that a chain adds up in the time of the clock."""
        return max(lanes for lanes in range(1, self.simd + 1) if lanes == 1 or self._chain(lanes) <= self.target.levels)

    @property
    def _least(self) -> int:
        return 2

    @property
    def _most(self) -> int:
        return 2 + self._tree_levels

    def _levels(self, stages: int, late: int) -> int:
        further = stages - 2
        tree = self._adder * -(-self._tree_levels // max(1, further))
        # Without registers of its own, the tree stands in front of the accumulator.
        sums = self._sum_levels if further else self._sum_levels + tree
        return max(late + self.product, self._chain(self.group), tree, sums)

    @property
    def _tree_levels(self) -> int:
        return self._tree(-(-self.simd // self.group))[1]

    def _chain(self, lanes: int) -> int:
        """Logic levels of the adders behind so many multipliers."""
        return self.target.chained_levels(lanes, self.accumulator_bits)
