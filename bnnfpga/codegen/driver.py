"""`driver/accelerator.py` of a project: the parts of bnnfpga that a board needs, put together into one file.

So that the driver packs, checks and computes exactly as the simulation does, it is the same code.
"""

from __future__ import annotations

import ast
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
MODULES = (
    "base/errors",
    "numbers/integers",
    "host/input_format",
    "numbers/float_functions",
    "numbers/arithmetic",
    "host/float_steps",
    "host/ends",
    "host/order",
    "host/words",
    "host/dma_words",
    "host/description",
    "host/results",
    "host/images",
    "host/pynq",
)
"""What goes in, each after what it uses. They use the standard library and numpy alone, besides each other."""

_HEAD = '''"""{docstring}
Needs numpy and pynq, and beside it or one folder above it the project's project.json and functions.json. Generated.
"""

from __future__ import annotations

{imports}
'''


def driver() -> str:
    """The text of the driver."""
    parts: list[str] = []
    modules: set[str] = set()
    names: dict[str, set[str]] = {}
    docstring = ""
    for name in MODULES:
        source = (_PACKAGE / f"{name}.py").read_text()
        body = ast.parse(source).body
        docstring = ast.get_docstring(ast.parse(source), clean=False) or ""
        dropped = set(_lines(body[0]))
        for node in body:
            if isinstance(node, ast.Import):
                modules.add(ast.unparse(node))
            elif isinstance(node, ast.ImportFrom):
                names.setdefault(node.module or "", set()).update(ast.unparse(alias) for alias in node.names)
            else:
                continue
            dropped.update(_lines(node))
        kept = [line for number, line in enumerate(source.splitlines(), 1) if number not in dropped]
        parts.append("\n".join([f"\n# -- {docstring.splitlines()[0]}", "", *kept]).rstrip() + "\n")
    outside = {
        module: found for module, found in names.items() if module.split(".")[0] not in ("bnnfpga", "__future__")
    }
    imports = [f"from {module} import {', '.join(sorted(found))}" for module, found in outside.items()]
    # The last one is the driver itself, whose description is that of the file.
    return _HEAD.format(docstring=docstring, imports="\n".join([*sorted(modules), *sorted(imports)])) + "\n".join(parts)


def _lines(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)
