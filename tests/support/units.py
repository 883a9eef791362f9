"""Hardware units with a test file of their own, whose `UNITS` the tests of all units take."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from types import ModuleType

from bnnfpga.dataflow import operators
from bnnfpga.dataflow.operator import Operator


def own_tests() -> dict[str, ModuleType]:
    """By kind of unit, the file `tests/dataflow/test_<kind>.py` of those that have `UNITS`."""
    names = {module.name: f"tests.dataflow.test_{module.name}" for module in pkgutil.iter_modules(operators.__path__)}
    found = {kind: importlib.import_module(name) for kind, name in names.items() if importlib.util.find_spec(name)}
    return {kind: module for kind, module in found.items() if hasattr(module, "UNITS")}


def own_units() -> dict[str, Operator]:
    """The `UNITS` of all of them, by kind and name."""
    return {f"{kind}: {name}": unit for kind, module in own_tests().items() for name, unit in module.UNITS.items()}
