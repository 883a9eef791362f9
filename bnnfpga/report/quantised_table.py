"""The result of post-training quantisation as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from bnnfpga.report.table_parts import lines_of, table_of


def quantised_table(summary: Mapping[str, Any]) -> RenderableType:
    """What was inserted where, the error of each layer, and what became of classes and accuracy."""
    rows = [
        [
            Text(item["node"]),
            Text(item["kind"]),
            Text(f"{'' if item['signed'] else 'u'}int{item['bits']}"),
            Text(_scale(item["scale"])),
        ]
        for item in summary["inserted"]
    ]
    layers = [
        [Text(layer["node"]), Text(layer["operator"]), Text(_share(layer["error"]))] for layer in summary["layers"]
    ]
    found: dict[str, str | Text] = {
        "quantizers inserted": f"{len(rows):,}",
        "error of the output": f"{_share(summary['error'])} of its numbers, on {summary['images']:,} images",
    }
    if summary["agreement"] is not None:
        found["same class as before"] = f"{_share(summary['agreement'])} of the images" + (
            f"; {_share(summary['clear_agreement'])} of those whose class was clear"
            if summary["clear_agreement"] is not None
            else ""
        )
    if summary["accuracy_before"] is not None:
        found["accuracy"] = f"{_share(summary['accuracy_before'])} before, {_share(summary['accuracy_after'])} after"
    found["written"] = summary["output"]
    return Group(
        table_of(["in front of", "what", "type", "scale"], rows),
        "",
        table_of(["layer", "operator", "error>"], layers),
        "",
        lines_of(found),
    )


def _share(part: float) -> str:
    return f"{100 * part:.2f} %"


def _scale(scale: float | list[float]) -> str:
    if isinstance(scale, list):
        return f"{min(scale):.4g} to {max(scale):.4g}, one for each of {len(scale):,} outputs"
    return f"{scale:.6g}"
