"""The command line: what each command is called, takes and does.

How a command speaks to its caller is in `bnnfpga.cli.terminal`. Heavy modules are imported inside the commands, so that
``--help`` answers at once.
"""

from __future__ import annotations

import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bnnfpga import __version__
from bnnfpga.cli.terminal import Advance, Outcome, Terminal, run_process
from bnnfpga.codegen.constants import TRACE_MEGABYTES

app = typer.Typer(
    name="bnnfpga",
    help="Compile trained binary neural networks to streaming FPGA accelerators.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class Backend(StrEnum):
    """What a project can be run on."""

    RTL = "rtl"
    HLS = "hls"
    EMULATOR = "emulator"


class Flow(StrEnum):
    """What synthesises a project."""

    VITIS = "vitis"
    VIVADO = "vivado"
    VIVADO_OOC = "vivado-ooc"


class Split(StrEnum):
    """A part of a data set."""

    TEST = "test"
    TRAIN = "train"


class OutputKind(StrEnum):
    """What an accelerator gives."""

    SCORES = "scores"
    CLASS = "class"


class Layout(StrEnum):
    """The order of an image array's axes."""

    NCHW = "nchw"
    NHWC = "nhwc"


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors and JSON.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print every step, and tracebacks.")]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A QONNX file (.onnx, also .onnx.gz).")]
InputType = Annotated[
    str | None,
    typer.Option(metavar="TYPE", help="Type of one input element: uintN, intN, bipolar or float.", show_default=False),
]
InputScale = Annotated[
    str | None,
    typer.Option(metavar="S", help="The model's input is element * S, with S like 0.5 or 1/255.", show_default=False),
]
Project = Annotated[Path, typer.Argument(metavar="DIR", help="A project written by `bnnfpga compile`.")]
Images = Annotated[
    str, typer.Option(metavar="FILE", help="Images along the first axis: .npy, .npz, FILE.npz:NAME or IDX (.gz).")
]
ImageLayout = Annotated[Layout, typer.Option("--layout", help="The order of the images' axes.")]
Verilator = Annotated[
    Path | None, typer.Option(metavar="PATH", help="The Verilator to use instead of the one found.", show_default=False)
]


@app.command()
def compile(
    model: Model,
    output: Annotated[Path, typer.Option("-o", metavar="DIR", help="The folder to write the project to.")],
    folding: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="PE and SIMD of layers, as YAML.", show_default=False),
    ] = None,
    target_fps: Annotated[
        float | None, typer.Option(metavar="N", help="Frames per second to reach.", show_default=False)
    ] = None,
    clock_mhz: Annotated[float, typer.Option(metavar="M", help="The clock frequency in MHz.")] = 100.0,
    cycles: Annotated[
        int | None, typer.Option(metavar="N", help="At most this many cycles per frame.", show_default=False)
    ] = None,
    input: InputType = None,
    input_scale: InputScale = None,
    output_kind: Annotated[
        OutputKind, typer.Option("--output", help="Integer scores, or the class, decided in hardware.")
    ] = OutputKind.SCORES,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing project.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Write an accelerator for MODEL as a project of its own.

    Without --folding, --target-fps or --cycles, the cheapest folding with at most 4,096 cycles per frame (dense nets)
    or 65,536 (convolutional nets) is chosen. Layers that the folding file does not name are folded in the same way.
    """

    def work() -> Outcome:
        from bnnfpga.api import compile as compile_model
        from bnnfpga.report.tables import compile_table

        project = compile_model(
            model,
            output,
            folding=folding,
            target_fps=target_fps,
            clock_mhz=clock_mhz,
            cycles=cycles,
            input=input,
            input_scale=input_scale,
            output_kind=output_kind.value,
            force=force,
        )
        summary = project.summary()
        return Outcome(summary, lambda: compile_table(summary, clock_mhz))

    Terminal(as_json, quiet, verbose).finish(work, f"compiling {model}")


@app.command()
def simulate(
    project: Project,
    images: Images,
    labels: Annotated[
        str | None, typer.Option(metavar="FILE", help="The true class of each image.", show_default=False)
    ] = None,
    backend: Annotated[Backend, typer.Option(help="What to run.")] = Backend.RTL,
    streams: Annotated[
        bool, typer.Option("--streams", help="Count back-pressure, idle cycles and peak occupancy of all streams.")
    ] = False,
    trace: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write waveforms: .vcd or .fst.", show_default=False)
    ] = None,
    trace_megabytes: Annotated[
        int, typer.Option(metavar="N", help="End the waveform at this size; the simulation goes on.")
    ] = TRACE_MEGABYTES,
    stall_seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="Stall all external streams at random, with this seed.", show_default=False),
    ] = None,
    save_outputs: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the integer scores (.npy; a folder for several outputs).", show_default=False
        ),
    ] = None,
    save_classes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the classes (.npy; a folder for several outputs).", show_default=False
        ),
    ] = None,
    rtl_from: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Simulate the Verilog that Vitis HLS wrote to DIR, not rtl/.", show_default=False
        ),
    ] = None,
    layout: ImageLayout = Layout.NCHW,
    verilator: Verilator = None,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Run a project on images and compare it with the model.

    Every integer of every image is compared with the model's; exit status 1 means that some differ.
    """

    def work() -> Outcome:
        from bnnfpga.api import Project
        from bnnfpga.base.output_files import require_writable
        from bnnfpga.cli import saving
        from bnnfpga.datasets.arrays import load_array
        from bnnfpga.report.tables import simulate_table

        if trace is not None:
            require_writable(trace)
        built = Project.load(project)
        output_files = None if save_outputs is None else saving.output_files(save_outputs, built.output_names)
        class_files = None if save_classes is None else saving.output_files(save_classes, built.class_names)
        result = built.simulate(
            load_array(images),
            None if labels is None else load_array(labels),
            backend=backend.value,
            streams=streams,
            trace=trace,
            trace_megabytes=trace_megabytes,
            stall_seed=stall_seed,
            layout=layout.value,
            verilator=verilator,
            rtl_from=rtl_from,
        )
        if output_files is not None:
            saving.save_outputs(output_files, result.outputs)
        if class_files is not None:
            saving.save_outputs(class_files, result.classes)
        data = result.as_dict()
        clock_mhz = float(built.description["clock_mhz"])
        return Outcome(data, lambda: simulate_table(data, clock_mhz), equal=not data["mismatches"])

    Terminal(as_json, quiet, verbose).finish(work, f"simulating {project} ({backend.value})")


@app.command("eval")
def evaluate(
    project: Project,
    dataset: Annotated[
        str,
        typer.Option(
            metavar="D",
            help="Images with their classes: a folder with IDX or NumPy files, a folder with a subfolder of images for "
            "each class, a .npz file; or a file of images (IDX, .npy, FILE.npz:NAME) with --labels.",
        ),
    ],
    labels: Annotated[
        str | None, typer.Option(metavar="FILE", help="The classes, where D is a file of images.", show_default=False)
    ] = None,
    split: Annotated[
        Split | None, typer.Option(help="Which images to take if D has both splits.", show_default="test, else train")
    ] = None,
    backend: Annotated[Backend, typer.Option(help="What to run.")] = Backend.EMULATOR,
    limit: Annotated[int | None, typer.Option(metavar="N", help="Only the first N images.", show_default=False)] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a picture (.png) of misclassified images of all classes.", show_default=False
        ),
    ] = None,
    layout: Annotated[
        Layout | None,
        typer.Option("--layout", help="The order of the images' axes.", show_default="what their shape says"),
    ] = None,
    verilator: Verilator = None,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Measure accuracy over a data set.

    Also the confusion matrix, precision and recall of each class, and images per second.
    """

    def work(advance: Advance) -> Outcome:
        from bnnfpga.api import Project
        from bnnfpga.base.errors import UserError
        from bnnfpga.base.output_files import require_writable, write_output
        from bnnfpga.datasets.dataset import load_dataset
        from bnnfpga.report.mistakes import check_shape
        from bnnfpga.report.tables import eval_table

        if picture is not None:
            if picture.suffix.lower() != ".png":
                raise UserError("pictures are written as PNG", where=str(picture), hint="give a name that ends in .png")
            require_writable(picture)
        if limit is not None and limit < 1:
            raise UserError(f"{limit} images cannot be evaluated", where="--limit", hint="give at least 1")
        built = Project.load(project)
        data = load_dataset(dataset, labels, None if split is None else split.value).first(limit)
        if picture is not None:
            check_shape(data.images.shape[1:])
        result = built.evaluate(
            data.images,
            data.labels,
            backend.value,
            layout=None if layout is None else layout.value,
            names=data.names,
            verilator=verilator,
            progress=advance,
        )
        if picture is not None:
            write_output(picture, result.picture())
        figures = {**result.as_dict(), "dataset": dataset, "picture": None if picture is None else str(picture)}
        return Outcome(figures, lambda: eval_table(figures))

    Terminal(as_json, quiet, verbose).finish_counting(work, f"evaluating {project} ({backend.value})")


@app.command()
def verify(
    project: Project,
    images: Images,
    stages: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...", help="The stages to compare; by default all that run here.", show_default=False
        ),
    ] = None,
    streams: Annotated[
        bool, typer.Option("--streams", help="Compare internal streams even where the outputs are equal.")
    ] = False,
    dump: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAYER", help="Write what a unit gives or a stream carries; may be repeated.", show_default=False
        ),
    ] = None,
    dump_to: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder for --dump: LAYER.STAGE.npy.", show_default=False)
    ] = None,
    wave: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the waveform (.vcd, .fst) around a difference.", show_default=False),
    ] = None,
    wave_cycles: Annotated[int, typer.Option(metavar="N", help="Cycles shown before and after it.")] = 64,
    layout: ImageLayout = Layout.NCHW,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Find the first place where two stages differ.

    Compares neighbouring stages, from the model to the hardware: what the model means with the project's files as they
    are. A difference is traced to unit, image, channel and cycle. Exit status 1 means that two stages differ.
    """

    def work() -> Outcome:
        from bnnfpga.api import Project
        from bnnfpga.datasets.arrays import load_array
        from bnnfpga.report.tables import verify_table

        chosen = None if stages is None else [name.strip() for name in stages.split(",")]
        result = Project.load(project).verify(
            load_array(images),
            stages=chosen,
            layout=layout.value,
            streams=streams,
            dump=dump or (),
            dump_to=dump_to,
            wave=wave,
            wave_cycles=wave_cycles,
        )
        data = result.as_dict()
        return Outcome(data, lambda: verify_table(data), equal=result.equal)

    Terminal(as_json, quiet, verbose).finish(work, f"verifying {project}")


@app.command()
def synth(
    project: Project,
    flow: Annotated[
        Flow,
        typer.Option(
            help="Estimates of the HLS C++, a bitstream for a board, or the RTL placed and routed out of context."
        ),
    ],
    part: Annotated[str | None, typer.Option(metavar="P", help="The FPGA.", show_default=False)] = None,
    board: Annotated[
        str | None,
        typer.Option(
            metavar="B", help="The board: pynq-z1, pynq-z2, ultra96-v2, zcu104 or kv260.", show_default="pynq-z2"
        ),
    ] = None,
    clock_mhz: Annotated[
        float | None, typer.Option(metavar="M", help="The target clock in MHz.", show_default="the project's")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Synthesise a project: area, clock, bitstream.

    The tool must be installed; if it is not, the error says how to run the project's scripts elsewhere.
    """

    def work() -> Outcome:
        from bnnfpga.api import Project
        from bnnfpga.report.tables import synth_table
        from bnnfpga.synthesis.vendor import synthesize

        result = synthesize(Project.load(project), flow.value, part=part, board=board, clock_mhz=clock_mhz)
        data = result.as_dict()
        return Outcome(data, lambda: synth_table(data))

    Terminal(as_json, quiet, verbose).finish(work, f"synthesising {project} ({flow.value})")


@app.command()
def inspect(
    model: Model,
    input: InputType = None,
    input_scale: InputScale = None,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Show the layers of MODEL.

    Their integer types and ranges, their operations, and what each becomes in hardware.
    """

    def work() -> Outcome:
        from bnnfpga.compiler.inspection import inspect_model
        from bnnfpga.report.tables import inspect_table

        found = inspect_model(model, input, input_scale)
        return Outcome(found, lambda: inspect_table(found))

    Terminal(as_json, quiet, verbose).finish(work, f"reading {model}")


@app.command()
def transforms(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The rewrite to run.", show_default=False)] = None,
    model: Annotated[
        Path | None, typer.Argument(metavar="MODEL", help="A QONNX file to run it on.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", metavar="FILE", help="Write the rewritten model.", show_default=False)
    ] = None,
    input: InputType = None,
    input_scale: InputScale = None,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """List the rewrites that fold a model into integers.

    With NAME and MODEL, run one of them alone and show the graph before and after.
    """

    def work() -> Outcome:
        from bnnfpga.base.errors import UserError
        from bnnfpga.report.tables import transform_table, transforms_table
        from bnnfpga.transforms.run_alone import list_rewrites, run_rewrite

        if name is None:
            listed = list_rewrites()
            return Outcome(listed, lambda: transforms_table(listed))
        if model is None:
            raise UserError("the model is missing", where="transforms", hint=f"bnnfpga transforms {name} MODEL")
        data = run_rewrite(name, model, output, input, input_scale)
        return Outcome(data, lambda: transform_table(data))

    Terminal(as_json, quiet, verbose).finish(work, None if name is None else f"rewriting {model}")


@app.command()
def doctor(
    fetch_hls_headers: Annotated[
        bool, typer.Option("--fetch-hls-headers", help="Fetch the open ap_int headers, for C++ simulation of HLS.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Show which tools are installed here.

    Their versions, what each enables, and how to get the missing ones. The exit status is 0 whatever is missing.
    """

    def work() -> Outcome:
        from bnnfpga.cli.doctor import examine
        from bnnfpga.report.tables import doctor_table
        from bnnfpga.simulate.runners.hls_headers import fetch_headers

        if fetch_hls_headers:
            fetch_headers()
        found = examine().as_dict()
        return Outcome(found, lambda: doctor_table(found))

    Terminal(as_json, quiet, verbose).finish(work, "looking for tools")


def _print_version(asked: bool) -> None:
    if asked:
        print(f"bnnfpga {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line and leave with its exit status; the entry point of the console script."""
    # As Ctrl-C does, so that what is half done is cleared away.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(run_process(app, sys.argv[1:] or ["--help"]))
