"""Small projects around `designs/`, and what they compute."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
DESIGNS = Path(__file__).parent / "designs"
BEATS = 4
LATENCY = 2
MASK = 0x5A


@dataclass(frozen=True)
class Tiny:
    """A project of two queues; each adds to a beat, masked, the number of its ones."""

    folder: Path
    width: int

    @property
    def memories(self) -> Path:
        return self.folder / "memories"

    def set_mask(self, mask: int) -> None:
        (self.memories / "mask.mem").write_text(f"{mask:x}\n")

    def random_input(self, frames: int, seed: int = 0) -> NDArray[np.uint8]:
        generator = np.random.default_rng(seed)
        return generator.integers(0, 256, (frames, BEATS * self.width // 8), dtype=np.uint8)

    def expected(self, data: NDArray[np.uint8], mask: int = MASK) -> NDArray[np.uint8]:
        size = self.width // 8
        out = bytearray()
        raw = data.tobytes()
        for at in range(0, len(raw), size):
            beat = int.from_bytes(raw[at : at + size], "little")
            for _ in range(2):
                beat = ((beat ^ mask) + beat.bit_count()) % (1 << self.width)
            out += beat.to_bytes(size, "little")
        return np.frombuffer(bytes(out), dtype=np.uint8).reshape(data.shape)


def make_project(
    folder: Path, *, width: int = 24, tlast: int = BEATS, stop_after: int = 0, tremble: bool = False
) -> Tiny:
    """Write a project as the compiler writes them, as far as simulation looks at it."""
    (folder / "rtl").mkdir(parents=True)
    defines = {"WIDTH": width, "BEATS": BEATS, "TLAST": tlast, "STOP_AFTER": stop_after, "TREMBLE": int(tremble)}
    head = "".join(f"`define {name} {value}\n" for name, value in defines.items())
    (folder / "rtl" / "accelerator.sv").write_text(head + (DESIGNS / "accelerator.sv").read_text())
    shutil.copy(DESIGNS / "tiny_queue.sv", folder / "rtl")
    shutil.copytree(ROOT / "flows" / "verilator", folder / "sim")
    ports = {
        "INPUT_BYTES": width // 8,
        "INPUT_BEATS": BEATS,
        "OUTPUTS(OUTPUT)": f"OUTPUT(m_axis, {width // 8}, {BEATS})",
        "PREDICTED_INTERVAL": BEATS,
        "PREDICTED_LATENCY": LATENCY + BEATS - 1,
    }
    (folder / "sim" / "ports.h").write_text("".join(f"#define BNN_{name} {value}\n" for name, value in ports.items()))
    tiny = Tiny(folder, width)
    tiny.memories.mkdir()
    tiny.set_mask(MASK)
    return tiny
