"""The picture of an accelerator's units: cycles, resources, and what they do while two frames pass through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bnnfpga.base.errors import UserError
from bnnfpga.base.output_files import require_writable, write_output
from bnnfpga.dataflow.activity import activity
from bnnfpga.dataflow.graph import Graph
from bnnfpga.report.pictures import require_pictures, units_picture


def require_picture(path: Path) -> None:
    """Refuse a picture that cannot be written, before any work has been done.

    Raises
    ------
    UserError
        If it is of another form, the folder is not there, or matplotlib is missing.
    """
    if path.suffix != ".png":
        raise UserError("the picture is written as .png", where=str(path), hint="give such a name")
    require_writable(path)
    require_pictures()


def write_picture(path: Path, graph: Graph, layers: Sequence[Mapping[str, Any]], title: str) -> None:
    """Draw the units of a folded graph, with `layers` as `bnnfpga compile --json` prints them."""
    played = activity(graph)
    write_output(path, units_picture(layers, played.shares, played.cycles, played.frame_done, title))
