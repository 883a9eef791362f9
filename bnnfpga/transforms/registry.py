"""The transforms by name, to be listed and run one at a time."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.graph.model import Model
from bnnfpga.frontend.graph.transform import Transform, apply_transforms
from bnnfpga.golden.golden_model import golden_graph
from bnnfpga.host.input_format import InputFormat
from bnnfpga.transforms.fold import SCALE_TRANSFORMS
from bnnfpga.transforms.golden_findings import mark_findings
from bnnfpga.transforms.integer_input import IntegerInput
from bnnfpga.transforms.integer_types import integer_type
from bnnfpga.transforms.threshold_chains import ChainsToThresholds

_CLASSES: tuple[type[Transform], ...] = (IntegerInput, *SCALE_TRANSFORMS, ChainsToThresholds)


@dataclass(frozen=True)
class NamedTransform:
    """A transform with its name and a one-sentence description."""

    name: str
    sentence: str
    transform_class: type[Transform]

    def run(self, model: Model, format: InputFormat) -> tuple[Model, bool]:
        """Apply it to a copy of a clean graph until nothing changes; also returns whether anything did.

        Raises
        ------
        UserError
            If it needs integer inputs and `format` has none, or the graph is refused.
        """
        step: Transform
        if self.transform_class is not IntegerInput:
            step = self.transform_class()
        elif format.type is None:
            raise UserError("it needs to know the input's type", where=self.name, hint="add --input uint8, for example")
        else:
            step = IntegerInput(format.type, format.scale)
        result = model.copy()
        mark_findings(result, golden_graph(result, format).findings)
        return result, apply_transforms(result, step)


def transforms() -> tuple[NamedTransform, ...]:
    """All transforms, in the order in which a compilation applies them."""
    return tuple(
        NamedTransform(
            re.sub(r"(?<!^)(?=[A-Z])", "-", item.__name__).lower(), (item.__doc__ or "").strip().splitlines()[0], item
        )
        for item in _CLASSES
    )


def find_transform(name: str) -> NamedTransform:
    """Look up a transform by name.

    Raises
    ------
    UserError
        If there is none of that name.
    """
    for transform in transforms():
        if transform.name == name:
            return transform
    names = ", ".join(transform.name for transform in transforms())
    raise UserError(f"there is no transform {name!r}", where="transforms", hint=f"there are {names}")


def describe_graph(model: Model) -> list[str]:
    """A graph as text, one node per line; small constants are written out, large ones as their shape."""
    lines = [f"input {model.input}: {_type(model, model.input)}"]
    for node in model.nodes:
        operands = ", ".join(_operand(model, name) for name in node.input)
        lines.append(f"{node.output[0]} = {node.op_type}({operands})")
    lines += [f"output {name}" for name in model.outputs]
    return lines


def _type(model: Model, tensor: str) -> str:
    shape = " x ".join(map(str, model.shape(tensor)))
    return f"{integer_type(model, tensor) or 'float32'} {shape}"


def _operand(model: Model, name: str) -> str:
    value = model.constant(name)
    if value is None:
        return name
    if value.size <= 8:
        return str(value.tolist())
    return f"<{' x '.join(map(str, value.shape))}>"
