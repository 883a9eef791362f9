"""The AXI-Stream ports by which results leave: `m_axis`, or where there are several, `m0_axis`, `m1_axis` and so on."""

from __future__ import annotations

from dataclasses import dataclass

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.stream import Stream


@dataclass(frozen=True)
class OutputPort:
    """A port and the stream that leaves by it."""

    name: str
    stream: Stream

    @property
    def beats(self) -> int:
        """Beats of a frame."""
        return self.stream.port.beats

    @property
    def bytes(self) -> int:
        """Bytes of a beat."""
        return self.stream.port.boundary_bytes


def output_names(count: int) -> list[str]:
    """What the ports of so many outputs are called."""
    return ["m_axis"] if count == 1 else [f"m{index}_axis" for index in range(count)]


def output_ports(graph: Graph) -> list[OutputPort]:
    """The ports of a graph's outputs."""
    return [OutputPort(*pair) for pair in zip(output_names(len(graph.outputs)), graph.outputs, strict=True)]
