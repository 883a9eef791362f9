"""The two players of the token cycle model, event for event."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

import bnnfpga
from bnnfpga.base.assets import asset
from bnnfpga.base.errors import UserError
from bnnfpga.compiler.recompiled import Recompiled
from bnnfpga.dataflow import native_player, token_model
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.native_player import NativePlayer
from bnnfpga.dataflow.python_player import PythonPlayer
from bnnfpga.dataflow.token_model import Deadlock, player_for, predict
from tests.dataflow.chains import random_chain, random_folding
from tests.dataflow.test_branches import residual
from tests.support.cases import Case
from tests.support.seeds import seeds


def check_players(graph: Graph, frames: int) -> None:
    """Both know the same times whenever nothing moves any more, and the same of what the native one forgets."""
    names = [stream.name for stream in graph.streams]
    inner = [stream.name for stream in graph.streams if stream.producer is not None]
    native, frugal, plain = NativePlayer(graph, names), NativePlayer(graph, measured=inner), PythonPlayer(graph)
    frugal.play([5] * 3 * graph.input.port.beats)
    for player in (frugal, plain):
        player.restart({})
    for frame in range(1, frames + 1):
        for player in (native, frugal, plain):
            player.play([0] * graph.input.port.beats)
        for name in names:
            np.testing.assert_array_equal(native.left(name), plain.left(name))
            np.testing.assert_array_equal(native.visible(name), plain.visible(name))
            assert frugal.counts(name) == plain.counts(name)
        assert [frugal.advanced(plays) for plays in range(1, 5)] == [plain.advanced(plays) for plays in range(1, 5)]
        assert frugal.waits() == plain.waits()
        for sink in graph.outputs:
            for beat in range(plain.counts(sink.name)[1]):
                assert frugal.is_critical(sink.name, beat) == plain.is_critical(sink.name, beat)
        assert [frugal.peak(name) for name in inner] == [plain.peak(name) for name in inner], frame


@pytest.mark.parametrize("seed", seeds(200, 10))
def test_convolutional_nets(seed: int, tmp_path: Path) -> None:
    case = Case.random(seed)
    case.write(tmp_path)
    project = bnnfpga.compile(
        tmp_path / "net.onnx", tmp_path / "project", folding=tmp_path / "folding.yaml", input=case.input
    )
    check_players(Recompiled(project).graph, 4)


@pytest.mark.parametrize("seed", range(10))
def test_chains(seed: int) -> None:
    check_players(random_folding(random_chain(seed, (16, 24, 12, 4)), seed), 6)


def test_a_deadlock() -> None:
    check_players(residual(6), 3)


@pytest.mark.parametrize("most", [0, 1 << 60])
def test_what_is_predicted(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = predict(residual(8))
    monkeypatch.setattr(token_model, "_MIN_NATIVE_BEATS", most)
    assert isinstance(player_for(residual(8)), PythonPlayer if most else NativePlayer)
    assert predict(residual(8)) == expected
    with pytest.raises(Deadlock, match="fork0_to_shortcut, shortcut_to_add_1"):
        predict(residual(6))


def test_a_machine_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_here() -> None:
        raise UserError("no C++ compiler was found")

    monkeypatch.setattr(token_model, "_MIN_NATIVE_BEATS", 0)
    monkeypatch.setattr(native_player, "_library", none_here)
    assert isinstance(player_for(residual(9)), PythonPlayer)


def test_the_source_gives_no_warning(each_compiler: str, tmp_path: Path) -> None:
    source = asset("flows") / "cycles" / "player.cpp"
    strict = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-std=c++17", "-O1"]
    command = [each_compiler, *strict, "-c", str(source), "-o", str(tmp_path / "player.o")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[:3000]
