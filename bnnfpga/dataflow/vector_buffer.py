"""The buffer of a unit that reads each input vector in several passes (`rtl/bnn_vector_buffer.sv`)."""

from __future__ import annotations

from dataclasses import dataclass

from bnnfpga.dataflow.schedule import Event, Schedule

_LUT_WORDS = 32
"""Words of a LUT memory with a port for writing and one for reading, of which 4 LUTs hold 6 bits each."""


@dataclass(frozen=True)
class Read:
    """A step that the schedule of the reader knows, `gap` cycles after the one before it.

    It needs `need` words of the vector, and frees `free` of them; `ends` is 1 if it is the last step of its pass, else 0.
    """

    gap: int
    need: int
    free: int
    ends: int


@dataclass(frozen=True)
class VectorBuffer:
    """Vectors of `words` words, written in `beats` beats of `width` bits each.

    With two `banks`, the next vector is written to one while the other one is read. With one, the last pass over a vector
    frees word by word. One bank of a single word consists of registers, one for the next word and one for the present.
    """

    width: int
    beats: int
    words: int
    banks: int

    def schedule(self) -> Schedule:
        """The side that writes: words go to a queue, room in which is reserved by banks or, with a single one, by words."""
        # Room that the first beat of each word reserves.
        rooms = [self.words, *[0] * (self.words - 1)] if self.banks == 2 else [1] * self.words
        events = [
            Event(1, (1,), (0 if beat else room,), (int(beat == self.beats - 1),))
            for room in rooms
            for beat in range(self.beats)
        ]
        if self._registers:
            return Schedule(tuple(events), 2, (2,), (1,))
        return Schedule(tuple(events), 1, (self.banks * self.words,), (1,))

    @property
    def _registers(self) -> bool:
        return self.banks == 1 and self.words == 1

    def reads(self, passes: int) -> list[Read]:
        """The side that reads: the first pass follows the writer, and the last one, of at least two, frees."""
        last = self.words - 1
        first_pass = [Read(1, word + 1, 0, int(word == last)) for word in range(self.words)]
        middle = [Read(self.words, 0, 0, 1)] * (passes - 2)
        if self.banks == 1:
            return [*first_pass, *middle, *(Read(1, 0, 1, int(word == last)) for word in range(self.words))]
        return [*first_pass, *middle, Read(self.words, 0, self.words, 1)]

    def resources(self) -> dict[str, int]:
        """Estimate of its cost; units count their control."""
        bits = self.width * self.beats
        collected = bits - self.width
        if self._registers:
            return {"ff": 2 * bits}
        slots = self.banks << (self.words - 1).bit_length()
        return {"lut": -(-2 * bits // 3) * -(-slots // _LUT_WORDS), "ff": collected}
