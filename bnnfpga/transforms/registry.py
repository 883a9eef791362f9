"""The rewrites by name, for people who want to see what one does."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.graph.model import Model
from bnnfpga.frontend.graph.rewriting import Rewrite, apply_rewrites
from bnnfpga.golden.golden_model import golden_graph
from bnnfpga.host.input_format import InputFormat
from bnnfpga.transforms.fold import SCALE_REWRITES
from bnnfpga.transforms.golden_findings import mark_findings
from bnnfpga.transforms.integer_input import IntegerInput
from bnnfpga.transforms.integer_types import integer_type
from bnnfpga.transforms.threshold_chains import ChainsToThresholds

_CLASSES: tuple[type[Rewrite], ...] = (IntegerInput, *SCALE_REWRITES, ChainsToThresholds)


@dataclass(frozen=True)
class NamedRewrite:
    """One rewrite: its name, and in a sentence what it does."""

    name: str
    sentence: str
    rewrite: type[Rewrite]

    def run(self, model: Model, format: InputFormat) -> tuple[Model, bool]:
        """Apply it to a copy of a clean graph until nothing changes; also says whether anything did.

        Raises
        ------
        UserError
            If it needs integer inputs and `format` has none, or the graph is refused.
        """
        step: Rewrite
        if self.rewrite is not IntegerInput:
            step = self.rewrite()
        elif format.type is None:
            raise UserError("it needs to know the input's type", where=self.name, hint="add --input uint8, for example")
        else:
            step = IntegerInput(format.type, format.scale)
        result = model.copy()
        mark_findings(result, golden_graph(result, format).findings)
        return result, apply_rewrites(result, step)


def rewrites() -> tuple[NamedRewrite, ...]:
    """All rewrites, in the order in which a compilation applies them."""
    return tuple(
        NamedRewrite(
            re.sub(r"(?<!^)(?=[A-Z])", "-", item.__name__).lower(), (item.__doc__ or "").strip().splitlines()[0], item
        )
        for item in _CLASSES
    )


def find_rewrite(name: str) -> NamedRewrite:
    """The rewrite of a name.

    Raises
    ------
    UserError
        If there is none.
    """
    for rewrite in rewrites():
        if rewrite.name == name:
            return rewrite
    names = ", ".join(rewrite.name for rewrite in rewrites())
    raise UserError(f"there is no rewrite {name!r}", where="transforms", hint=f"there are {names}")


def describe_graph(model: Model) -> list[str]:
    """A graph as text, a node a line; small constants are written out, of large ones the shape."""
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
