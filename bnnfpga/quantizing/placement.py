"""Where quantizers are missing: found one refusal of the compiler at a time.

At a node that is refused, the operands that are surely floats are quantised first; if that was not it, all operands
that no quantizer makes; then all; at last what comes out of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import onnx

from bnnfpga.frontend.contract.table import traits_of
from bnnfpga.numbers.arithmetic import Floats
from bnnfpga.quantizing.file_operators import averages, is_dot_product, keeps_grid, keeps_numbers, shares_scale
from bnnfpga.quantizing.net_file import Edge, NetFile

_QUANTISED, _UNKNOWN, _FLOAT = range(3)
"""What a tensor is by the nodes above it: codes times a scale; of operands that decide about it; floats."""


@dataclass
class Placement:
    """Quantizers that are missing in a file, still without scales.

    `floats` says whether the model's input is floats rather than integers.
    `streams` are the operands to quantise by their tensor, `weights` those of layers. Tensors of one group, by the
    tensor that `group` gives, have scales that join exactly: powers of two times that of the group's `grids`, if any.
    """

    file: NetFile
    floats: bool
    streams: dict[str, dict[Edge, None]] = field(default_factory=dict)
    weights: dict[Edge, Floats] = field(default_factory=dict)
    grids: dict[str, float] = field(default_factory=dict)
    _group: dict[str, str] = field(default_factory=dict)
    _tried: dict[str, int] = field(default_factory=dict)

    def cure(self, name: str | None) -> bool:
        """Place quantizers at a refused node, or on the model's input if no node is named; False if all is tried."""
        node = None if name is None else self.file.node(name)
        if node is None:
            return self.floats and self._place(self.file.readers(self.file.input))
        doubt = self._tried.get(node.name, 0)
        while doubt < len(_STAGES):
            stage, doubt = _STAGES[doubt], doubt + 1
            self._tried[node.name] = doubt
            if stage(self, node):
                return True
        return False

    def group(self, tensor: str) -> str:
        """The first tensor of the group that a tensor belongs to."""
        while (above := self._group.get(tensor, tensor)) != tensor:
            tensor = above
        return tensor

    def _place(self, edges: Iterable[Edge]) -> bool:
        """Quantise operands; False if all of them are quantised already."""
        new = False
        for edge in edges:
            readers = self.streams.setdefault(self.file.tensor(edge), {})
            new |= edge not in readers
            readers[edge] = None
        return new

    def _join(self, tensors: Iterable[str]) -> None:
        """Give tensors one scale."""
        first = ""
        for tensor in tensors:
            top = self.group(tensor)
            first = first or top
            self._group[top] = first

    def _at_floats(self, node: onnx.NodeProto) -> bool:
        """Quantise operands that are floats, and weights; several operands get scales that join."""
        new = False
        if (found := self.file.float_weights(node)) is not None and found[0] not in self.weights:
            self.weights[found[0]] = found[1]
            new = True
        streams = self.file.streams(node)
        for edge in streams:
            average = _average_above(self.file, self.file.tensor(edge))
            if average is not None and self._at_floats(average):
                return True
        kinds = [self._kind(self.file.tensor(edge)) for edge in streams]
        if shares_scale(node):
            self._join(source(self.file, self.file.tensor(edge)) for edge in streams)
            for edge, (kind, scale) in zip(streams, kinds, strict=True):
                if kind == _QUANTISED and scale:
                    self.grids[source(self.file, self.file.tensor(edge))] = scale
        return self._place([edge for edge, kind in zip(streams, kinds, strict=True) if kind[0] == _FLOAT]) or new

    def _at_unknowns(self, node: onnx.NodeProto) -> bool:
        """Quantise all operands that no quantizer makes; of an average, what it averages."""
        streams = self.file.streams(node)
        for edge in streams:
            average = _average_above(self.file, self.file.tensor(edge))
            if average is not None and self._at_unknowns(average):
                return True
        return self._place([edge for edge in streams if self._kind(self.file.tensor(edge))[0] != _QUANTISED])

    def _at_all(self, node: onnx.NodeProto) -> bool:
        """Quantise all operands; a grid of their own does not count any more."""
        streams = self.file.streams(node)
        for edge in streams:
            self.grids.pop(source(self.file, self.file.tensor(edge)), None)
        return self._place(streams)

    def _behind(self, node: onnx.NodeProto) -> bool:
        """Quantise what comes out."""
        return self._place([edge for name in node.output for edge in self.file.readers(name)])

    def _kind(self, tensor: str) -> tuple[int, float | None]:
        """What a tensor is, and its scale if a quantizer with one scale makes it."""
        while True:
            node = self.file.producer(tensor)
            if node is None:
                return (_FLOAT if self.floats else _QUANTISED), None
            streams = self.file.streams(node)
            if traits_of(node).quantizes:
                return _QUANTISED, self.file.scale(node)
            if len(streams) > 1 or averages(node):
                return _UNKNOWN, None
            if is_dot_product(node) or not keeps_numbers(node) or not streams:
                return _FLOAT, None
            tensor = self.file.tensor(streams[0])


_STAGES = (Placement._at_floats, Placement._at_unknowns, Placement._at_all, Placement._behind)


def source(file: NetFile, tensor: str) -> str:
    """The first tensor upwards whose numbers a tensor has; a sum of streams is on the grid of its first."""
    while (node := file.producer(tensor)) is not None and file.streams(node) and keeps_grid(node):
        tensor = file.tensor(file.streams(node)[0])
    return tensor


def _average_above(file: NetFile, tensor: str) -> onnx.NodeProto | None:
    """The average whose numbers a tensor has; what it averages must be integers, then it is on a grid."""
    while (node := file.producer(tensor)) is not None and not averages(node):
        if not keeps_numbers(node) or len(file.streams(node)) != 1:
            return None
        tensor = file.tensor(file.streams(node)[0])
    return node
