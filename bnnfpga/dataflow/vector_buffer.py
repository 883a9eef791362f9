"""The buffer of a unit that reads each input vector in several passes (`rtl/bnn_vector_buffer.sv`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.lut_memory import written_memory
from bnnfpga.dataflow.schedule import Event, Schedule
from bnnfpga.dataflow.target import Target


@dataclass(frozen=True)
class VectorBuffer:
    """Vectors of `words` words, written in `beats` beats of `width` bits each.

    With two `banks`, the next vector is written to one while the other one is read. With one, the last pass over a
    vector frees word by word. One bank of a single word consists of registers: for the present word, for the next one,
    and for a first beat of the one after that.
    """

    width: int
    beats: int
    words: int
    banks: int

    def writes(self) -> Schedule:
        """The side that writes. It sends words to a queue; of two banks, it reserves one at a time, else a word."""
        if self.words == 1:
            # Room for a word is reserved with its second beat; the first one may wait on its own.
            rooms = [0, 1, *[0] * (self.beats - 2)] if self.beats > 1 else [1]
            return Schedule(_beats(rooms, self.beats), 2, (2,), (1,))
        bank = [self.words, *[0] * (self.words - 1)] if self.banks == 2 else [1] * self.words
        rooms = [room for first in bank for room in (first, *[0] * (self.beats - 1))]
        return Schedule(_beats(rooms, self.beats), 1, (self.banks * self.words,), (1,))

    def reads(self, passes: int) -> tuple[Event, ...]:
        """The side that reads, in at least two passes; the last step of each emits a beat.

        The first pass follows the writer, and the last one frees: each word, or with two banks all of them at its end.
        """
        ends = [0] * (self.words - 1) + [1]
        first = [Event(1, (0,), (end,), (end,), (word + 1,)) for word, end in enumerate(ends)]
        middle = [Event(self.words, (0,), (1,), (1,))] * (passes - 2)
        if self.banks == 2:
            return (*first, *middle, Event(self.words, (self.words,), (1,), (1,)))
        return (*first, *middle, *(Event(1, (1,), (end,), (end,)) for end in ends))

    def read_levels(self, target: Target) -> int:
        """Logic levels from the number of a step to its inputs (`Target.levels`), through LUT memories."""
        memories = -(-self.banks * self.words // 2**target.lut_inputs)
        return 3 + target.choice_levels(memories) if self.words > 1 else 0

    def cost_terms(self, family: str) -> CostTerms:
        """Its memory or registers, and its control."""
        bits = self.width * self.beats
        collected = self.beats + bits - self.width if self.beats > 1 else 0
        if self.words == 1:
            spare = self.width if self.beats > 1 else 0
            registers = collected + 2 * bits + 2 + (spare + 1 if spare else 0)
            return CostTerms({"vector_buffer.spare": spare}, {"vector_buffer.bits": registers})
        number = (self.words - 1).bit_length()
        slots = (1 << number) + self.words if self.banks == 2 else self.words
        control = CostTerms(
            {"counters.bits": number},
            {"vector_buffer.bits": collected + number + (4 if self.banks == 2 else 1)},
        )
        return add_terms(control, written_memory(slots, bits, family))


def _beats(rooms: Sequence[int], beats: int) -> tuple[Event, ...]:
    """Events that take a beat and reserve room for so many words; the last of every `beats` completes a word."""
    return tuple(Event(1, (1,), (room,), (int(beat % beats == beats - 1),)) for beat, room in enumerate(rooms))
