"""Whether the integer inputs that the user declares reach the levels of the model's first quantizer.

With a forgotten or wrong `--input-scale` the accelerator equals the model in every bit, on inputs that the model was
not trained for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.frontend.forms.quantizers import Quantizer, quantizer_of
from bnnfpga.frontend.graph.model import Model
from bnnfpga.frontend.graph.nodes import data_operands, describe
from bnnfpga.golden.steps import elementwise_steps
from bnnfpga.host.input_format import InputFormat
from bnnfpga.numbers.arithmetic import Floats, Step, apply_steps
from bnnfpga.numbers.integers import IntArray

_MAX_CODES = 1 << 12
"""The number of input codes examined; of a larger range, evenly spaced ones."""
_MAX_ELEMENTS = 64
"""The number of elements examined where constants differ between elements."""
_MAX_BITS = 16
_MIN_SHARE = 0.25
"""The share of a quantizer's possible information that uniformly distributed codes must carry."""


def input_warnings(model: Model, format: InputFormat) -> list[str]:
    """Warnings about quantizers on which integer inputs have hardly any effect.

    The measure is the entropy in bits of a quantizer's levels under uniformly distributed input codes, averaged over
    the channels that its constants distinguish: less than a quarter of the maximum means that most codes give the
    same level.

    Parameters
    ----------
    model
        A clean graph.
    format
        The input format; floats give no warning.
    """
    if format.type is None:
        return []
    type = format.type
    codes = np.array([type.lo, type.hi]) if type.is_bipolar else np.arange(type.lo, type.hi + 1)
    if len(codes) > _MAX_CODES:
        codes = np.unique(np.linspace(type.lo, type.hi, _MAX_CODES).astype(np.int64))
    found = []
    ahead: list[tuple[str, list[Step]]] = [(model.input, [Step("multiply", np.asarray(format.scale).reshape(1))])]
    while ahead:
        tensor, steps = ahead.pop()
        for node in model.consumers(tensor):
            if traits_of(node).layout:
                if all(step.channels == 1 for step in steps):
                    ahead.append((node.output[0], steps))
            elif traits_of(node).elementwise and len(data_operands(model, node)) == 1:
                is_last = traits_of(node).quantizes
                quantizer = quantizer_of(model, node, _MAX_BITS) if is_last else None
                shape = model.shape(node.output[0])
                own = elementwise_steps(model, node) if quantizer is None else quantizer.steps
                chain = [*steps, *(step.along(range(len(shape)), shape) for step in own)]
                if quantizer is None:
                    ahead.append((node.output[0], chain))
                    continue
                levels = _Levels.of(_levels(codes, chain), quantizer)
                if levels.share < _MIN_SHARE:
                    found.append(_sentence(describe(node), levels, format))
    return found


def _levels(codes: IntArray, steps: Sequence[Step]) -> Floats:
    """A quantizer's level for each code: float32 (codes, some of the elements with distinct constants)."""
    elements = max(step.channels for step in steps)
    some = np.unique(np.linspace(0, elements - 1, min(elements, _MAX_ELEMENTS)).astype(np.int64))
    levels = apply_steps([step.some(some) for step in steps], codes.astype(np.float32)[:, None])
    return np.broadcast_to(levels, (len(codes), len(some)))


@dataclass(frozen=True)
class _Levels:
    """How the input's codes are distributed over a quantizer's levels, at the element where that is most even.

    Parameters
    ----------
    all
        The number of levels.
    reached
        The number of levels that some code reaches.
    most
        The share of the codes that give the most frequent level.
    share
        The entropy of the levels relative to its maximum, averaged over the elements.
    """

    all: int
    reached: int
    most: float
    share: float

    @classmethod
    def of(cls, levels: Floats, quantizer: Quantizer) -> _Levels:
        counts = [np.unique(column, return_counts=True)[1] for column in levels.T]
        shares = [count / len(levels) for count in counts]
        all = 2 if quantizer.bipolar else quantizer.hi - quantizer.lo + 1
        bits = float(np.mean([-(share * np.log2(share)).sum() for share in shares]))
        best = max(shares, key=len)
        return cls(all, len(best), float(best.max()), bits / float(np.log2(max(2, min(all, len(levels))))))


def _sentence(where: str, levels: _Levels, format: InputFormat) -> str:
    return (
        f"{where}, the input's quantizer, reaches {levels.reached:,} of its {levels.all:,} levels, "
        f"and gives one of them for {100 * levels.most:.1f} % of the input's codes. The input is taken as {format}: if "
        "the model was trained on another range, say so with --input-scale (like 1/255)"
    )
