"""The AXI-Stream output ports: `m_axis`, or `m0_axis`, `m1_axis` and so on for several outputs."""

from __future__ import annotations

from dataclasses import dataclass

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.stream import Stream


@dataclass(frozen=True)
class OutputPort:
    """An output port and its stream."""

    name: str
    stream: Stream

    @property
    def beats(self) -> int:
        """Beats per frame."""
        return self.stream.port.beats

    @property
    def bytes(self) -> int:
        """Bytes per beat."""
        return self.stream.port.boundary_bytes


def output_names(count: int) -> list[str]:
    """The names of the ports of `count` outputs."""
    return ["m_axis"] if count == 1 else [f"m{index}_axis" for index in range(count)]


def output_ports(graph: Graph) -> list[OutputPort]:
    """The ports of a graph's outputs."""
    return [OutputPort(*pair) for pair in zip(output_names(len(graph.outputs)), graph.outputs, strict=True)]
