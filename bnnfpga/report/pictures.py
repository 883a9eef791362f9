"""Pictures as PNG, drawn by matplotlib: the Pareto front, and the units of an accelerator with what they do when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.report.front_page import COST_NAMES, cost_of

_BLUE, _RED, _GREY = "#1f6feb", "#c83737", "#555555"
_KINDS = {"works": "#2c7fb8", "stalled by units behind it": "#f0a35e", "starved by units before it": "#eceff1"}
"""Colours of what a unit does, in the order of the shares."""
_RESOURCES = {"lut": "LUT", "ff": "FF", "bram18": "BRAM18", "dsp": "DSP"}
_ROW_INCHES = 0.24
_MOST_ROW_INCHES = 40.0


def front_picture(points: Sequence[Mapping[str, Any]], title: str, unit: str) -> bytes:
    """The Pareto front, from the points that `bnnfpga tune --json` prints; those that do not fit a part are red.

    `unit` is its `cost_unit`.
    """
    figure = _figure(8, 5)
    axes = figure.add_subplot()
    speeds = [point["frames_per_second"] for point in points]
    costs = [cost_of(point, unit) for point in points]
    axes.step(speeds, costs, where="pre", color="#9bbcf0", zorder=1)
    for fits, color, label in ((True, _BLUE, "fits the part"), (False, _RED, "does not fit")):
        chosen = [number for number, point in enumerate(points) if (point["fits"] is not False) == fits]
        if chosen:
            axes.scatter([speeds[n] for n in chosen], [costs[n] for n in chosen], s=18, color=color, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.grid(True, which="both", color="#e6e6e6", linewidth=0.6)
    axes.set_xlabel("frames per second")
    axes.set_ylabel(COST_NAMES[unit])
    axes.set_title(title, fontsize=9, color=_GREY, wrap=True)
    if any(point["fits"] is not None for point in points):
        axes.legend(frameon=False, fontsize=9)
    return _png(figure)


def units_picture(
    layers: Sequence[Mapping[str, Any]],
    shares: NDArray[np.float64],
    cycles: int,
    frame_done: Sequence[int],
    title: str,
) -> bytes:
    """A row for each unit: its cycles per frame, its resources, and what it does while frames pass through.

    Parameters
    ----------
    layers
        The units as `bnnfpga compile --json` prints them.
    shares
        float64 (units, columns, 3): see `bnnfpga.dataflow.activity.Activity`.
    cycles
        What all columns cover.
    frame_done
        When each frame's last output beat leaves.
    title
        The heading.
    """
    from matplotlib.ticker import MaxNLocator, NullFormatter

    places = np.arange(len(layers))
    row = min(_ROW_INCHES, _MOST_ROW_INCHES / len(layers))
    figure = _figure(15, 2.0 + row * len(layers))
    kinds = [kind for kind in _RESOURCES if any(layer["resources"].get(kind) for layer in layers)]
    widths = [2.0, *[1.2] * len(kinds), 5.0]
    panels = figure.subplots(1, len(widths), sharey=True, width_ratios=widths)
    counts = [layer["cycles"] for layer in layers]
    colors = [_RED if count == max(counts) else _BLUE for count in counts]
    panels[0].barh(places, counts, color=colors)
    panels[0].set_xscale("log")
    panels[0].set_xlim(1, 2 * max(10, *counts))
    panels[0].xaxis.set_minor_formatter(NullFormatter())
    panels[0].set_xlabel("cycles per frame\n(slowest in red)")
    for axes, kind in zip(panels[1:], kinds, strict=False):
        axes.barh(places, [layer["resources"].get(kind, 0) for layer in layers], color="#6b8fb5")
        axes.set_xlabel(f"{_RESOURCES[kind]}\n(estimate)")
        axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    for axes in panels[:-1]:
        axes.grid(True, axis="x", color="#e6e6e6", linewidth=0.6)
        axes.set_axisbelow(True)
    _timeline(panels[-1], shares, cycles, frame_done)
    panels[0].set_yticks(places, [layer["name"] for layer in layers], fontsize=min(8.0, 60 * row))
    panels[0].set_ylim(len(layers) - 0.5, -0.5)
    figure.suptitle(title, fontsize=9, color=_GREY, wrap=True)
    return _png(figure)


def _timeline(axes: Any, shares: NDArray[np.float64], cycles: int, frame_done: Sequence[int]) -> None:
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Patch

    # A column in which a unit does several things has a mixture of their colours.
    picture = shares @ np.array([to_rgb(color) for color in _KINDS.values()])
    extent = (0, cycles, len(shares) - 0.5, -0.5)
    axes.imshow(np.clip(picture, 0, 1), aspect="auto", interpolation="nearest", extent=extent)
    for number, end in enumerate(frame_done):
        axes.axvline(end + 1, color="#333333", linewidth=0.8, linestyle=":")
        axes.annotate(
            f"frame {number + 1} done", (end + 1, 1), xycoords=("data", "axes fraction"), xytext=(-2, 3),
            textcoords="offset points", ha="right", fontsize=8, color=_GREY,
        )  # fmt: skip
    for edge in range(1, len(shares)):
        axes.axhline(edge - 0.5, color="white", linewidth=0.6)
    axes.set_xlabel("cycle")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    patches = [Patch(facecolor=color, edgecolor="#bbbbbb", label=kind) for kind, color in _KINDS.items()]
    axes.figure.legend(handles=patches, loc="outside lower right", ncols=3, frameon=False, fontsize=8)


def require_pictures() -> None:
    """Refuse to draw without matplotlib, before any work has been done.

    Raises
    ------
    UserError
        If it is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise UserError(
            "a PNG is drawn by matplotlib, which is not installed",
            where="--pareto or --picture",
            hint="pip install 'bnnfpga[report]'",
        ) from None


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def _png(figure: Any) -> bytes:
    data = BytesIO()
    # Without the version of matplotlib in it, the file is the same each time.
    figure.savefig(data, format="png", dpi=110, metadata={"Software": None})
    return data.getvalue()
