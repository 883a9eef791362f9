"""Operators that occur only in clean graphs: reading a file introduces them."""

from __future__ import annotations

from bnnfpga.frontend.contract.traits import Traits
from bnnfpga.frontend.graph.nodes import EMBEDDING, UNARY

OWN: dict[str, Traits] = {
    EMBEDDING: Traits(elementwise=True, by_channel=True, quantizes=True),
    UNARY: Traits(elementwise=True, broadcasts=True),
}
