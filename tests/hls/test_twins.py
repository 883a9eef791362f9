"""`hls/` and `rtl/` hold the same units. That both make the same of the same streams is what their own tests show."""

from __future__ import annotations

import re

from bnnfpga.base.assets import asset

OPERATORS = sorted(path.stem for path in (asset("hls").parent / "bnnfpga" / "dataflow" / "operators").glob("[a-z]*.py"))
# What only one of the two forms needs.
BOUNDARY = {"stream_input"}


def test_every_operator_has_a_header_and_a_module() -> None:
    for name in OPERATORS:
        header = (asset("hls") / "bnn" / f"{name}.hpp").read_text()
        assert "namespace bnn {" in header
        assert re.search(rf"^void {name}\(hls::stream<", header, re.MULTILINE), name
        module = (asset("rtl") / f"bnn_{name}.sv").read_text()
        assert re.search(rf"^module bnn_{name}\b", module, re.MULTILINE), name


def test_there_is_no_other_unit() -> None:
    headers = {path.stem: path.read_text() for path in (asset("hls") / "bnn").glob("*.hpp")}
    units = {name for name, text in headers.items() if re.search(r"^void \w+\(hls::stream<", text, re.MULTILINE)}
    assert units - BOUNDARY - {"dump"} == set(OPERATORS)
    modules = {path.stem: path.read_text() for path in asset("rtl").glob("*.sv")}
    parts = {name for text in modules.values() for name in re.findall(r"^ +(bnn_\w+) #\(", text, re.MULTILINE)}
    assert modules.keys() - parts <= {f"bnn_{name}" for name in OPERATORS} <= modules.keys()
