"""Tables as text, for `print`, and as HTML, for notebooks."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType

_WIDTH = 120


def as_text(table: RenderableType) -> str:
    """Plain text without colours."""
    console = Console(file=io.StringIO(), width=_WIDTH, highlight=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get().rstrip("\n")


def as_html(table: RenderableType) -> str:
    """A fragment for a notebook."""
    console = Console(file=io.StringIO(), width=_WIDTH, record=True, highlight=False)
    console.print(table)
    return console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")
