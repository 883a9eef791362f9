"""The tests of every hardware unit: all of its forms give the same results as its numpy meaning."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.native.toolchain import find_compiler
from bnnfpga.simulate.runners.emulator import run_emulator
from bnnfpga.simulate.runners.emulator_library import paths_here
from tests.support.graphs import chain, check_in_verilator, random_integers
from tests.support.hls_cases import Case, check


class UnitTest:
    """The tests of a unit: subclass it in a test module of `tests/dataflow`.

    `units` are the instances to test, by name: with different parameters, and without, with partial and with full
    parallelism. For a unit with several streams, `graph` defines how they reach it.
    """

    kind: ClassVar[str]
    units: ClassVar[Mapping[str, Operator]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "unit" in metafunc.fixturenames:
            metafunc.parametrize("unit", self.units.values(), ids=self.units)

    def graph(self, unit: Operator) -> Graph:
        """A graph with the unit and little else."""
        return chain([unit])

    def test_module(self, unit: Operator, tmp_path: Path) -> None:
        """Verilator, stalled or not: the cycles are those of its schedule, and the interval is the stated one."""
        graph = self.graph(unit)
        cycles = check_in_verilator(graph, tmp_path)
        assert cycles.initiation_interval == max(operator.interval() for operator in graph.operators)

    def test_function(self, tmp_path: Path, compiler: str, ap_headers: Path) -> None:
        """C++, all units in one program."""
        assert {unit.kind for unit in self.units.values()} == {self.kind}
        check([Case(unit, seed) for seed, unit in enumerate(self.units.values())], tmp_path, compiler, ap_headers)

    def test_kernel(self, unit: Operator) -> None:
        """The emulator, on every path that runs here."""
        graph = self.graph(unit)
        x = random_integers(graph.input.port, 5, 0)
        names = [stream.name for stream in graph.streams]
        expected = graph.execute(x, names)
        for path in paths_here(find_compiler()):
            got = run_emulator(graph, x, tensors=names, path=path)
            for name in names:
                np.testing.assert_array_equal(got[name], expected[name], err_msg=f"{name} on {path}")
