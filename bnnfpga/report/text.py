"""Rendering tables as text for `print`, and as HTML for notebooks."""

from __future__ import annotations

import io
from typing import Literal

from rich.console import Console, RenderableType

_WIDTH = 120


def as_text(table: RenderableType) -> str:
    """Render a table as plain text without colours."""
    console = _console(color_system=None)
    console.print(table)
    return console.export_text().rstrip("\n")


def as_html(table: RenderableType) -> str:
    """Render a table as an HTML fragment for a notebook."""
    console = _console(color_system="truecolor")
    console.print(table)
    return console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")


def _console(color_system: Literal["truecolor"] | None) -> Console:
    """A console that only records. In a notebook, rich's default console would also show the output there."""
    return Console(
        file=io.StringIO(),
        width=_WIDTH,
        record=True,
        highlight=False,
        color_system=color_system,
        force_jupyter=False,
        force_terminal=False,
    )
