"""The table of areas and their bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

Amounts = tuple[float, ...]
"""LUT, or LUT, block RAM (18 kbit) and DSP; also a ratio of LUTs."""


@dataclass(frozen=True)
class AreaRow:
    """One measurement: what, how much of each kind, the most that the bar allows, the aim in LUT, and details."""

    what: str
    measured: Amounts
    bar: Amounts
    aim: float
    details: str

    @property
    def holds(self) -> bool:
        """Whether no amount is above its bar."""
        return all(amount <= most for amount, most in zip(self.measured, self.bar, strict=True))


def show(rows: Sequence[AreaRow]) -> None:
    """Print the table."""
    table = Table(box=None, header_style="bold")
    for heading in ("what", "measured", "bar", "aim", "", "details"):
        table.add_column(heading, justify="right" if heading in ("measured", "bar", "aim") else "left")
    for row in rows:
        verdict = "[green]holds" if row.holds else "[red]falls short"
        table.add_row(row.what, _amounts(row.measured), _amounts(row.bar), _amounts((row.aim,)), verdict, row.details)
    console = Console()
    console.width = max(console.width, console.measure(table).maximum)
    console.print(table)


def _amounts(amounts: Amounts) -> str:
    return " / ".join(f"{amount:,.2f}" if amount != int(amount) else f"{int(amount):,}" for amount in amounts)
