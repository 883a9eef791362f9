"""Memory contents as hex files for `$readmemh`."""

from __future__ import annotations

import numpy as np

from bnnfpga.dataflow.hardware import Memory


def hex_file(memory: Memory) -> str:
    """The memory's words, one per line, most significant digit first."""
    padded = np.zeros((memory.words, -(-memory.width // 8) * 8), dtype=np.uint8)
    padded[:, : memory.width] = memory.bits
    data = np.packbits(padded, axis=1, bitorder="little")[:, ::-1]
    digits = -(-memory.width // 4)
    text = data.tobytes().hex("\n", data.shape[1])
    if digits % 2:
        text = "\n".join(line[1:] for line in text.split("\n"))
    return text + "\n"
