"""A unit of the comparison: a net, its compile options, and how it is run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FASTEST = {"fastest": True}
"""Stands for the fewest `cycles` among 1, 8, 64 ... for which a folding exists."""


@dataclass(frozen=True)
class Job:
    """One compilation with its runs.

    Parameters
    ----------
    name
        Its name in the table.
    model
        The model file.
    options
        Arguments of `bnnfpga.compile`, and possibly `FASTEST`.
    quick
        Whether it belongs to the quick subset.
    commands
        Whether it is also inspected, simulated and verified on the command line, each in its own process.
    rtl
        Whether it is small enough to be simulated in Verilator, if requested.
    images
        The number of images to run.
    """

    name: str
    model: Path
    options: dict[str, Any] = field(default_factory=dict)
    quick: bool = False
    commands: bool = False
    rtl: bool = False
    images: int = 16

    def as_dict(self) -> dict[str, Any]:
        """As plain data, for a process that cannot import this class."""
        return {**vars(self), "model": str(self.model)}
