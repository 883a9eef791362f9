"""A page with a Pareto front: a plot, drawn as SVG with the figures of each point under the mouse, and a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_WIDTH, _HEIGHT, _MARGIN = 840, 480, 70
_STYLE = """body { font: 15px system-ui, sans-serif; margin: 2em; color: #222; background: #fff }
table { border-collapse: collapse } td, th { padding: 0.2em 0.8em; text-align: right; border-bottom: 1px solid #ddd }
circle { fill: #1f6feb } circle.over { fill: #c33 } circle:hover { r: 7 } line { stroke: #ccc } polyline { fill: none;
stroke: #9bbcf0 } text { fill: #555; font-size: 13px }"""


COST_NAMES = {"LUT": "cost (LUTs)", "share": "largest share of the part's budget (%)"}
"""What a front's foldings are compared by, by the `cost_unit` of `bnnfpga tune --json`."""


def cost_of(point: Mapping[str, Any], unit: str) -> float:
    """What a point is drawn at: LUTs, or percent."""
    return float(point["cost"]) * (100 if unit == "share" else 1)


def front_page(points: Sequence[Mapping[str, Any]], title: str, unit: str) -> str:
    """The page for the points as `bnnfpga tune --json` gives them; those that do not fit the part are red.

    `unit` is its `cost_unit`.
    """
    head = f"<!doctype html><meta charset='utf-8'><title>{escape(title)}</title><style>{_STYLE}</style>"
    costs = [] if unit == "share" else [COST_NAMES[unit]]
    names = ["cycles per frame", "frames/s", *costs, "LUT", "FF", "BRAM18", "DSP", "largest share"]
    rows = [_row(point, unit) for point in points]
    table = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    heads = "".join(f"<th>{name}</th>" for name in names)
    return f"{head}<h1>{escape(title)}</h1>{_plot(points, unit)}<table><tr>{heads}</tr>{table}</table>"


def _row(point: Mapping[str, Any], unit: str) -> list[str]:
    share = "-" if point["share"] is None else f"{100 * point['share']:.1f} %"
    counts = [f"{count:,}" for count in point["resources"].values()]
    cost = [] if unit == "share" else [f"{point['cost']:,.0f}"]
    return [f"{point['interval']:,}", f"{point['frames_per_second']:,.0f}", *cost, *counts, share]


def _plot(points: Sequence[Mapping[str, Any]], unit: str) -> str:
    """Cost over frames per second, both on logarithmic axes."""
    if not points:
        return ""
    speeds = [math.log10(max(point["frames_per_second"], 1)) for point in points]
    costs = [math.log10(max(cost_of(point, unit), 1)) for point in points]
    places = [
        (_place(speed, speeds, _MARGIN, _WIDTH - _MARGIN), _place(cost, costs, _HEIGHT - _MARGIN, _MARGIN))
        for speed, cost in zip(speeds, costs, strict=True)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(
        f"<circle cx='{x:.1f}' cy='{y:.1f}' r='4'{' class=over' if point['fits'] is False else ''}>"
        f"<title>{escape(', '.join(_row(point, unit)))}</title></circle>"
        for (x, y), point in zip(places, points, strict=True)
    )
    return (
        f"<svg viewBox='0 0 {_WIDTH} {_HEIGHT}' width='{_WIDTH}'>"
        f"{_marks(speeds, costs)}<polyline points='{line}'/>{dots}"
        f"<text x='{_WIDTH / 2}' y='{_HEIGHT - 15}' text-anchor='middle'>frames/s</text>"
        f"<text x='{_MARGIN}' y='30'>{escape(COST_NAMES[unit])}</text></svg>"
    )


def _place(value: float, values: Sequence[float], low: float, high: float) -> float:
    span = max(values) - min(values)
    return (low + high) / 2 if not span else low + (high - low) * (value - min(values)) / span


def _marks(speeds: Sequence[float], costs: Sequence[float]) -> str:
    """Lines at 1, 2 and 5 times the powers of ten."""
    parts = []
    for values, across in ((speeds, True), (costs, False)):
        for power in range(math.floor(min(values)), math.ceil(max(values)) + 1):
            for factor in (1, 2, 5):
                mark = power + math.log10(factor)
                if not min(values) <= mark <= max(values):
                    continue
                label = f"{factor * 10**power:,}"
                if across:
                    x = _place(mark, values, _MARGIN, _WIDTH - _MARGIN)
                    parts.append(f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{_MARGIN}' y2='{_HEIGHT - _MARGIN}'/>")
                    parts.append(f"<text x='{x:.1f}' y='{_HEIGHT - _MARGIN + 18}' text-anchor='middle'>{label}</text>")
                else:
                    y = _place(mark, values, _HEIGHT - _MARGIN, _MARGIN)
                    parts.append(f"<line x1='{_MARGIN}' x2='{_WIDTH - _MARGIN}' y1='{y:.1f}' y2='{y:.1f}'/>")
                    parts.append(f"<text x='{_MARGIN - 6}' y='{y + 4:.1f}' text-anchor='end'>{label}</text>")
    return "".join(parts)
