"""Area and delay of a project by Yosys: all of its units, out of context and in parallel."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from bnnfpga.codegen.out_of_context import UnitSources, library_of, unit_sources
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.target import Target
from bnnfpga.host.project_data import ProjectData
from bnnfpga.native.toolchain import available_processors
from bnnfpga.synthesis.cell_counts import CellCounts
from bnnfpga.synthesis.synthesis_result import SynthesisResult
from bnnfpga.synthesis.unit_area import UnitArea, measure_unit, yosys_version

UnitsDone = Callable[[int, int], None]
"""Is told how many units are done, and of how many."""
_STOPPED = -15


class _Processes:
    """Processes that end together: when the first fails, or the user interrupts."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.Lock()
        self._stopped = False

    def run(self, command: Sequence[str], folder: Path, log: Path) -> int:
        """Run a command in a folder, its output in a log; returns the exit status, negative for a signal."""
        with log.open("wb") as output:
            with self._guard:
                if self._stopped:
                    return _STOPPED
                process = subprocess.Popen(
                    command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
                )
                self._running.add(process)
            try:
                return process.wait()
            finally:
                with self._guard:
                    self._running.discard(process)

    def stop(self) -> None:
        """End all, and start no more."""
        with self._guard:
            self._stopped = True
            for process in self._running:
                process.kill()


def measure_units(
    units: Sequence[UnitSources], family: str, *, jobs: int | None = None, progress: UnitsDone | None = None
) -> tuple[UnitArea, ...]:
    """Area and delay of units, in their order.

    Parameters
    ----------
    units
        The units, the largest first for the least time.
    family
        One of `dataflow.target.FAMILIES`.
    jobs
        Processes at a time; None for one per processor.
    progress
        Called when a unit is done.

    Raises
    ------
    UserError
        If Yosys is missing, or fails for one of them; the others are then given up.
    """
    processes = _Processes()
    with ThreadPoolExecutor(jobs or available_processors()) as pool:
        futures = [pool.submit(measure_unit, unit, family, processes.run) for unit in units]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                if progress is not None:
                    progress(done, len(futures))
        except BaseException:
            for future in futures:
                future.cancel()
            processes.stop()
            raise
    return tuple(future.result() for future in futures)


def synthesize_area(
    project: ProjectData,
    graph: Graph,
    *,
    family: str | None = None,
    jobs: int | None = None,
    progress: UnitsDone | None = None,
) -> SynthesisResult:
    """Area and delay of a project's accelerator, unit by unit and in total.

    Parameters
    ----------
    project
        The project; its own `rtl/` is synthesised.
    graph
        Its units and streams.
    family
        The FPGA family; None for the project's. For another one the units take the forms that they have there.
    jobs, progress
        As in `measure_units`.

    Raises
    ------
    UserError
        If there is no such family, Yosys is missing, or it fails for a unit.
    """
    target = Target(project.clock_mhz, project.family if family is None else family)
    tool = f"Yosys {yosys_version()}"
    started = time.perf_counter()
    library = library_of(project.folder / "rtl")
    built = graph.built_for(target)
    operators = sorted(built.operators, key=lambda operator: -operator.resources().get("lut", 0))
    sources = [unit_sources(built, operator, library) for operator in operators]
    areas = {area.name: area for area in measure_units(sources, target.family, jobs=jobs, progress=progress)}
    units = tuple(areas[operator.name] for operator in graph.operators)
    total = sum((unit.counts for unit in units), CellCounts())
    slowest = max(units, key=lambda unit: unit.logic_ns or 0)
    return SynthesisResult(
        flow="yosys",
        tool=tool,
        family=target.family,
        recipe="abc, with abc9 beside it for small units",
        clock_mhz=target.clock_mhz,
        lut=total.lut,
        logic_cells=total.logic_cells,
        ff=total.ff,
        carry=total.carry,
        muxf=total.muxf,
        bram18=total.bram18,
        dsp=total.dsp,
        depth=max(unit.depth for unit in units),
        logic_ns=slowest.logic_ns,
        critical_path=None if slowest.critical_path is None else f"{slowest.name}: {slowest.critical_path}",
        units=units,
        seconds=time.perf_counter() - started,
    )
