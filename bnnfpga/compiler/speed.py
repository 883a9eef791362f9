"""The speed that users ask for, and foldings that reach it at the clock that the units reach."""

from __future__ import annotations

from dataclasses import dataclass

from bnnfpga.base.errors import UserError
from bnnfpga.codegen.constants import MAX_MHZ
from bnnfpga.compiler.shallow_fifos import ShallowFifos, find_shallow_fifos
from bnnfpga.dataflow.folding import Folding, apply_folding, deadlocks_refused
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.target import Target
from bnnfpga.dataflow.token_model import Cycles, predict
from bnnfpga.tuning.clocked_search import cycles_at


def checked_clock(clock_mhz: float) -> float:
    """A clock in MHz that an FPGA can have.

    Raises
    ------
    UserError
        If it is none.
    """
    if not 0 < clock_mhz <= MAX_MHZ:
        raise UserError(
            f"{clock_mhz} MHz is not a clock frequency of an FPGA",
            where="--clock-mhz",
            hint=f"give a positive number, up to {MAX_MHZ}",
        )
    return clock_mhz


def cycles_allowed(target_fps: float | None, clock_mhz: float, cycles: int | None) -> int | None:
    """The most cycles per frame if the accelerator reaches the clock that was asked for; None without a wish.

    Raises
    ------
    UserError
        If an option is not legal, or two of them exclude each other.
    """
    checked_clock(clock_mhz)
    if target_fps is None:
        if cycles is not None and cycles < 1:
            raise UserError(f"{cycles} cycles per frame is not possible", where="--cycles", hint="give at least 1")
        return cycles
    if cycles is not None:
        raise UserError("two speeds were given", where="--target-fps", hint="give either --cycles or --target-fps")
    if not target_fps > 0:
        raise UserError(f"{target_fps} frames/s is not a speed", where="--target-fps", hint="give a positive number")
    allowed = cycles_at(clock_mhz, target_fps)
    if allowed < 1:
        raise UserError(
            f"{target_fps:g} frames/s is more than one frame per cycle at {clock_mhz:g} MHz",
            where="--target-fps",
            hint="raise --clock-mhz, or ask for fewer frames/s",
        )
    return allowed


@dataclass(frozen=True)
class FoldedUnits:
    """A graph's units in a folding, with their predicted cycles and the target that they are built for.

    `shallow` are FIFOs whose given depths slow them down.
    """

    graph: Graph
    cycles: Cycles
    target: Target
    shallow: ShallowFifos | None = None

    @classmethod
    def of(cls, graph: Graph, folding: Folding, target: Target, where: str = "folding") -> FoldedUnits:
        """Apply a folding to a graph as `lower` returns it."""
        parallel = apply_folding(graph, folding, where)
        with deadlocks_refused(folding, where):
            cycles = predict(parallel)
        return cls(parallel, cycles, target, find_shallow_fifos(graph, parallel, folding, cycles.initiation_interval))

    @property
    def supported_mhz(self) -> float:
        """The clock that was asked for, or the estimate if that is lower."""
        return min(self.target.clock_mhz, self.graph.slowest.estimated_mhz)

    @property
    def frames_per_second(self) -> float:
        return self.supported_mhz * 1e6 / self.cycles.initiation_interval

    def reaches(self, fps: float) -> bool:
        return self.cycles.initiation_interval <= cycles_at(self.supported_mhz, fps)

    def warnings(self, fps: float | None) -> list[str]:
        """What users must know of the clock, of FIFOs, and of the frames per second that they asked for."""
        asked, slowest = self.target.clock_mhz, self.graph.slowest
        is_slow = slowest.estimated_mhz < asked
        found = [] if self.shallow is None else [str(self.shallow)]
        if is_slow:
            found.append(
                f"unit {slowest.name!r} reaches {slowest.estimated_mhz:g} MHz by estimate, less than the {asked:g} MHz "
                "asked for; speeds are stated for what it reaches"
            )
        if fps is not None and not self.reaches(fps):
            interval, reached = self.cycles.initiation_interval, self.frames_per_second
            way = (
                f"unit {slowest.name!r} limits the clock: fold it otherwise with --folding, take a faster --family"
                if is_slow
                else "raise --clock-mhz"
            )
            found.append(
                f"{_shown(reached)} frames/s are reached, {_shown(fps)} were asked for: a frame takes {interval:,} "
                f"cycle{'s' * (interval > 1)} at {self.supported_mhz:g} MHz; {way}, or ask for fewer frames/s"
            )
        return found


def _shown(fps: float) -> str:
    return f"{int(fps):,}" if fps >= 1000 else f"{fps:.4g}"
