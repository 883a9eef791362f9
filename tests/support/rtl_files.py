"""The files of `rtl/` that a text needs."""

from __future__ import annotations

import re
from pathlib import Path

from bnnfpga.base.assets import asset


def rtl_files(text: str) -> dict[str, Path]:
    """The modules that SystemVerilog instantiates, and those below them, by name."""
    found: dict[str, Path] = {}
    pending = [text]
    while pending:
        for name in re.findall(r"^ *(bnn_\w+) #\(", pending.pop(), re.MULTILINE):
            if name not in found:
                found[name] = asset("rtl") / f"{name}.sv"
                pending.append(found[name].read_text())
    return found
