"""Running one transform on a model file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from bnnfpga.base.errors import UserError, located
from bnnfpga.base.output_files import require_writable, write_output
from bnnfpga.frontend.clean import load
from bnnfpga.frontend.graph.protos import to_proto
from bnnfpga.host.input_format import InputFormat
from bnnfpga.transforms.registry import describe_graph, find_transform, transforms


def list_transforms() -> dict[str, Any]:
    """The data that `bnnfpga transforms --json` prints."""
    return {"transforms": [{"name": transform.name, "sentence": transform.sentence} for transform in transforms()]}


def run_transform(
    name: str, model: Path, output: Path | None, input: str | None, input_scale: float | str | Fraction | None
) -> dict[str, Any]:
    """Clean a model, run one transform on it, and describe the graph before and after.

    Parameters
    ----------
    name
        The transform's name.
    model
        A QONNX file.
    output
        The file to write the transformed model to, which must not exist yet; None to write none.
    input, input_scale
        The input format, for the transform that needs it.

    Raises
    ------
    UserError
        If there is no such transform, the model cannot be read, or the output exists.
    """
    transform = find_transform(name)
    if output is not None:
        require_writable(output)
        if output.exists():
            raise UserError("the output exists", where=str(output), hint="choose another name")
    clean = load(model)
    format = InputFormat.parse(input, input_scale)
    with located(str(model)):
        result, changed = transform.run(clean, format)
    if output is not None:
        write_output(output, to_proto(result).SerializeToString())
    return {
        "name": transform.name,
        "sentence": transform.sentence,
        "changed": changed,
        "before": describe_graph(clean),
        "after": describe_graph(result),
        "output": None if output is None else str(output),
    }
