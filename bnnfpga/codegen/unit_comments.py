"""The comment above each unit in the generated top levels: its tensors, folding and initiation interval."""

from __future__ import annotations

from collections.abc import Iterable

from bnnfpga.codegen.names import comment
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.stream import Port


def module_comment(operator: Operator) -> str:
    """The comment in SystemVerilog, where the instance itself names the unit and its streams."""
    output = operator.outputs[0].tensor
    return f"{operator.kind}: {output}{_folding(operator)}, {operator.interval()} cycles per frame"


def function_comment(operator: Operator) -> str:
    """The comment in C++, for the unit's function."""
    inputs, outputs = _tensors(operator.inputs), _tensors(operator.outputs)
    return comment(f"{operator.name}: {inputs} to {outputs}{_folding(operator)}, interval {operator.interval()}")


def _tensors(ports: Iterable[Port]) -> str:
    return " and ".join(dict.fromkeys(port.tensor for port in ports))


def _folding(operator: Operator) -> str:
    pe, simd = operator.folding
    return "".join(f", {name} {value}" for name, value in (("PE", pe), ("SIMD", simd)) if value is not None)
