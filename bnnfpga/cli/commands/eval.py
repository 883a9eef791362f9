"""`bnnfpga eval`: accuracy over a data set."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bnnfpga.cli.options import AsJson, Backend, Layout, ProjectFolder, Quiet, Verbose, VerilatorPath
from bnnfpga.cli.terminal import Advance, Outcome, Terminal


class Split(StrEnum):
    """A part of a data set."""

    TEST = "test"
    TRAIN = "train"


def evaluate(
    project: ProjectFolder,
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
    verilator: VerilatorPath = None,
    as_json: AsJson = False,
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
