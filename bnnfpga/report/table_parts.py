"""What the tables of all commands are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table
from rich.text import Text


def table_of(headings: Sequence[str], rows: Iterable[Sequence[Text]], *, wrap_last: bool = False) -> Table:
    """A table without lines; columns whose heading ends in ``>`` are right-aligned. Cells are not wrapped."""
    cells = list(rows)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for index, heading in enumerate(headings):
        title = Text(heading.removesuffix(">"))
        width = None
        if not (wrap_last and index == len(headings) - 1):
            width = max(text.cell_len for text in (title, *(row[index] for row in cells)))
        table.add_column(title, justify="right" if heading.endswith(">") else "left", min_width=width)
    for row in cells:
        table.add_row(*row)
    return table


def lines_of(facts: Mapping[str, str | Text]) -> Text:
    """Names and values, one pair per line; long values, such as paths, are not wrapped."""
    width = max(map(len, facts), default=0)
    lines = [Text.assemble((f"{name:<{width}}", "bold"), "  ", value) for name, value in facts.items()]
    text = Text("\n").join(lines)
    text.no_wrap, text.overflow = True, "ignore"
    return text
