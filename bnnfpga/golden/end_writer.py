"""Writing the program of what the host computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bnnfpga.base.errors import ResultsDiffer, UserError
from bnnfpga.frontend.graph.model import End, Node
from bnnfpga.frontend.graph.nodes import describe
from bnnfpga.golden.end_classes import Program
from bnnfpga.host.end_shapes import shapes_made


class EndWriter:
    """A program under construction.

    Parameters
    ----------
    end
        The nodes to write it for.
    """

    def __init__(self, end: End) -> None:
        self.model = end.graph
        self.values = {name: index for index, name in enumerate(end.inputs)}
        shapes = [end.graph.shape(name) for name in end.inputs]
        self.program: Program = {"inputs": shapes, "nodes": [], "shapes": list(shapes)}

    def check_shapes(self, node: Node) -> None:
        """Refuse a node with inputs of unsuitable shapes."""
        for name in filter(None, node.output):
            if not self.model.has_shape(name) or 0 in self.model.shape(name):
                shapes = " and ".join(str(tuple(self.model.shape(name))) for name in node.input if name)
                does = "yields an empty output from" if self.model.has_shape(name) else "cannot take"
                raise UserError(
                    f"it {does} inputs of shapes {shapes}",
                    where=describe(node),
                    hint="look at the shapes in the model (netron.app shows them), and export it again",
                )

    def note(self, node: Node, values: Sequence[int]) -> None:
        """Record the values of a node's outputs."""
        for name, value in zip(node.output, values, strict=False):
            if name:
                self._check_shape(node, name, value)
                self.values[name] = value

    def _check_shape(self, node: Node, tensor: str, value: int) -> None:
        """The shapes of a program are derived from its own operations, and must be those that onnx infers."""
        shape, expected = self.program["shapes"][value], self.model.shape(tensor)
        if shape != expected:
            raise ResultsDiffer(
                f"the compiler reads this differently from what the file says: it derives shape {tuple(shape)}, "
                f"and the file has {tuple(expected)}",
                where=describe(node),
                hint="nothing was written; please report it with the model",
            )

    def value(self, tensor: str) -> int:
        """The index of a tensor's value; constants are written when they are first read."""
        if tensor not in self.values:
            constant = self.model.constant(tensor)
            assert constant is not None, tensor
            self.values[tensor] = self.add(
                "constant", shape=list(constant.shape), type=str(constant.dtype), data=constant.ravel().tolist()
            )
        return self.values[tensor]

    def add(self, operation: str, *inputs: int, **parameters: Any) -> int:
        """Add a node; returns the index of the first value that it produces."""
        node = {"operation": operation, "inputs": list(inputs), **parameters}
        self.program["nodes"].append(node)
        first = len(self.program["shapes"])
        self.program["shapes"] += shapes_made(node, [self.program["shapes"][index] for index in inputs])
        return first

    def reshaped(self, value: int, shape: list[int]) -> int:
        """The same elements, in the same order, as a tensor of another shape."""
        return self.add("reshape", value, shape=list(shape))
