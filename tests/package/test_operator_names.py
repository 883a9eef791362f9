"""Shared code asks for operators' traits: where the package asks for an operator by name, it is about that operator."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from bnnfpga.frontend.contract.table import TRAITS, kinds_that

PACKAGE = Path(__file__).parents[2] / "bnnfpga"
OF_FILES = ("golden/check", "frontend/reading", "quantizing")
"""What is about files as they are, with whatever operators these have: the check imports no traits, what reads files
makes the nodes that have them, and quantizers enter files that are not clean."""
MAX_FILES = 4
"""Files that name a function of a number: its contract, which function it is, the independent check, and one more where
it is something besides."""


@dataclass(frozen=True)
class Module:
    """What one file says of kinds of nodes.

    `tables` are its own dictionaries, in which kinds are looked up, and its lists of what has some traits; `questions`
    are the lines that compare a kind with something else than another kind, and with what; `texts` all its strings.
    """

    tables: frozenset[str]
    questions: tuple[tuple[int, ast.expr], ...]
    texts: frozenset[str]


def module_of(source: str) -> Module:
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    kinds = {name for node in nodes if isinstance(node, ast.Assign) for name in _kinds_in(node)}
    questions = []
    for node in nodes:
        if isinstance(node, ast.Compare):
            first = node.left
            for other in node.comparators:
                if _is_kind(first, kinds) != _is_kind(other, kinds):
                    questions.append((node.lineno, other if _is_kind(first, kinds) else first))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return Module(frozenset(_tables_in(tree)), tuple(questions), frozenset(texts))


def _kinds_in(node: ast.Assign) -> Iterator[str]:
    """Variables that become an `op_type`."""
    for target in node.targets:
        both = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
        pairs = zip(target.elts, node.value.elts, strict=True) if both else [(target, node.value)]  # type: ignore[attr-defined]
        yield from (to.id for to, value in pairs if isinstance(to, ast.Name) and _is_kind(value, set()))


def _is_kind(node: ast.expr, kinds: set[str]) -> bool:
    if isinstance(node, ast.Tuple):
        return any(_is_kind(item, kinds) for item in node.elts)
    if isinstance(node, ast.Name):
        return node.id in kinds
    return isinstance(node, ast.Attribute) and node.attr == "op_type"


def _tables_in(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            value = node.value
            of_traits = isinstance(value, ast.Call) and ast.unparse(value.func) == "kinds_that"
            if isinstance(value, ast.Dict) or of_traits:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                yield from (target.id for target in targets if isinstance(target, ast.Name))


@cache
def modules() -> dict[Path, Module]:
    return {path: module_of(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def by_name() -> Iterator[tuple[Path, int, ast.expr]]:
    """What is compared with the kind of a node, but for a module's own tables, and for what a transform begins at."""
    for path, module in modules().items():
        if _room_of(path) in OF_FILES:
            continue
        for line, asked in module.questions:
            is_table = isinstance(asked, ast.Name) and asked.id in module.tables
            if not is_table and ast.unparse(asked) != "transform.kinds":
                yield path, line, asked


def _room_of(path: Path) -> str:
    return str(path.parent.relative_to(PACKAGE))


def test_no_list_of_names_is_asked_for() -> None:
    """What several operators have in common is a trait; what is done for each of them stands in a table by name."""
    lists = [
        f"{path.relative_to(PACKAGE)}:{line}: {ast.unparse(asked)}"
        for path, line, asked in by_name()
        if not isinstance(asked, ast.Constant | ast.Name)
    ]
    assert not lists, "\n".join(lists)


def test_one_file_of_a_room_asks_for_an_operator() -> None:
    """What is about one operator stands together."""
    files = defaultdict(set)
    for path, _, asked in by_name():
        files[_room_of(path), ast.unparse(asked)].add(path.name)
    apart = {key: sorted(names) for key, names in files.items() if len(names) > 1}
    assert not apart


def test_names_asked_for_are_of_one_operator() -> None:
    """A name for a list would be a list."""
    known = set(TRAITS) | {"Gemm", "Im2Col", "Trunc"}
    names = {ast.unparse(asked) for _, _, asked in by_name() if isinstance(asked, ast.Name)}
    texts = {asked.value for _, _, asked in by_name() if isinstance(asked, ast.Constant)}
    assert names <= {"EMBEDDING", "THRESHOLD", "INTEGER_CONCAT"}
    assert texts <= known


@pytest.mark.parametrize("operator", kinds_that(lambda traits: traits.rounded_once))
def test_a_function_is_named_in_few_files(operator: str) -> None:
    """Another one is added to these."""
    named = [str(path.relative_to(PACKAGE)) for path, module in modules().items() if operator in module.texts]
    assert len(named) <= MAX_FILES, named


def test_questions_are_seen() -> None:
    """The tests above find what they look for."""
    module = module_of(
        "_TABLE = {'Add': 1}\n"
        "_LIST = ('Add', 'Sub')\n"
        "def f(node, other):\n"
        "    kind, name = node.op_type, node.name\n"
        "    if kind == 'Add' or node.op_type in ('Add', *POOLS) or node.op_type not in _LIST:\n"
        "        return other.op_type == kind, name == 'Add', (kind, name) == ('Add', name)\n"
        "    return node.op_type in _TABLE\n"
    )
    assert module.tables == {"_TABLE"}
    asked = [ast.unparse(asked) for _, asked in sorted(module.questions, key=lambda question: question[0])]
    assert asked == ["'Add'", "('Add', *POOLS)", "_LIST", "('Add', name)", "_TABLE"]
