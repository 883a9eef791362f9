"""The layers of a model and the hardware units that they become."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bnnfpga.base.errors import located
from bnnfpga.compiler.model_file import open_model
from bnnfpga.compiler.speed import checked_clock
from bnnfpga.dataflow.target import DEFAULT_TARGET, Target
from bnnfpga.host.input_format import InputFormat
from bnnfpga.lowering.lower import lower
from bnnfpga.transforms.fold import fold
from bnnfpga.tuning.alternatives import alternatives
from bnnfpga.tuning.cost_model import StatedCosts


def inspect_model(
    model: str | os.PathLike[str],
    input: str | None = None,
    input_scale: Any = None,
    clock_mhz: float = DEFAULT_TARGET.clock_mhz,
    family: str = DEFAULT_TARGET.family,
) -> dict[str, Any]:
    """The layers of a model: integer types and ranges, operations, the hardware unit for each, and its foldings.

    Parameters
    ----------
    model
        A QONNX file.
    input, input_scale
        As for `bnnfpga.compile`.
    clock_mhz, family
        What the alternatives of each layer are built for.

    Raises
    ------
    UserError
        If the model cannot be compiled, or an option is not legal.
    """
    path = Path(model)
    target = Target(checked_clock(clock_mhz), family)
    file = open_model(path, InputFormat.parse(input, input_scale))
    cleaned = file.model
    with located(str(path)):
        graph = lower(fold(cleaned, file.input.type, file.input.scale, file.graph.findings).model).built_for(target)
    layers = []
    for operator in graph.operators:
        output_port, input_port = operator.outputs[0], operator.inputs[0]
        layer: dict[str, Any] = {
            "unit": operator.name,
            "operator": operator.kind,
            "input": input_port.tensor,
            "output": output_port.tensor,
            "weights": None,
            "accumulator": None,
            "thresholds": None,
            "operations": 2 * operator.products,
            "alternatives": [
                {**one.folding, "cycles": one.cycles, "resources": dict(one.resources)}
                for one in alternatives(operator, StatedCosts())
            ],
        }
        if (sums := operator.weighted_sums) is not None:
            layer["weights"] = f"{' x '.join(map(str, sums.weights.shape))} {sums.weight_type}"
            layer["accumulator"] = str(sums.type)
        if (table := operator.thresholds) is not None:
            layer["thresholds"] = _thresholds(table.levels, int(table.decreasing.sum()))
        layers.append(layer)
    return {
        "model": str(path),
        "input": {
            "name": cleaned.input,
            "shape": list(cleaned.shape(cleaned.input)[1:]),
            "stream": str(graph.input.port.type),
        },
        "outputs": [
            {"name": name, "shape": list(cleaned.shape(name)[1:]), "stream": str(stream.port.type)}
            for name, stream in zip(cleaned.outputs, graph.outputs, strict=True)
        ],
        "nodes": [f"{node.name} ({node.op_type})" for node in cleaned.nodes],
        "operations": sum(layer["operations"] for layer in layers),
        "clock_mhz": target.clock_mhz,
        "family": target.family,
        "layers": layers,
    }


def _thresholds(levels: int, falling: int) -> str:
    """Like "1 threshold per channel, 3 channels decreasing"."""
    text = f"{levels:,} threshold{'' if levels == 1 else 's'} per channel"
    return f"{text}, {falling:,} channel{'' if falling == 1 else 's'} decreasing" if falling else text
