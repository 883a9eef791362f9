"""The words in which shared code asks what an operator does, so that it need not know operators by name.

Each entry of the table says its operator's `Traits`; `bnnfpga.frontend.contract.table.traits_of` looks up those of a
node. Code that works on whatever has some property asks for it: `traits_of(node).elementwise`. Code that is about one
operator (its contract, meaning, spelling, lowering) stands in a dictionary under the operator's name, and whoever walks
a graph looks it up there. So an operator that has the traits of others is treated like them everywhere at once.

A property that several places need and that no word says is a new field here, which the entries of its operators set;
it is not a list of names.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Traits:
    """What shared code may ask of an operator; by default, an operator has none of them.

    Parameters
    ----------
    elementwise
        It computes each element of its output from the one of its input, and from constants.
    rounded_once
        It is elementwise, and means a float64 value rounded once to float32 (`bnnfpga.numbers.float_functions`).
    adds, subtracts, multiplies, divides
        It is elementwise, and does just this with its two operands.
    binary
        It is elementwise, and works on two operands, each of which may be the constant.
    pairs
        It is binary, and may take two streams instead of a stream and a constant.
    broadcasts
        It is elementwise, and its constants have shapes of their own, which are broadcast against its input.
    by_channel
        It is elementwise, and the first axis of each of its constants counts channels.
    counts_thresholds
        It is a quantizer that counts which of its thresholds its input reaches; they are its only constant.
    quantizes
        It is elementwise, and makes integer codes.
    quantizes_weights
        It is a quantizer that may stand behind weights, too.
    dot_product
        It sums products of its input with the weights, its second operand.
    outputs_first
        It is a dot product, and the first axis of its weights counts outputs; else their last axis does.
    slides
        It computes each pixel from a window of them.
    pools
        It slides, and computes each channel alone, without weights.
    takes_extremum
        It pools, and gives the same behind what rises as in front of it.
    averages
        It pools, and gives averages.
    regroups
        It only regroups a frame's elements, keeping their order.
    reorders
        It only puts a frame's elements in another order; what transposes does.
    transposes
        It only permutes a frame's axes.
    moves
        Each element that it gives is one of its one input's, regrouped and transposed ones included.
    picks
        It moves, and takes elements along some of its axes, each any number of times.
    concatenates
        It puts streams one behind the other along an axis.
    pads
        It puts constants around an image.
    reduces
        It makes one element of all along some axes.
    channels_second
        The second axis of what it takes counts channels, whatever else the file says.
    compares
        It gives truth values of two operands.
    takes_truths
        It gives numbers for truth values.
    casts
        It gives the same numbers in another type.
    left_to_host
        It is a function of scores, behind the last layer, that no unit computes.
    """

    elementwise: bool = False
    rounded_once: bool = False
    adds: bool = False
    subtracts: bool = False
    multiplies: bool = False
    divides: bool = False
    binary: bool = False
    pairs: bool = False
    broadcasts: bool = False
    by_channel: bool = False
    counts_thresholds: bool = False
    quantizes: bool = False
    quantizes_weights: bool = False
    dot_product: bool = False
    outputs_first: bool = False
    slides: bool = False
    pools: bool = False
    takes_extremum: bool = False
    averages: bool = False
    regroups: bool = False
    reorders: bool = False
    transposes: bool = False
    moves: bool = False
    picks: bool = False
    concatenates: bool = False
    pads: bool = False
    reduces: bool = False
    channels_second: bool = False
    compares: bool = False
    takes_truths: bool = False
    casts: bool = False
    left_to_host: bool = False

    @property
    def shifts(self) -> bool:
        """Whether it adds or subtracts."""
        return self.adds or self.subtracts

    @property
    def scales(self) -> bool:
        """Whether it multiplies or divides."""
        return self.multiplies or self.divides

    @property
    def arithmetic(self) -> bool:
        """Whether it adds, subtracts, multiplies or divides."""
        return self.shifts or self.scales

    @property
    def commutative(self) -> bool:
        """Whether it is arithmetic, and its operands may change places."""
        return self.adds or self.multiplies

    @property
    def layout(self) -> bool:
        """Whether it only changes the layout of a frame, which keeps each of its elements: it regroups or reorders."""
        return self.regroups or self.reorders


NONE = Traits()
ELEMENTWISE = Traits(elementwise=True)
FUNCTION = Traits(elementwise=True, rounded_once=True)
QUANTIZER = Traits(elementwise=True, quantizes=True)
WEIGHT_QUANTIZER = Traits(elementwise=True, broadcasts=True, quantizes=True, quantizes_weights=True)
REGROUPING = Traits(regroups=True, moves=True)
MOVING = Traits(moves=True)
COMPARISON = Traits(compares=True)
