"""Each command reads, cleans and means a model once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bnnfpga
from bnnfpga.compiler import model_file, recompiled
from bnnfpga.golden import golden_model
from tests.support.builds import images_for
from tests.support.nets import DenseNet


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a model was cleaned, its golden graph written, and the session for that made."""
    found: Counter[str] = Counter()

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            found[name] += 1
            return function(*arguments, **options)

        return call

    monkeypatch.setattr(model_file, "clean", counted("cleaned", model_file.clean))
    builder = golden_model._Builder
    monkeypatch.setattr(builder, "__init__", counted("written", builder.__init__))
    monkeypatch.setattr(builder, "build", counted("built", builder.build))
    return found


def test_a_command_does_nothing_twice(tmp_path: Path, counts: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    model = DenseNet((24, 16, 10), seed=3).write(tmp_path)
    once = {"cleaned": 1, "written": 1, "built": 1}
    project = bnnfpga.compile(model, tmp_path / "project")
    assert counts == once
    x = images_for(project, 6)
    for run in (
        lambda: project.simulate(x, backend="emulator"),
        lambda: project.verify(x, ["file", "source", "folded", "emulator"], streams=True),
    ):
        # As in a process of its own.
        monkeypatch.setattr(recompiled, "_remembered", type(recompiled._remembered)())
        counts.clear()
        run()
        assert counts == once
