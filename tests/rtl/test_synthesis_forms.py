"""Where a module has one form for synthesis and one for simulation, SAT proves both equal."""

from __future__ import annotations

import pytest

from bnnfpga.base.assets import asset
from tests.support.yosys_commands import run_commands


def prove(module: str, parameters: str) -> None:
    """Prove that both forms of a combinational module give the same outputs for all inputs."""
    pytest.importorskip("pyosys")
    file = asset("rtl") / f"{module}.sv"
    commands = [
        *(
            command
            for name, define in (("gold", ""), ("gate", "-nosynthesis"))
            for command in (
                f"read_verilog -sv -defer {define} {file}",
                f"chparam {parameters} {module}",
                f"hierarchy -top {module}",
                "proc",
                f"rename -top {name}",
                f"design -stash {name}",
            )
        ),
        "design -copy-from gold gold",
        "design -copy-from gate gate",
        "miter -equiv -flatten -make_outputs gold gate miter",
        "sat -verify -prove trigger 0 miter",
    ]
    run_commands(commands)


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize(("bits", "levels"), [(1, 1), (4, 3), (8, 1)])
def test_comparators_with_constant_rows(signed: int, bits: int, levels: int) -> None:
    prove(
        "bnn_comparators",
        f"-set Constant 1 -set ValueBits {bits} -set ThresholdBits {bits + 1} -set Levels {levels} "
        f"-set ValueSigned {signed} -set OutputBits 3 -set OutputOffset 5",
    )


@pytest.mark.parametrize("width", [1, 2, 5, 6, 7])
def test_numbers_plus_1(width: int) -> None:
    prove("bnn_increment", f"-set Width {width}")
