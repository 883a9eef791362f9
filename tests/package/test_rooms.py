"""The rooms of the package: which way imports run, and that nothing lies about."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

import bnnfpga

PACKAGE = Path(__file__).parents[2] / "bnnfpga"
ORDER = (
    ("cli", "cli.commands"),
    ("api",),
    ("quantizing",),
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
    ("netlists",),
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
ALLOWED = {
    "cli": "api quantizing compiler synthesis simulate report codegen transforms dataflow datasets native numbers base",
    "api": "compiler simulate report codegen host base",
    "quantizing": "compiler report golden frontend host numbers base onnx",
    "compiler": "simulate report codegen tuning lowering transforms golden frontend dataflow host native numbers base "
    "onnx",
    "compiler.frames": "transforms golden dataflow host numbers",
    "synthesis": "codegen dataflow host native base",
    "simulate.verify": "simulate report golden dataflow host datasets numbers base",
    "simulate": "report codegen golden dataflow host numbers base onnx",
    "simulate.runners": "codegen dataflow host native numbers base",
    "report": "host numbers base",
    "codegen": "dataflow host base",
    "tuning": "dataflow base",
    "lowering": "transforms frontend dataflow numbers base",
    "transforms": "golden frontend host numbers base",
    "golden": "frontend host numbers base onnx",
    "golden.check": "onnx",
    "frontend": "numbers base onnx",
    "dataflow": "native netlists numbers base",
    "netlists": "",
    "host": "numbers base",
    "datasets": "numbers base",
    "native": "base",
    "numbers": "",
    "base": "",
}
"""What each room imports, with those inside it that have no line of their own; rooms inside others are not told apart.
`onnx` stands for ONNX's libraries. A word that is no longer in use is struck out, so that the table stays true."""
ONNX = {"onnx", "onnxruntime", "qonnx"}


def modules() -> dict[str, Path]:
    """All modules by name, without the package's own in front."""
    names = {path: path.relative_to(PACKAGE).with_suffix("").parts for path in sorted(PACKAGE.rglob("*.py"))}
    return {".".join(parts).removesuffix(".__init__"): path for path, parts in names.items()}


MODULES = modules()


@cache
def imports(name: str, source: str) -> set[str]:
    """The modules of the package, and `onnx`, that a module imports, anywhere in it and also for its types alone.

    A name from the package itself is followed to the module that has it.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {"bnnfpga.__init__" if alias.name == "bnnfpga" else alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{name} imports relatively"
            found |= {home(f"{node.module}", alias.name) for alias in node.names} - {"bnnfpga.__version__"}
    ours = {imported.removeprefix("bnnfpga.") for imported in found if imported.startswith("bnnfpga.")}
    return ours | {"onnx" for imported in found if imported.split(".")[0] in ONNX}


def home(module: str, name: str) -> str:
    """The module that `from module import name` loads, as importing it would be written."""
    if known(f"{module}.{name}"):
        return f"{module}.{name}"
    if module != "bnnfpga":
        return module
    if name == "__version__":
        return "bnnfpga.__version__"
    return bnnfpga._HOMES[name][0] if name in bnnfpga._HOMES else "bnnfpga.__init__"


def known(imported: str) -> bool:
    return imported.removeprefix("bnnfpga.") in MODULES


def room(name: str) -> str:
    """The folder of a module."""
    if name not in MODULES:
        assert name == "onnx", f"there is no module {name}"
        return name
    path = MODULES[name].parent.relative_to(PACKAGE)
    return ".".join(path.parts) or name


def together(name: str, imported: str) -> bool:
    house = name.split(".")[0]
    return house in TOGETHER and imported.split(".")[0] == house


def house(room: str) -> str:
    """The line of `ALLOWED` that a room belongs to."""
    return room if room in ALLOWED else room.split(".")[0]


def arrows(sources: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The imports of modules, of these texts, from other rooms."""
    for name, source in sources.items():
        if room(name) in ("__init__", "__main__"):
            continue
        for imported in sorted(imports(name, source)):
            if room(imported) != room(name):
                yield name, imported


def wrong_imports(sources: Mapping[str, str]) -> list[str]:
    """The imports that go up, between rooms of one line, or to a room that `ALLOWED` does not name."""
    places = {name: place for place, line in enumerate(ORDER) for name in line} | {"onnx": len(ORDER)}
    wrong = []
    for name, imported in arrows(sources):
        own, other = room(name), room(imported)
        down = other in places and places[own] < places[other]
        top = other.split(".")[0]
        allowed = top == own.split(".")[0] or top in ALLOWED[house(own)].split()
        if not together(name, imported) and not (down and allowed):
            wrong.append(f"{name} imports {imported}")
    return wrong


SOURCES = {name: path.read_text() for name, path in MODULES.items()}
IMPORTS = {name: imports(name, source) for name, source in SOURCES.items()}


def test_every_room_has_its_place() -> None:
    assert {room(name) for name in MODULES} - LOOSE == {name for line in ORDER for name in line} - LOOSE


def test_imports_run_down() -> None:
    wrong = wrong_imports(SOURCES)
    assert not wrong, "\n".join(wrong)


PLANTS = {
    "base.naming": "from bnnfpga import Project, compile",
    "base.errors": "import bnnfpga",
    "numbers.integers": "from bnnfpga import UserError",
    "dataflow.packing": "import onnx",
    "host.ends": "def f():\n    from onnxruntime.capi import onnxruntime_pybind11_state",
    "golden.affine": "from bnnfpga.dataflow.graph import Graph",
    "golden.check.reading": "from bnnfpga.golden.steps import elementwise_steps",
    "frontend.graph.nodes": "from bnnfpga.frontend.reading import read",
    "simulate.runners.emulator": "from bnnfpga.simulate import reference",
    "transforms.fold": "from bnnfpga import dataflow",
}
"""Modules, and an import each that must not stand there."""


@pytest.mark.parametrize("name", PLANTS)
def test_a_wrong_import_is_found(name: str) -> None:
    assert len(wrong_imports({name: f"{SOURCES[name]}\n{PLANTS[name]}"})) == 1


def test_the_table_of_rooms_is_true() -> None:
    """What it allows is all in use."""
    used: dict[str, set[str]] = {name: set() for name in ALLOWED}
    for name, imported in arrows(SOURCES):
        used[house(room(name))] |= {room(imported).split(".")[0]}
    idle = {name: sorted({*allowed.split()} - used[name]) for name, allowed in ALLOWED.items()}
    assert {name: rooms for name, rooms in idle.items() if rooms} == {}


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
