"""A unit as a module of its own: synthesis reads its constants as logic, and simulation the library module."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from bnnfpga.dataflow.cost_terms import CostTerms
from bnnfpga.dataflow.hardware import RenderedModule, RtlInstance, RtlParameter, RtlVector
from bnnfpga.dataflow.unit_parameters import UnitParameters

_BESIDE_STAGES = 2
"""Cycles of the latency beside the datapath: into the operand register, and through the output queue."""


@dataclass(frozen=True, eq=False)
class RenderedForm(ABC):
    """What the template of such a module is rendered with, as `form`.

    Parameters
    ----------
    library
        States the parameters of the library module, which simulations run; memories among them take time to make.
    latency, queue
        The cycles of the library module, and the beats of its output queue.
    family
        The FPGA family.
    """

    library: Callable[[], UnitParameters]
    latency: int
    queue: int
    family: str

    template: ClassVar[str]

    @cached_property
    def parameters(self) -> Mapping[str, RtlParameter]:
        """The parameters of the library module, without tables for its synthesis."""
        return {name: value for name, value in self.library().rtl.items() if not isinstance(value, RtlVector)}

    @abstractmethod
    def cost_terms(self) -> CostTerms:
        """What it costs: the datapath and its control, without input buffer and output queue."""

    @property
    @abstractmethod
    def logic_levels(self) -> int:
        """Logic levels of the longest stage (`Operator.logic_levels`)."""

    def instance(self, unit: str) -> RtlInstance:
        """The instance of the module that is rendered for this unit."""
        memories = {name: self.parameters[name] for name in self.memories}
        levels = ("{unit}.core.output_queue.level",)
        return RtlInstance(f"{unit}_logic", memories, levels, RenderedModule(self.template, {"form": self}))

    @property
    def stages(self) -> int:
        """Stages of the datapath, with a register behind each."""
        return self.latency - _BESIDE_STAGES

    @property
    def literals(self) -> dict[str, str]:
        """The library module's parameters as text; memories have the names of the rendered module's."""
        return {
            name: name if name in self.memories else f'"{value}"' if isinstance(value, str) else str(value)
            for name, value in self.parameters.items()
        }

    @property
    def memories(self) -> list[str]:
        """The parameters that are memories, or other constants of many numbers."""
        return [name for name, value in self.parameters.items() if not isinstance(value, int | str)]
