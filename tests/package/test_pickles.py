"""What the package raises and what its functions return goes from process to process."""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest

import bnnfpga
from bnnfpga.base.errors import PicklableError
from bnnfpga.dataflow.token_model import Deadlock
from bnnfpga.golden.check.libraries import Unknown
from bnnfpga.simulate.runners.verilator import SimulationDeadlock, SimulationError
from bnnfpga.simulate.verify.stages import StageFailed
from bnnfpga.synthesis.synthesis_result import SynthesisResult
from tests.package.test_rooms import MODULES
from tests.support.builds import images_for
from tests.support.nets import DenseNet

ARGUMENTS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    Deadlock.__name__: ((["a_to_b", "b_to_c"], ["a waits"]), {}),
    SimulationError.__name__: (("no", "here"), {"hint": "so", "end": "too_slow", "output": 1}),
    SimulationDeadlock.__name__: (
        ("no", "here"),
        {"last_transfer": 9, "frames_in": 2, "frames_out": 1, "stuck": ["a"], "starved": ["b", "c"]},
    ),
    StageFailed.__name__: (("no", "too_slow", 1), {}),
}
"""What the classes are made of that take more than a sentence, `where` and `hint`."""


def errors() -> Iterator[type[Exception]]:
    """All classes of exceptions in the package."""
    for name, path in MODULES.items():
        if path.stem != "__main__":
            module = importlib.import_module(f"bnnfpga.{name}" if name != "__init__" else "bnnfpga")
            yield from (
                value
                for value in vars(module).values()
                if isinstance(value, type) and issubclass(value, Exception) and value.__module__ == module.__name__
            )


def test_errors() -> None:
    found = list(errors())
    assert {"UserError", "ResultsDiffer", *ARGUMENTS} <= {kind.__name__ for kind in found}
    for kind in found:
        keywords = {"where": "here", "hint": "so"} if issubclass(kind, bnnfpga.UserError) else {}
        arguments, options = ARGUMENTS.get(kind.__name__, (("no",), keywords))
        error = kind(*arguments, **options)
        error.add_note("noted")
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is kind
        assert str(again) == str(error)
        assert vars(again) == vars(error)


def test_errors_of_any_shape() -> None:
    """Whatever a class makes of its arguments: this holds for the next one, too."""
    assert [kind for kind in errors() if not issubclass(kind, PicklableError)] == [Unknown]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("results")
    project = bnnfpga.compile(DenseNet((12, 6, 4), seed=3).write(folder), folder / "project")
    x = images_for(project, 6)
    counts = {"lut": 3, "ff": 1, "bram18": 0, "dsp": 0}
    return {
        "compile": project,
        "load": bnnfpga.Project.load(folder / "project"),
        "plan": bnnfpga.plan(project.model),
        "simulate": project.simulate(x, np.zeros(6, np.int64), backend="emulator"),
        "evaluate": project.evaluate(x, np.arange(6) % 4),
        "verify": project.verify(x, ["source", "folded"]),
        "synth": SynthesisResult(flow="vivado", tool="Vivado", seconds=1.5, **counts),
    }


@pytest.mark.parametrize("name", ["compile", "load", "plan", "simulate", "evaluate", "verify", "synth"])
def test_results(name: str, results: dict[str, Any]) -> None:
    result = results[name]
    again = pickle.loads(pickle.dumps(result))
    assert type(again) is type(result)
    assert is_dataclass(result)
    for entry in fields(result):
        np.testing.assert_equal(getattr(again, entry.name), getattr(result, entry.name))
    assert str(again) == str(result)
