"""What is compiled: a net, the options it is compiled with, and how it is run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FASTEST = {"fastest": True}
"""Stands for the fewest `cycles`, of 1, 8, 64 ..., for which there is a folding."""


@dataclass(frozen=True)
class Job:
    """One compilation with its runs.

    Parameters
    ----------
    name
        What it is called in the table.
    model
        The file.
    options
        Arguments of `bnnfpga.compile`, or `FASTEST` among them.
    quick
        Whether it belongs to the quick subset.
    commands
        Whether the command line inspects, simulates and verifies it as well, each command in a process of its own.
    rtl
        Whether it is small enough to be simulated in Verilator, where that is asked for.
    images
        How many it is run on.
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
