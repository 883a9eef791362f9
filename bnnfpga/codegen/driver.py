"""`driver/accelerator.py` of a project: the modules of `bnnfpga.host` and their imports, joined into one file.

The driver is the same code as the simulation's, so it packs, checks and computes exactly as that does.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache

from bnnfpga.base.assets import PACKAGE

_LAST = "bnnfpga.host.pynq"
"""The driver's main module; the others are its imports, direct and indirect."""

_HEAD = '''"""{docstring}
Needs numpy and pynq, and beside it or one folder above it the project's project.json and functions.json. Generated.
"""

from __future__ import annotations

{imports}
'''


@dataclass(frozen=True)
class _Module:
    """A module of this package in parts: docstring, imports, and the text without both."""

    docstring: str
    text: str
    imports: tuple[ast.Import, ...]
    names: tuple[ast.ImportFrom, ...]

    @classmethod
    def read(cls, name: str) -> _Module:
        source = PACKAGE.joinpath(*name.split(".")[1:]).with_suffix(".py").read_text()
        tree = ast.parse(source)
        imports = tuple(node for node in tree.body if isinstance(node, ast.Import))
        names = tuple(node for node in tree.body if isinstance(node, ast.ImportFrom))
        dropped = {number for node in (tree.body[0], *imports, *names) for number in _lines(node)}
        kept = [line for number, line in enumerate(source.splitlines(), 1) if number not in dropped]
        return cls(ast.get_docstring(tree, clean=False) or "", "\n".join(kept), imports, names)


def driver_modules() -> dict[str, _Module]:
    """The modules of the driver by name, each after its imports."""
    modules: dict[str, _Module] = {}

    def add(name: str) -> None:
        if name not in modules:
            module = _Module.read(name)
            for node in module.names:
                if _is_ours(node.module):
                    add(str(node.module))
            modules[name] = module

    add(_LAST)
    return modules


@cache
def driver() -> str:
    """The driver's source text."""
    modules = driver_modules()
    names: dict[str, set[str]] = {}
    for module in modules.values():
        for node in module.names:
            if not _is_ours(node.module) and node.module != "__future__":
                names.setdefault(str(node.module), set()).update(map(ast.unparse, node.names))
    imports = {ast.unparse(node) for module in modules.values() for node in module.imports}
    listed = [f"from {name} import {', '.join(sorted(members))}" for name, members in names.items()]
    parts = [
        "\n".join([f"\n# -- {module.docstring.splitlines()[0]}", "", module.text]).rstrip() + "\n"
        for module in modules.values()
    ]
    head = _HEAD.format(docstring=modules[_LAST].docstring, imports="\n".join([*sorted(imports), *sorted(listed)]))
    return head + "\n".join(parts)


def _is_ours(module: str | None) -> bool:
    return (module or "").split(".")[0] == "bnnfpga"


def _lines(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)
