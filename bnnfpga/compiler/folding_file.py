"""Folding files: PE, SIMD and memory kind of each layer, as YAML."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bnnfpga.base.errors import UserError
from bnnfpga.base.input_files import read_file
from bnnfpga.compiler.finn_folding import from_finn
from bnnfpga.dataflow.folding import Folding, is_finn_entry, parse_folding
from bnnfpga.dataflow.graph import Graph

_HINT = "give a file like the folding.yaml of a project"
_MAX_BYTES = 1 << 20
"""Far more than any net needs, and little enough to parse in seconds."""
_MAX_WORD = 1000


class _PlainYaml(yaml.SafeLoader):
    """YAML without aliases, which can expand a few lines to gigabytes, and without duplicate keys."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):  # type: ignore[no-untyped-call]
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "anchors and aliases (& and *) are not read", mark)
        node: yaml.Node | None = super().compose_node(parent, index)  # type: ignore[no-untyped-call]
        if isinstance(node, yaml.ScalarNode) and len(node.value) > _MAX_WORD:
            raise yaml.composer.ComposerError(None, None, "a word is too long", node.start_mark)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = str(self.construct_object(key_node, deep=True))  # type: ignore[no-untyped-call]
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands there twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_folding(
    folding: str | os.PathLike[str] | Mapping[str, Any], graph: Graph | None = None
) -> tuple[Folding, str]:
    """Read a folding from a file or from plain data; also returns the name of its source for messages.

    For a graph, files of FINN are read as well.

    Raises
    ------
    UserError
        If the file cannot be read or holds something else.
    """
    if isinstance(folding, Mapping):
        return _parsed(folding, graph, "folding"), "folding"
    path = Path(folding)
    text = read_file(path, "the folding", _HINT, _MAX_BYTES)
    try:
        data = yaml.load(text, Loader=_PlainYaml)
    except (yaml.YAMLError, ValueError, ArithmeticError) as error:  # besides: invalid UTF-8, impossible dates, numbers
        raise UserError(f"it is not readable YAML: {_said(error)}", where=str(path), hint=_HINT) from error
    except RecursionError:
        raise UserError("its brackets are nested too deeply", where=str(path), hint=_HINT) from None
    return _parsed(data, graph, str(path)), str(path)


def _parsed(data: object, graph: Graph | None, where: str) -> Folding:
    is_finn = isinstance(data, Mapping) and data and all(is_finn_entry(str(name), own) for name, own in data.items())
    if is_finn and graph is not None:
        assert isinstance(data, Mapping)
        return from_finn(data, graph, where)
    return parse_folding(data, where)


def _said(error: Exception) -> str:
    """What is wrong and on which line, without an excerpt of the file."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return " ".join(str(error).split())
    mark = error.problem_mark
    return f"{error.problem or error.context} (line {mark.line + 1}, column {mark.column + 1})"
