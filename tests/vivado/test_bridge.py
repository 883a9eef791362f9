"""The bridge between DMA and accelerator, in Verilator: words, batches and their TLAST, with both sides stalling."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bnnfpga
from bnnfpga.host.dma_words import DmaWords, gather_frames
from bnnfpga.native.toolchain import find_verilator
from tests.support.conv_nets import ConvNet
from tests.support.heads import heads_net
from tests.support.nets import DenseNet

HERE = Path(__file__).parent


@given(st.integers(1, 300), st.integers(1, 5), st.integers(1, 4), st.integers(0, 1 << 30))
def test_words_and_back(beat_bytes: int, frames: int, beats: int, seed: int) -> None:
    (words,) = DmaWords.of_beats(beat_bytes)
    assert words.word_bytes in (1, 2, 4, 8)
    assert beat_bytes <= words.bytes < beat_bytes + words.word_bytes
    packed = np.random.default_rng(seed).integers(0, 256, (frames, beats * beat_bytes), dtype=np.uint8)
    memory = words.spread(packed)
    assert memory.shape == (frames, beats * words.bytes)
    assert memory.sum(dtype=np.int64) == packed.sum(dtype=np.int64)
    np.testing.assert_array_equal(words.gather(memory), packed)


def build(project: Path, folder: Path) -> Path:
    verilator = find_verilator()
    command = [verilator.command, "--cc", "--exe", "--build", "--top-module", "accelerator_dma", "--Mdir", "built"]
    command += ["-Wall", "-Wno-fatal", "-Wno-UNUSEDSIGNAL", "--timescale", "1ns/1ns", "-o", "bridge"]
    command += ["-MAKEFLAGS", "CFG_CXXFLAGS_PCH_I=-include CFG_GCH_IF_CLANG="]
    own = [project / "vivado" / "accelerator_dma.v", *sorted((project / "vivado").glob("*.sv"))]
    names = [str(path) for path in (*own, HERE / "bridge.cpp", *sorted((project / "rtl").iterdir()))]
    environment = {**os.environ, **verilator.variables}
    done = subprocess.run(
        [*command, *names], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    for warning in done.stderr.splitlines():
        assert not any(path.stem in warning for path in own), warning
    return folder / "built" / "bridge"


@dataclass(frozen=True)
class Heads:
    """A net with these outputs (`heads_net`)."""

    outputs: tuple[str, ...]

    def write(self, folder: Path) -> Path:
        path = folder / "heads.onnx"
        onnx.save(heads_net(*self.outputs), path)
        return path


NETS: dict[str, tuple[DenseNet | ConvNet | Heads, dict[str, Any]]] = {
    # A byte in, one word of 4 bytes out.
    "narrow": (DenseNet((12, 8, 3), seed=4), {"cycles": 20}),
    # Several words to a beat on both sides, the last not full.
    "wide": (DenseNet((39, 16, 25), seed=5), {"input": "uint8", "input_scale": "1/255", "cycles": 1}),
    # Several beats per frame come out while the frame still goes in.
    "images": (
        ConvNet(("pool_before", "conv", "pool_after"), shape=(3, 11, 11), flatten=False, seed=9),
        {"input": "uint8", "input_scale": "1/255"},
    ),
    # What comes last is sent first, and a beat of one output is several words of another's.
    "heads": (Heads(("scores", "sums", "cells", "codes")), {"folding": {"matrix_vector0": {"pe": 4, "simd": 18}}}),
    "heads at full speed": (Heads(("features", "scores")), {"cycles": 36}),
}


@pytest.mark.parametrize("name", NETS)
def test_batches(name: str, tmp_path: Path) -> None:
    net, options = NETS[name]
    project = bnnfpga.compile(net.write(tmp_path), tmp_path / "project", **options)
    made = [output.stream for output in project.outputs]
    (given_words,), made_words = DmaWords.of(project.input_stream), DmaWords.of(*made)
    if name == "wide":
        assert given_words.words > 1
        assert made_words[0].words > 1
    expected = np.fromfile(project.folder / "vectors" / "expected.bin", np.uint8).reshape(16, -1)
    packed = np.fromfile(project.folder / "vectors" / "input.bin", np.uint8).reshape(16, -1)
    given_words.spread(packed).tofile(tmp_path / "input.bin")
    bridge = build(project.folder, tmp_path)
    for batch in (1, 3, 16):
        for seed in (0, 1, 2):
            done = subprocess.run(
                [bridge, tmp_path / "input.bin", tmp_path / "output.bin", "16", str(batch), str(seed)],
                cwd=project.folder / "memories",
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            sizes = [min(batch, 16 - first) for first in range(0, 16, batch)]
            words = sum(stream.beats * word.words for stream, word in zip(made, made_words, strict=True))
            assert [int(line) for line in done.stdout.split()] == [size * words for size in sizes]
            memory = np.fromfile(tmp_path / "output.bin", np.uint8).reshape(16, -1)
            gathered = gather_frames(made_words, [stream.beats for stream in made], memory)
            np.testing.assert_array_equal(gathered, expected)
            if len(made) == 1:
                np.testing.assert_array_equal(memory, made_words[0].spread(expected))
