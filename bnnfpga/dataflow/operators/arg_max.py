"""The index of the largest score of a frame, or of each of its pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bnnfpga.dataflow.cost_terms import CostTerms, add_terms
from bnnfpga.dataflow.fifo_terms import output_queue_terms
from bnnfpga.dataflow.hardware import EmulatorKernel, HlsTable, Memory, MemoryBank
from bnnfpga.dataflow.memory_kinds import MemoryKind
from bnnfpga.dataflow.multipliers import product_terms
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.packing import to_bits
from bnnfpga.dataflow.rom_terms import RomContents, memory_words_terms, rom_terms
from bnnfpga.dataflow.schedule import Event, Schedule, queue_depth
from bnnfpga.dataflow.stream import Port, divisors
from bnnfpga.dataflow.unit_parameters import UnitParameters, both, hls_only, rtl_only
from bnnfpga.numbers.exact_arrays import Integers
from bnnfpga.numbers.integers import IntArray, IntegerType

_DEEP = 64
"""Words of a lane's ranks above which they are stored in block RAM."""

_PRODUCT, _RANK = 4, 3
"""Logic levels (`Target.levels`) of a product, and of a block RAM's output."""


@dataclass(frozen=True)
class ArgMax(Operator):
    """The index of the largest score, the first of equals; `port.lanes` channels per cycle.

    The comparison is of the scores x themselves, of `factor * x + offset`, or of ranks from a table.

    Parameters
    ----------
    port
        The stream of scores: a vector per frame, or one for each pixel.
    factors, offsets
        int64 (channels,).
    ranks
        int64 (channels, codes), at least 0: the rank for each code of a score; with half as many columns as there are
        codes, for each pair of neighbouring codes, one of which cannot occur.
    """

    port: Port
    factors: IntArray | None = None
    offsets: IntArray | None = None
    ranks: IntArray | None = None

    kind: ClassVar[str] = "arg_max"

    @property
    def inputs(self) -> tuple[Port, ...]:
        return (self.port,)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return (Port((*self.port.shape[:-1], 1), IntegerType(0, max(1, self._classes - 1), "unsigned"), 1),)

    @property
    def _classes(self) -> int:
        return self.port.shape[-1]

    @property
    def _beats(self) -> int:
        """Beats of a vector."""
        return self._classes // self.port.lanes

    @property
    def tree_stages(self) -> int:
        """Registers on each way through the tree of comparisons."""
        levels = (self.port.lanes - 1).bit_length()
        return max(1, -(-levels // max(1, self.target.levels // self._match_levels)))

    @property
    def _match_levels(self) -> int:
        """Logic levels of a comparison and the choice that follows."""
        return self.target.carry_levels(self.compared_type.bits) + 1

    @property
    def _score_levels(self) -> int:
        """Logic levels from a score to what is compared."""
        if self.factors is not None:
            return _PRODUCT + self.target.carry_levels(self.compared_type.bits)
        return _RANK if self._rank_kind == "block" else 0

    @property
    def _stage_levels(self) -> int:
        """Logic levels of a stage of the tree."""
        return -(-(self.port.lanes - 1).bit_length() // self.tree_stages) * self._match_levels

    @property
    def score_stages(self) -> int:
        """Registers between a score and what is compared, the first of two behind a multiplier."""
        if self._score_levels + self._stage_levels <= self.target.levels or not self._score_levels:
            return 0
        return 2 if self.factors is not None and self._score_levels > self.target.levels else 1

    @property
    def logic_levels(self) -> int:
        first = self._score_levels + (0 if self.score_stages else self._stage_levels)
        return max(first, self._stage_levels, self._match_levels)

    @property
    def latency(self) -> int:
        return 3 + self.score_stages + self.tree_stages

    @property
    def queue(self) -> int:
        return queue_depth(self.latency, self._beats)

    def with_inputs(self, *ports: Port) -> ArgMax:
        lanes = max(lanes for lanes in divisors(self._classes) if lanes <= ports[0].lanes)
        return replace(self, port=replace(self.port, lanes=lanes))

    def schedule(self) -> Schedule:
        last = self._beats - 1
        events = tuple(Event(1, (1,), (int(beat == last),), (int(beat == last),)) for beat in range(self._beats))
        return Schedule(events, self.latency, (self.queue,), (1,))

    def execute(self, *arrays: Integers) -> tuple[Integers, ...]:
        return (self._compared(arrays[0].astype(np.int64)).argmax(axis=-1, keepdims=True),)

    def _compared(self, x: IntArray) -> IntArray:
        if self.ranks is not None:
            codes = self.port.type.encode(x) >> self.rank_shift
            ranks: IntArray = self.ranks[np.arange(self._classes), codes]
            return ranks
        if self.factors is not None and self.offsets is not None:
            return x * self.factors + self.offsets
        return x

    @property
    def rank_shift(self) -> int:
        """Low bits of a code that do not affect its rank: 0 or 1."""
        return 0 if self.ranks is None else self.port.type.bits + 1 - self.ranks.shape[1].bit_length()

    @property
    def compared_type(self) -> IntegerType:
        """The interval of the integers compared."""
        if self.ranks is not None:
            return IntegerType(0, int(self.ranks.max()), "signed")
        type = self.port.type
        ends = np.array([[type.lo], [type.hi]], dtype=np.int64)
        values = self._compared(np.broadcast_to(ends, (2, self._classes)))
        return IntegerType(int(values.min()), int(values.max()), "signed")

    @property
    def _rank_bits(self) -> int:
        return max(1, self.compared_type.bits - 1)

    @cached_property
    def _constants(self) -> tuple[NDArray[np.uint8], ...]:
        """The bits of factors and of offsets, each (channels, bits), two's complement; empty without them."""
        if self.factors is None or self.offsets is None:
            return ()
        types = [IntegerType(int(x.min()), int(x.max()), "signed") for x in (self.factors, self.offsets)]
        return tuple(to_bits(x, type.bits) for x, type in zip((self.factors, self.offsets), types, strict=True))

    @property
    def _rank_kind(self) -> MemoryKind:
        return "block" if self.ranks is not None and self._beats * self.ranks.shape[1] > _DEEP else "distributed"

    @cached_property
    def _rank_memories(self) -> MemoryBank | None:
        """For each lane, a word for each beat and code, with the beat in the high bits of the address."""
        if self.ranks is None:
            return None
        words = self.ranks.reshape(self._beats, self.port.lanes, -1).transpose(1, 0, 2)
        return MemoryBank.of("ranks", to_bits(words.reshape(self.port.lanes, -1), self._rank_bits), self._rank_kind)

    def cost_terms(self) -> CostTerms:
        target, lanes, beats, index = self.target, self.port.lanes, self._beats, self.outputs[0].type.bits
        beat = (beats - 1).bit_length()
        control = beat + 2 * (1 + self.score_stages + self.tree_stages) + 2
        bits, scores = self._score_terms()
        matches = CostTerms(
            {
                "arg_max.matches": (lanes - 1) * bits,
                "arg_max.lanes": sum(nodes * level for level, nodes in self._nodes),
            },
            {"arg_max.bits": sum(nodes * (bits + level) for level, nodes in self._nodes if self._registered(level))},
        )
        # The best beat so far, and the first index of the present one.
        best = CostTerms(
            {"arg_max.units": 1, "arg_max.best": bits, "arg_max.index": index, "arg_max.beats": beat},
            {"arg_max.bits": bits + index + (index if beats > 1 else 0) + control},
        )
        return add_terms(scores, matches, best, output_queue_terms(index, self.queue, target.family))

    @property
    def _nodes(self) -> list[tuple[int, int]]:
        """The levels of the tree behind its leaves, and the scores that each leaves."""
        levels = (self.port.lanes - 1).bit_length()
        return [(level, -(-self.port.lanes >> level)) for level in range(1, levels + 1)] or [(0, 1)]

    def _registered(self, level: int) -> bool:
        """Whether registers follow a level of the tree."""
        levels = max(1, (self.port.lanes - 1).bit_length())
        return level == 0 or level * self.tree_stages // levels != (level - 1) * self.tree_stages // levels

    def _score_terms(self) -> tuple[int, CostTerms]:
        """Bits of what is compared, and what makes it of the lanes' elements."""
        lanes, bits, target = self.port.lanes, self.compared_type.bits, self.target
        if self._rank_memories is not None:
            bits = self._rank_bits
            kept = CostTerms(ff={"arg_max.bits": self.score_stages * lanes * bits})
            return bits, add_terms(kept, *(memory_words_terms(memory, target) for memory in self._rank_memories.lanes))
        elements = CostTerms(ff={"arg_max.bits": lanes * self.port.type.bits})
        if not self._constants:
            kept = CostTerms(ff={"arg_max.bits": self.score_stages * lanes * self.port.type.bits})
            return self.port.type.bits, add_terms(elements, kept)
        factor, offset = (part.shape[1] for part in self._constants)
        words = np.concatenate(self._constants, axis=1).reshape(self._beats, -1)
        value = self.port.type.bits + (not self.port.type.signed)
        held = {0: 0, 1: bits, 2: 2 * bits + offset}[self.score_stages]
        products = product_terms(factor, value, min(bits, factor + value), target.family).times(lanes)
        sums = CostTerms({"arg_max.sums": lanes * bits}, {"arg_max.scores": lanes * held})
        return bits, add_terms(elements, rom_terms(RomContents.of(words, target), target), products, sums)

    def parameters(self) -> UnitParameters:
        parameters = both(
            Lanes=self.port.lanes,
            Beats=self._beats,
            InputBits=self.port.type.bits,
            InputSigned=self.port.type.signed,
            ComparedBits=self.compared_type.bits,
            OutputBits=self.outputs[0].type.bits,
        )
        parameters += hls_only(PixelsOfFrame=self.outputs[0].elements) + rtl_only(
            ScoreStages=self.score_stages, TreeStages=self.tree_stages, QueueDepth=self.queue
        )
        if self._constants:
            # A word per beat: lane 0 lowest, each with the factor below the offset.
            words = np.concatenate(self._constants, axis=1).reshape(self._beats, -1)
            factor_bits, offset_bits = (bits.shape[1] for bits in self._constants)
            memory = Memory("affine", words, "distributed")
            parameters += rtl_only(Affine=1, FactorBits=factor_bits, OffsetBits=offset_bits, Constants=memory)
        if self._rank_memories is not None:
            parameters += rtl_only(Ranked=1, RankShift=self.rank_shift, RankBits=self._rank_bits)
            parameters += rtl_only(MemoryKind=self._rank_kind, Ranks=self._rank_memories)
        return parameters

    def hls_tables(self) -> tuple[HlsTable, ...]:
        tables = [
            HlsTable(name, bits.reshape(self._beats, self.port.lanes, -1), True, "distributed")
            for name, bits in zip(("factors", "offsets"), self._constants, strict=False)
        ]
        if self._rank_memories is not None:
            entries = np.stack([memory.bits for memory in self._rank_memories.lanes], axis=1)
            tables.append(HlsTable("ranks", entries, False, self._rank_kind))
        return tuple(tables)

    def emulator(self) -> EmulatorKernel:
        if self.ranks is not None:
            return EmulatorKernel("arg_max", {"ranks": self.ranks, "shift": np.array([self.rank_shift])})
        if self.factors is None or self.offsets is None:
            return EmulatorKernel("arg_max")
        return EmulatorKernel("arg_max", {"factors": self.factors, "offsets": self.offsets})
