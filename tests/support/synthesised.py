"""What synthesis reads of a rendered module, in Verilator."""

from __future__ import annotations

from pathlib import Path

_MODELS = Path(__file__).with_name("lookup_tables.sv")
"""Models of the primitives."""


def as_synthesised(rtl: Path) -> None:
    """Let simulations run the netlists of the units whose weights are logic, instead of the library's modules."""
    (rtl / _MODELS.name).write_text(_MODELS.read_text())
    modules = list(rtl.glob("*_logic.sv"))
    assert modules, "there is no such unit"
    for module in modules:
        module.write_text(f"`define SYNTHESIS\n{module.read_text()}`undef SYNTHESIS\n")
