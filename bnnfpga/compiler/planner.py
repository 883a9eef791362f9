"""Plans: what an accelerator would be like, for any number of foldings, without making one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from bnnfpga.compiler.design import check_options, fold_units, lower_model
from bnnfpga.compiler.model_file import open_model
from bnnfpga.compiler.speed import FoldedUnits, cycles_allowed
from bnnfpga.dataflow.folding import folding_of
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.resources import add_resources
from bnnfpga.dataflow.target import Target
from bnnfpga.host.dma_words import words_per_frame
from bnnfpga.host.input_format import InputFormat


@dataclass(frozen=True)
class PlannedUnit:
    """A unit of a planned accelerator: a layer, or a converter or FIFO between layers.

    Parameters
    ----------
    name, operator
        Its name, and its kind, like `matrix_vector`.
    layer
        The node of the model that it is made for; None for what stands between layers.
    pe, simd, memory
        Its folding; None for what it does not have.
    cycles
        Cycles per frame when it waits for nothing.
    resources
        Estimated `lut`, `ff`, `bram18` and `dsp`.
    estimated_mhz
        The clock in MHz that it reaches by estimate.
    """

    name: str
    operator: str
    layer: str | None
    pe: int | None
    simd: int | None
    memory: str | None
    cycles: int
    resources: Mapping[str, int]
    estimated_mhz: float

    @classmethod
    def of(cls, operator: Operator, layer: str | None) -> PlannedUnit:
        """What is planned of an operator that is made for a layer."""
        resources = add_resources(operator.resources())
        kind, interval, mhz = operator.kind, operator.interval(), operator.estimated_mhz
        return cls(operator.name, kind, layer, *operator.folding, operator.memory, interval, resources, mhz)

    def as_dict(self) -> dict[str, Any]:
        """It as `bnnfpga compile --json` prints it."""
        return {**vars(self), "resources": dict(self.resources)}


@dataclass(frozen=True)
class Plan:
    """What an accelerator would be like: plain data, which pickles and prints as a table.

    Parameters
    ----------
    model
        The model's file.
    folding
        PE, SIMD and memory of each layer, as `bnnfpga.compile` takes them.
    units
        All units in topological order.
    initiation_interval
        Cycles from one frame to the next in the steady state: those that the accelerator has in simulation.
    latency_cycles
        Cycles from the first input beat to the last output beat of a frame in an empty accelerator, likewise.
    resources
        The estimates of all units together.
    clock_mhz, family
        What it would be built for.
    estimated_clock
        The clock in MHz that the slowest unit reaches by estimate (`mhz`), and that `unit`.
    input
        The format of images: `kind`, `scale`, and whether the scale was `given`.
    boundary_words
        Words of up to 8 bytes of a frame, in the direction that has more.
    warnings
        Sentences that users should know.
    """

    model: str
    folding: Mapping[str, Mapping[str, int | str]] = field(repr=False)
    units: tuple[PlannedUnit, ...] = field(repr=False)
    initiation_interval: int
    latency_cycles: int
    resources: Mapping[str, int]
    clock_mhz: float
    family: str
    estimated_clock: Mapping[str, Any]
    input: Mapping[str, Any] = field(repr=False)
    boundary_words: int = field(repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def supported_mhz(self) -> float:
        """The clock in MHz for which speeds are stated: that it is built for, or the estimate if lower."""
        return min(self.clock_mhz, float(self.estimated_clock["mhz"]))

    @property
    def frames_per_second(self) -> float:
        """Frames per second at the supported clock."""
        return self.supported_mhz * 1e6 / self.initiation_interval

    @property
    def boundary_frames_per_second(self) -> float:
        """The same through a DMA that moves a word of up to 8 bytes per cycle each way."""
        return min(self.frames_per_second, self.supported_mhz * 1e6 / self.boundary_words)

    def summary(self) -> dict[str, Any]:
        """The figures as `bnnfpga compile --json` names them."""
        return {
            "model": self.model,
            "input": dict(self.input),
            "clock_mhz": self.clock_mhz,
            "family": self.family,
            "estimated_clock": dict(self.estimated_clock),
            "supported_mhz": self.supported_mhz,
            "frames_per_second": self.frames_per_second,
            "boundary_frames_per_second": self.boundary_frames_per_second,
            "warnings": list(self.warnings),
            "predicted_initiation_interval": self.initiation_interval,
            "predicted_latency_cycles": self.latency_cycles,
            "layers": [unit.as_dict() for unit in self.units],
            "resources": dict(self.resources),
        }

    def __str__(self) -> str:
        from bnnfpga.report.tables import compile_table
        from bnnfpga.report.text import as_text

        return as_text(compile_table(self.summary()))

    def _repr_html_(self) -> str:
        from bnnfpga.report.tables import compile_table
        from bnnfpga.report.text import as_html

        return as_html(compile_table(self.summary()))


class Planner:
    """Plans a model many times: its file is read, checked and turned into integer units once.

    Nothing in it changes after that, so threads may share one, and it pickles.

    Parameters
    ----------
    model
        A QONNX file.
    input, input_scale, output_kind
        As for `bnnfpga.compile`.

    Raises
    ------
    UserError
        If the model cannot be compiled.
    """

    def __init__(
        self,
        model: str | os.PathLike[str],
        *,
        input: str | None = None,
        input_scale: float | str | Fraction | None = None,
        output_kind: str = "scores",
    ) -> None:
        check_options(None, None, output_kind)
        file = open_model(Path(model), InputFormat.parse(input, input_scale))
        self._model = str(model)
        self._input = {"kind": file.input.name, "scale": float(file.input.scale), "given": file.input.given}
        self._graph = lower_model(file, output_kind).graph

    @property
    def graph(self) -> Graph:
        """The model's units, unfolded."""
        return self._graph

    def plan(
        self,
        *,
        folding: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        target_fps: float | None = None,
        clock_mhz: float = 100,
        family: str = "xc7",
        cycles: int | None = None,
    ) -> Plan:
        """The plan for some options, each as for `bnnfpga.compile`. It writes nothing, and runs no image.

        Raises
        ------
        UserError
            If an option is not legal.
        """
        allowed = cycles_allowed(target_fps, clock_mhz, cycles)
        check_options(folding, allowed)
        target = Target(clock_mhz, family)
        units = fold_units(self._graph, folding=folding, cycles=allowed, target_fps=target_fps, target=target)
        return self.described(units, units.warnings(target_fps))

    def described(self, units: FoldedUnits, warnings: list[str]) -> Plan:
        """The plan of units that are folded already."""
        layers = units.graph.layers
        planned = tuple(PlannedUnit.of(operator, layers.get(operator.name)) for operator in units.graph.operators)
        slowest, target = units.graph.slowest, units.target
        entering, leaving = [units.graph.input.port], [stream.port for stream in units.graph.outputs]
        directions = [[(port.beats, port.boundary_bytes) for port in ports] for ports in (entering, leaving)]
        return Plan(
            self._model,
            folding_of(units.graph),
            planned,
            units.cycles.initiation_interval,
            units.cycles.latency,
            add_resources(*(unit.resources for unit in planned)),
            target.clock_mhz,
            target.family,
            {"mhz": slowest.estimated_mhz, "unit": slowest.name},
            self._input,
            words_per_frame(*directions),
            tuple(warnings),
        )


def plan(
    model: str | os.PathLike[str],
    *,
    folding: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    target_fps: float | None = None,
    clock_mhz: float = 100,
    family: str = "xc7",
    cycles: int | None = None,
    input: str | None = None,
    input_scale: float | str | Fraction | None = None,
    output_kind: str = "scores",
) -> Plan:
    """What `bnnfpga.compile` would make of a model with the same options; writes nothing, and runs no image.

    Raises
    ------
    UserError
        If the model cannot be compiled or an option is not legal.
    """
    planner = Planner(model, input=input, input_scale=input_scale, output_kind=output_kind)
    return planner.plan(folding=folding, target_fps=target_fps, clock_mhz=clock_mhz, family=family, cycles=cycles)
