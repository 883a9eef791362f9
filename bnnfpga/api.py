"""The Python interface: `compile`, and `Project` with everything that can be done with a compiled project."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.base.output_folders import restore_hidden
from bnnfpga.codegen.constants import TRACE_MEGABYTES
from bnnfpga.host.images import check_labels
from bnnfpga.host.project_data import ProjectData

if TYPE_CHECKING:
    from bnnfpga.simulate.evaluation import Evaluation
    from bnnfpga.simulate.simulation_result import SimulationResult
    from bnnfpga.simulate.verify.verify_result import VerifyResult


def compile(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    folding: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    target_fps: float | None = None,
    clock_mhz: float = 100,
    family: str = "xc7",
    cycles: int | None = None,
    input: str | None = None,
    input_scale: float | str | Fraction | None = None,
    output_kind: str = "scores",
    force: bool = False,
) -> Project:
    """Compile a model to an accelerator project.

    Parameters
    ----------
    model
        A QONNX file, as `bnnfpga.export_qonnx` writes it; it may be gzip-compressed.
    output
        The folder to write. It must not exist, or `force` replaces it as a whole.
    folding
        PE, SIMD and memory kind per layer: a YAML file or a mapping. What it leaves open is chosen
        automatically. Mutually exclusive with `target_fps` and `cycles`.
    target_fps, clock_mhz
        Frames per second that the accelerator must reach, and a clock in MHz. Units have the pipeline stages that this
        clock needs; where their estimated clock is lower nevertheless, the frames per second are for that one, and the
        project's `warnings` say so.
    family
        The FPGA family that it is built for, one of `dataflow.target.FAMILIES`; by default AMD's 7-series.
    cycles
        The most cycles per frame.
    input, input_scale
        The type of one input element (`uint8`, `int4`, `bipolar`, `float`); the model's input is code * scale.
    output_kind
        The accelerator's output: integer `scores`, or the `class`, decided in hardware.

    Raises
    ------
    UserError
        If the model cannot be compiled or an option is not legal. Nothing is left behind then.
    ResultsDiffer
        If the accelerator would not compute what the file says, which is a bug in bnnfpga. Nothing is left behind.
    """
    from bnnfpga.compiler.build import build

    built = build(
        Path(model),
        Path(output),
        folding=folding,
        target_fps=target_fps,
        clock_mhz=clock_mhz,
        family=family,
        cycles=cycles,
        input=input,
        input_scale=input_scale,
        output_kind=output_kind,
        force=force,
    )
    data = built.data
    return Project(
        data.folder, data.description, data.functions, built.seconds, built.checked, built.ties, built.warnings
    )


@dataclass(frozen=True)
class Project(ProjectData):
    """A compiled project: the folder that `bnnfpga.compile` wrote, and how to run it.

    Parameters
    ----------
    folder
        The path of the folder.
    description
        The contents of `project.json`.
    functions
        The contents of `functions.json`.
    seconds
        Seconds that compiling took; None for a project that was loaded.
    checked
        What the compilation's self-check compared and found equal: `stages`, as `verify` names them, and the number of
        `images`; None for a project that was loaded.
    ties
        How many `decisions` of the model lie `on_tie` for some of these images, also per entry of `layers`; None for a
        project that was loaded.
    warnings
        Sentences that users of the project should know.
    """

    seconds: float | None = None
    checked: Mapping[str, Any] | None = field(default=None, repr=False)
    ties: Mapping[str, Any] | None = field(default=None, repr=False)
    warnings: tuple[str, ...] = ()

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Project:
        """Open a project. If a process was killed while replacing it, the old project is restored first.

        Raises
        ------
        UserError
            If the folder is not a project, one of another version of the format, or damaged.
        """
        with contextlib.suppress(OSError):  # an unwritable folder has nothing to restore
            restore_hidden(Path(folder))
        return cls.read(folder)

    def summary(self) -> dict[str, Any]:
        """What `bnnfpga compile --json` prints."""
        return {
            "project": str(self.folder),
            "input": self.input_summary,
            "clock_mhz": self.clock_mhz,
            "family": self.family,
            "estimated_clock": self.estimated_clock,
            "supported_mhz": self.supported_mhz,
            "frames_per_second": self.frames_per_second,
            "boundary_frames_per_second": self.boundary_frames_per_second,
            "seconds": self.seconds,
            "checked": self.checked,
            "ties": self.ties,
            "warnings": list(self.warnings),
            **{
                key: self.description[key]
                for key in ("predicted_initiation_interval", "predicted_latency_cycles", "layers", "resources")
            },
        }

    def simulate(
        self,
        x: NDArray[Any],
        labels: NDArray[Any] | None = None,
        backend: str = "rtl",
        *,
        streams: bool = False,
        trace: str | os.PathLike[str] | None = None,
        trace_megabytes: int = TRACE_MEGABYTES,
        stall_seed: int | None = None,
        layout: str = "nchw",
        verilator: str | os.PathLike[str] | None = None,
        rtl_from: str | os.PathLike[str] | None = None,
    ) -> SimulationResult:
        """Run images through the accelerator and compare every integer with the model's.

        Parameters
        ----------
        x
            Images along the first axis, in the project's input format.
        labels
            The true classes, for `accuracy`.
        backend
            `rtl` (Verilator, cycle by cycle), `hls` (C++ simulation) or `emulator` (integers only, the fastest).
        streams
            Count back-pressure, idle cycles and peak occupancy of every stream (rtl).
        trace
            Write waveforms to this .vcd or .fst file (rtl).
        trace_megabytes
            The size limit of that file. The simulation continues, and the result says which cycles the file covers.
        stall_seed
            Stall all external streams at random, with this seed (rtl).
        layout
            `nchw` or `nhwc`.
        verilator
            The Verilator to use instead of the one found.
        rtl_from
            The folder with the Verilog that Vitis HLS generated from `hls/`, to simulate instead of `rtl/`.
        """
        from bnnfpga.compiler.recompiled import Recompiled
        from bnnfpga.simulate.run import simulate

        images = self.read_images(x, layout)
        checked = None if labels is None else check_labels(labels, len(images.codes), self.classes)
        return simulate(
            Recompiled(self),
            images,
            checked,
            backend=backend,
            streams=streams,
            trace=None if trace is None else Path(trace),
            trace_megabytes=trace_megabytes,
            stall_seed=stall_seed,
            verilator=None if verilator is None else str(verilator),
            rtl_from=None if rtl_from is None else Path(rtl_from),
        )

    def evaluate(
        self,
        x: NDArray[Any],
        labels: NDArray[Any],
        backend: str = "emulator",
        *,
        layout: str | None = None,
        names: Sequence[str] | None = None,
        verilator: str | os.PathLike[str] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Evaluation:
        """Measure accuracy, confusion matrix and per-class figures over a data set.

        Parameters
        ----------
        x
            Images along the first axis, in the project's input format. Axes of length 1 are added or dropped, and
            channels may come first or last.
        labels
            Their classes.
        backend
            `rtl` (Verilator, cycle by cycle), `hls` (C++ simulation) or `emulator` (integers only, the fastest).
        layout
            `nchw` or `nhwc`, where the images' shape is ambiguous.
        names
            Names of the classes.
        verilator
            The Verilator to use instead of the one found.
        progress
            Called a few times per second with the number of images done and the total.
        """
        from bnnfpga.compiler.recompiled import Recompiled
        from bnnfpga.simulate.evaluate import evaluate

        return evaluate(
            Recompiled(self),
            x,
            labels,
            backend=backend,
            layout=layout,
            names=None if names is None else tuple(names),
            verilator=None if verilator is None else str(verilator),
            progress=progress,
        )

    def verify(
        self,
        x: NDArray[Any],
        stages: Sequence[str] | None = None,
        layout: str = "nchw",
        *,
        streams: bool = False,
        dump: Sequence[str] = (),
        dump_to: str | os.PathLike[str] | None = None,
        wave: str | os.PathLike[str] | None = None,
        wave_cycles: int = 64,
    ) -> VerifyResult:
        """Compare neighbouring stages, from the source model to the hardware.

        The files of the project's folder are compared as they are. Where two stages differ, their internal streams are
        compared as well, and the result names the first unit whose inputs are right and whose output is wrong; in the
        RTL also the first unit that deviates from its schedule.

        Parameters
        ----------
        x
            Images along the first axis, in the project's input format.
        stages
            Some of `file`, `source`, `folded`, `emulator`, `hls`, `rtl`, compared in that order; None takes all
            that can run here.
        layout
            `nchw` or `nhwc`.
        streams
            Compare internal streams even where the outputs are equal.
        dump, dump_to
            Units or streams whose integers each stage writes as .npy, and the folder for these files.
        wave, wave_cycles
            A .vcd or .fst file for the cycles around a difference in the RTL, and the number of cycles on either side.
        """
        from bnnfpga.compiler.recompiled import Recompiled
        from bnnfpga.simulate.verify.requests import Dump, Wave
        from bnnfpga.simulate.verify.verification import verify

        if bool(dump) != (dump_to is not None):
            raise UserError(
                "one of --dump and --dump-to is missing",
                where="--dump",
                hint="name layers with --dump and a folder with --dump-to",
            )
        return verify(
            Recompiled(self),
            self.read_images(x, layout),
            stages,
            streams=streams,
            dump=None if dump_to is None else Dump(tuple(dump), Path(dump_to)),
            wave=None if wave is None else Wave(Path(wave), wave_cycles),
        )

    def __str__(self) -> str:
        from bnnfpga.report.tables import compile_table
        from bnnfpga.report.text import as_text

        return as_text(compile_table(self.summary()))

    def _repr_html_(self) -> str:
        from bnnfpga.report.tables import compile_table
        from bnnfpga.report.text import as_html

        return as_html(compile_table(self.summary()))
