"""Options and arguments that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bnnfpga.dataflow.fabrics import FAMILIES


class Backend(StrEnum):
    """The simulators that can run a project."""

    RTL = "rtl"
    HLS = "hls"
    EMULATOR = "emulator"


class Layout(StrEnum):
    """The order of an image array's axes."""

    NCHW = "nchw"
    NHWC = "nhwc"


FAMILY_NAMES = f"{', '.join(FAMILIES[:-1])} or {FAMILIES[-1]}"

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors and JSON.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print every step, and tracebacks.")]
ModelArgument = Annotated[Path, typer.Argument(metavar="MODEL", help="A QONNX file (.onnx, also .onnx.gz).")]
InputType = Annotated[
    str | None,
    typer.Option(metavar="TYPE", help="Type of one input element: uintN, intN, bipolar or float.", show_default=False),
]
InputScale = Annotated[
    str | None,
    typer.Option(metavar="S", help="The model's input is element * S, with S like 0.5 or 1/255.", show_default=False),
]
Picture = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Draw cycles, resources and activity of all units, as .png.", show_default=False),
]
ProjectFolder = Annotated[Path, typer.Argument(metavar="DIR", help="A project written by `bnnfpga compile`.")]
ImagesFile = Annotated[
    str, typer.Option(metavar="FILE", help="Images along the first axis: .npy, .npz, FILE.npz:NAME or IDX (.gz).")
]
ImageLayout = Annotated[Layout, typer.Option("--layout", help="The order of the images' axes.")]
VerilatorPath = Annotated[
    Path | None, typer.Option(metavar="PATH", help="The Verilator to use instead of the one found.", show_default=False)
]
