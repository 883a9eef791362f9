"""The kinds of units whose costs are calibrated: a module each, with its `KIND`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from benchmarks.calibration import Kind


def kinds() -> Mapping[str, Kind]:
    """All kinds, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found: list[Kind] = [importlib.import_module(f"{__name__}.{name}").KIND for name in names]
    return {kind.name: kind for kind in found}
