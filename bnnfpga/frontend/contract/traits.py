"""The properties of operators that shared code queries, so that it need not know operators by name.

Each entry of the table states its operator's `Traits`; `bnnfpga.frontend.contract.table.traits_of` looks up those of a
node. Code for all operators with some property asks for it: `traits_of(node).elementwise`. Code for one operator (its
contract, meaning, spelling, lowering) is in a dictionary under the operator's name, where code that walks a graph looks
it up. So an operator with the traits of others is treated like them everywhere.

A property that several places need and that has no trait yet becomes a new field here, set by the entries of its
operators; it does not become a list of names.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Traits:
    """The properties of an operator that shared code may query; by default, it has none.

    Parameters
    ----------
    elementwise
        It computes each element of its output from the same element of its input and from constants.
    rounded_once
        It is elementwise and defined as a float64 value rounded once to float32 (`bnnfpga.numbers.float_functions`).
    adds, subtracts, multiplies, divides
        It is elementwise and computes exactly this of its two operands.
    binary
        It is elementwise and has two operands, either of which may be the constant.
    pairs
        It is binary and may join two streams instead of a stream and a constant.
    broadcasts
        It is elementwise and its constants, of any shape, are broadcast against its input.
    by_channel
        It is elementwise and the first axis of each of its constants is the channel.
    counts_thresholds
        It is a quantizer that counts the thresholds that its input reaches; they are its only constant.
    quantizes
        It is elementwise and its results are integer codes.
    quantizes_weights
        It is a quantizer that may also quantise weights.
    dot_product
        It sums products of its input and its second operand, the weights.
    outputs_first
        It is a dot product and the first axis of its weights is the output; otherwise the last axis is.
    slides
        It computes each pixel from a window of pixels.
    pools
        It slides and computes each channel separately, without weights.
    takes_extremum
        It pools and commutes with monotonically rising functions.
    averages
        It pools and computes averages.
    regroups
        It only reshapes a frame, keeping the order of its elements.
    reorders
        It only permutes a frame's elements, as what transposes does.
    spreads
        It reorders, and makes pixels of channels.
    transposes
        It only permutes a frame's axes.
    moves
        Each element of its output is one of its single input's; regrouping and transposing count.
    picks
        It moves elements and selects them along some axes, each any number of times.
    concatenates
        It concatenates streams along an axis.
    pads
        It puts constants around an image.
    reduces
        It reduces all elements along some axes to one.
    channels_second
        The second axis of its input is the channel, whatever else the file says.
    compares
        It compares two operands; its results are booleans.
    takes_truths
        It converts booleans to numbers.
    casts
        It converts numbers to another type without changing them.
    left_to_host
        It is a function of scores, after the last layer, that no unit computes.
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
    spreads: bool = False
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
        """Whether it is arithmetic and its operands may be swapped."""
        return self.adds or self.multiplies

    @property
    def layout(self) -> bool:
        """Whether it only changes the layout of a frame and keeps all elements: it regroups or reorders."""
        return self.regroups or self.reorders


NONE = Traits()
ELEMENTWISE = Traits(elementwise=True)
FUNCTION = Traits(elementwise=True, rounded_once=True)
QUANTIZER = Traits(elementwise=True, quantizes=True)
WEIGHT_QUANTIZER = Traits(elementwise=True, broadcasts=True, quantizes=True, quantizes_weights=True)
REGROUPING = Traits(regroups=True, moves=True)
MOVING = Traits(moves=True)
COMPARISON = Traits(compares=True)
