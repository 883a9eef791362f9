"""The table of measurements."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One row of the table: a measurement, its bar, and whether it holds."""

    what: str
    measured: str
    bar: str
    holds: bool


def show(rows: list[Row]) -> None:
    """Print the table."""
    table = Table(box=None, header_style="bold")
    for heading in ("what", "measured", "bar", ""):
        table.add_column(heading, justify="right" if heading == "measured" else "left")
    for row in rows:
        table.add_row(row.what, row.measured, row.bar, "[green]holds" if row.holds else "[red]falls short")
    Console().print(table)
