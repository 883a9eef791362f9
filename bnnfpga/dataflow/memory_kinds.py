"""The names of what a folding chooses: where weights are, and where sums are accumulated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

MemoryKind = Literal["block", "distributed"]
MEMORY_KINDS: tuple[MemoryKind, ...] = get_args(MemoryKind)

WeightsKind = Literal["block", "distributed", "logic"]
"""Where a unit's weights can be: in a memory, or in the tables of its logic."""

AccumulatorsKind = Literal["logic", "dsp"]
"""Where a unit's sums can be accumulated: in logic, or in DSP slices."""


def check_memory_kind(kind: str, where: str, legal: Sequence[str] = MEMORY_KINDS) -> None:
    """Raise ValueError unless `kind` is one of the `legal` kinds of memory; `where` names the unit."""
    if kind not in legal:
        raise ValueError(f"{where}: a memory is {' or '.join(legal)}, not {kind!r}")
