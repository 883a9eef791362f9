"""The rooms of the package: which way imports run, and that nothing lies about."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "bnnfpga"
ORDER = (
    ("cli", "cli.commands"),
    ("api",),
    ("compiler",),
    ("compiler.frames",),
    ("synthesis", "simulate.verify"),
    ("simulate",),
    ("simulate.runners",),
    ("report",),
    ("codegen",),
    ("tuning",),
    ("lowering",),
    ("transforms",),
    ("golden",),
    ("golden.check",),
    ("frontend",),
    ("frontend.checking",),
    ("frontend.ends", "frontend.spelling"),
    ("frontend.reading",),
    ("frontend.forms",),
    ("frontend.contract",),
    ("frontend.graph",),
    ("dataflow", "dataflow.operators"),
    ("host",),
    ("datasets", "native"),
    ("numbers",),
    ("base",),
)
"""From the top down. A room imports those below it; those of one line know nothing of each other."""
TOGETHER = {"cli", "dataflow"}
"""These and the rooms inside them know each other: the app has the commands, which share options; units are made of
what stands in `dataflow`, and folding inserts some of them."""
LOOSE = {"__init__", "__main__", "api"}


def modules() -> dict[str, Path]:
    """All modules by name, without the package's own in front."""
    names = {path: path.relative_to(PACKAGE).with_suffix("").parts for path in sorted(PACKAGE.rglob("*.py"))}
    return {".".join(parts).removesuffix(".__init__"): path for path, parts in names.items()}


MODULES = modules()


def imports(name: str) -> set[str]:
    """The modules of the package that a module imports, anywhere in it and also for its types alone."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name} imports relatively"
            base = f"{node.module}"
            found |= {f"{base}.{alias.name}" if known(f"{base}.{alias.name}") else base for alias in node.names}
    return {imported.removeprefix("bnnfpga.") for imported in found if imported.startswith("bnnfpga.")}


def known(imported: str) -> bool:
    return imported.removeprefix("bnnfpga.") in MODULES


def room(name: str) -> str:
    """The folder of a module."""
    path = MODULES[name].parent.relative_to(PACKAGE)
    return ".".join(path.parts) or name


def together(name: str, imported: str) -> bool:
    house = name.split(".")[0]
    return house in TOGETHER and imported.split(".")[0] == house


IMPORTS = {name: imports(name) for name in MODULES}


def test_every_room_has_its_place() -> None:
    assert {room(name) for name in MODULES} - LOOSE == {name for line in ORDER for name in line} - LOOSE


@pytest.mark.parametrize("line", range(len(ORDER)), ids=lambda line: ORDER[line][0])
def test_imports_run_down(line: int) -> None:
    below = {name for names in ORDER[line + 1 :] for name in names}
    wrong = [
        f"{name} imports {imported}"
        for name in MODULES
        if room(name) in ORDER[line]
        for imported in sorted(IMPORTS[name])
        if room(imported) not in {room(name), *below} and not together(name, imported)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_module_imports_itself_in_the_end() -> None:
    """Modules that import nothing but what is struck off already are struck off, until none is left."""
    left = {name: imported & MODULES.keys() for name, imported in IMPORTS.items()}
    while free := {name for name, imported in left.items() if not imported}:
        left = {name: imported - free for name, imported in left.items() if name not in free}
    assert not left, f"a circle goes through some of {sorted(left)}"


def test_nothing_lies_about() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == LOOSE


def test_no_two_files_have_one_name() -> None:
    counts = Counter(path.stem for path in MODULES.values() if not path.stem.startswith("__"))
    assert [name for name, count in counts.items() if count > 1] == []


def test_every_room_says_what_it_holds() -> None:
    for path in MODULES.values():
        assert ast.get_docstring(ast.parse(path.read_text())), f"{path} has no docstring"


def test_one_way_to_import() -> None:
    """What a room gives stands in its modules: packages hand nothing on, but these two."""
    for name, path in MODULES.items():
        if path.stem == "__init__" and name not in ("__init__", "golden.check", "compiler.frames"):
            tree = ast.parse(path.read_text())
            assert len(tree.body) == 1, f"{path} holds more than what it says"


def test_contributors_see_the_same_order() -> None:
    table = (PACKAGE.parent / "CONTRIBUTING.md").read_text().partition("| `bnnfpga/` |")[2].partition("\n\n")[0]
    shown = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert shown == list(dict.fromkeys(room.partition(".")[0] for rooms in ORDER for room in rooms))


def test_no_two_classes_have_one_name() -> None:
    """Nor a class and the name of a type, whatever underscore stands in front; the independent check has its own."""
    homes: dict[str, set[str]] = {}
    for name, path in MODULES.items():
        if room(name) != "golden.check":
            for defined in defined_types(ast.parse(path.read_text())):
                homes.setdefault(defined.lstrip("_"), set()).add(name)
    assert {name: sorted(found) for name, found in homes.items() if len(found) > 1} == {}


def defined_types(tree: ast.Module) -> Iterator[str]:
    """The classes that a module defines, and its names of types: in CamelCase."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (t.id for t in targets if isinstance(t, ast.Name) and re.fullmatch(r"_?[A-Z]\w*[a-z]\w*", t.id))
