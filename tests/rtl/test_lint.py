"""The lint of `make lint` sees what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.lint_rtl import LIBRARY, MODULES, ROOT, lint

GOOD = """
`default_nettype none
module {name} (input wire logic [3:0] a_i, output wire logic [3:0] b_o);
  assign b_o = {value};
endmodule
`default_nettype wire
"""


@pytest.mark.parametrize(("value", "warns"), [("a_i", False), ("a_i[2:0]", True), ("c_i", True)])
def test_a_warning_fails(value: str, warns: bool, tmp_path: Path) -> None:
    module = tmp_path / "some_module.sv"
    module.write_text(GOOD.format(name=module.stem, value=value))
    result = lint(module)
    assert (result.returncode != 0) == warns, result.stdout
    assert ("some_module.sv" in result.stdout) == warns


def test_every_module_is_seen() -> None:
    assert sorted(file for folder in ("rtl", "flows") for file in (ROOT / folder).rglob("*.sv")) == MODULES


def test_another_verilator_on_the_path_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "verilator"
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert lint(LIBRARY / "bnn_fork.sv").returncode == 0
