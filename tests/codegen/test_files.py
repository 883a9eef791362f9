"""Generated text: memory files, names made safe."""

from __future__ import annotations

import numpy as np
import pytest

from bnnfpga.codegen.memories import hex_file
from bnnfpga.codegen.names import comment, file_stem
from bnnfpga.dataflow.hardware import Memory


@pytest.mark.parametrize("width", [1, 3, 4, 7, 8, 9, 33, 1000])
def test_hex_words(width: int) -> None:
    bits = np.random.default_rng(width).integers(0, 2, (5, width)).astype(np.uint8)
    lines = hex_file(Memory("weights", bits, "block")).splitlines()
    assert [int(line, 16) for line in lines] == [sum(int(bit) << i for i, bit in enumerate(word)) for word in bits]
    assert {len(line) for line in lines} == {-(-width // 4)}


HOSTILE = [
    "a b",
    "a'b\"c",
    "$(touch x)",
    "a\nb",
    "../../etc",
    "module",
    "int",
    "x" * 300,
    "`x`",
    "*/ evil /*",
    "-o",
    "",
    "ünï",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_become_harmless(name: str) -> None:
    for text in (comment(name), file_stem(name)):
        assert not set(text) & set("\n\r\t\\\"'`$&|<>!*#~")
        assert len(text) <= 100
    assert "/" not in file_stem(name)
    assert file_stem(name)
    assert not file_stem(name).startswith("-")
    assert "/*" not in comment(name)
    assert "*/" not in comment(name)
