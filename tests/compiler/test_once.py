"""Each command reads, cleans and means a model once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bnnfpga
from bnnfpga.compiler import model_file, recompiled
from bnnfpga.compiler.inspection import inspect_model
from bnnfpga.frontend.reading import read
from bnnfpga.golden import golden_model
from tests.support.builds import images_for
from tests.support.nets import DenseNet


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a model file was read and cleaned, its golden graph written, and the session for that built."""
    found: Counter[str] = Counter()

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            found[name] += 1
            return function(*arguments, **options)

        return call

    # Whoever calls `read_source`.
    monkeypatch.setattr(read, "read_file", counted("read", read.read_file))
    monkeypatch.setattr(model_file, "clean", counted("cleaned", model_file.clean))
    builder = golden_model._Builder
    monkeypatch.setattr(builder, "__init__", counted("written", builder.__init__))
    monkeypatch.setattr(builder, "build", counted("built", builder.build))
    return found


def test_a_command_does_nothing_twice(tmp_path: Path, counts: Counter[str]) -> None:
    model = DenseNet((24, 16, 10), seed=3).write(tmp_path)
    opened = {"read": 1, "cleaned": 1, "written": 1}
    executed = {**opened, "built": 1}
    project = bnnfpga.compile(model, tmp_path / "project")
    assert counts == executed
    x = images_for(project, 6)
    commands: tuple[tuple[Callable[[], object], dict[str, int]], ...] = (
        (lambda: project.simulate(x, backend="emulator"), executed),
        (lambda: project.evaluate(x, np.arange(6), backend="emulator"), opened),
        (lambda: project.verify(x, ["file", "source", "folded", "emulator"], streams=True), executed),
        (lambda: inspect_model(model), opened),
    )
    for command, once in commands:
        # As in a process of its own.
        recompiled._remembered.clear()
        counts.clear()
        command()
        assert counts == once
