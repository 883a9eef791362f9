"""Folding files: PE, SIMD and memory kind of each layer, as YAML."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bnnfpga.dataflow.folding import Folding, parse_folding
from bnnfpga.errors import UserError


class _UniqueKeys(yaml.SafeLoader):
    """YAML that does not let the second of two equal keys win in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)  # type: ignore[no-untyped-call]
            if isinstance(key, str) and key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands there twice", key_node.start_mark)
            seen.add(str(key))
        return super().construct_mapping(node, deep)


def read_folding(folding: str | os.PathLike[str] | Mapping[str, Any]) -> tuple[Folding, str]:
    """A folding from a file or from plain data, and what to call its source in messages.

    Raises
    ------
    UserError
        If the file cannot be read or holds something else.
    """
    if isinstance(folding, Mapping):
        return parse_folding(folding, "folding"), "folding"
    path = Path(folding)
    try:
        data = yaml.load(path.read_text(), Loader=_UniqueKeys)
    except OSError as error:
        raise UserError(f"cannot read the folding: {error.strerror}", where=str(path)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"it is no YAML: {error}", where=str(path), hint="see the folding.yaml of a project") from error
    return parse_folding(data, str(path)), str(path)
