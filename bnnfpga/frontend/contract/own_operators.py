"""Operators that no file holds, and that reading one writes into a clean graph."""

from __future__ import annotations

from bnnfpga.frontend.contract.traits import Traits
from bnnfpga.frontend.graph.nodes import EMBEDDING, UNARY

OWN: dict[str, Traits] = {
    EMBEDDING: Traits(elementwise=True, by_channel=True, quantizes=True),
    UNARY: Traits(elementwise=True, broadcasts=True),
}
