"""A compiler from trained binary neural networks to streaming FPGA accelerators.

The names in `__all__` are the whole Python interface. They are loaded on first use, so that importing the package costs
next to nothing.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

from bnnfpga.base.errors import ResultsDiffer, UserError

if TYPE_CHECKING:
    from bnnfpga.api import Project, compile
    from bnnfpga.compiler.export import export_qonnx
    from bnnfpga.compiler.planner import Plan, Planner, plan
    from bnnfpga.compiler.tuner import tune
    from bnnfpga.quantizing.post_training import quantize

# onnxruntime would report each use to its makers, and leave files in TMPDIR for that; it asks once, when it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
__all__ = [
    "Plan",
    "Planner",
    "Project",
    "ResultsDiffer",
    "UserError",
    "__version__",
    "compile",
    "export_qonnx",
    "plan",
    "quantize",
    "tune",
]

_HOMES = {
    "Plan": ("bnnfpga.compiler.planner", "Plan"),
    "Planner": ("bnnfpga.compiler.planner", "Planner"),
    "Project": ("bnnfpga.api", "Project"),
    "compile": ("bnnfpga.api", "compile"),
    "export_qonnx": ("bnnfpga.compiler.export", "export_qonnx"),
    "plan": ("bnnfpga.compiler.planner", "plan"),
    "quantize": ("bnnfpga.quantizing.post_training", "quantize"),
    "tune": ("bnnfpga.compiler.tuner", "tune"),
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value: object = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
