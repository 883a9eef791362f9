"""A matrix-vector unit with all of its weights in use in every cycle, as a netlist that is rendered for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bnnfpga.dataflow.rendered_form import RenderedForm
from bnnfpga.netlists.cuts import staged
from bnnfpga.netlists.netlist import Netlist
from bnnfpga.netlists.verilog import body


@dataclass(frozen=True, eq=False, kw_only=True)
class UnfoldedForm(RenderedForm):
    """A unit with one word of weights.

    Parameters
    ----------
    layer
        One vector's results, see `unfolded_layer`.
    pixels
        Vectors per beat.
    """

    layer: Netlist
    pixels: int

    template: ClassVar[str] = "unfolded"

    def width(self, port: str) -> int:
        """Bits of an input or output of the netlist; 0 if it has none of that name."""
        return len({**self.layer.inputs, **self.layer.outputs}.get(port, ()))

    def netlist(self) -> str:
        """The netlist, with a register behind each stage but the last."""
        return body(staged(self.layer, self.stages), self.family)
