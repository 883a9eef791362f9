"""The accelerator on a Zynq board with PYNQ: images in, integers out, over an AXI DMA.

python3 accelerator.py accelerator.bit                                        check with the project's vectors
python3 accelerator.py accelerator.bit --images X.npy [--labels Y.npy]        classify, measure, compare
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.host.description import alone
from bnnfpga.host.dma_words import DmaWords, gather_frames
from bnnfpga.host.ends import Values
from bnnfpga.host.images import check_labels
from bnnfpga.host.project_data import ProjectData
from bnnfpga.numbers.integers import IntArray

# Bytes per transfer: the DMA's limit, and enough for the overhead not to matter.
_MAX_TRANSFER = (1 << 26) - 1
_USUAL_TRANSFER = 1 << 20


class Accelerator:
    """An accelerator running on this board.

    Parameters
    ----------
    bitstream
        `accelerator.bit`, with `accelerator.hwh` beside it; it is loaded. None where `overlay` is given.
    project
        The folder with `project.json` and `functions.json`; None takes the folder of this file, or its parent.
    batch
        Frames per DMA transfer; None takes as many as fit in a megabyte.
    overlay, allocate
        Existing pynq objects of these names.

    Raises
    ------
    UserError
        If the project, pynq, the bitstream or the DMA is missing.
    """

    def __init__(
        self,
        bitstream: str | Path | None = None,
        *,
        project: str | Path | None = None,
        batch: int | None = None,
        overlay: Any = None,
        allocate: Callable[..., Any] | None = None,
    ) -> None:
        self.data = _read_project(_find_project() if project is None else Path(project))
        self.project, self.description, self.functions = self.data.folder, self.data.description, self.data.functions
        self._outputs = [output.stream for output in self.data.outputs]
        (self._input_words,) = DmaWords.of(self.data.input_stream)
        self._output_words = DmaWords.of(*self._outputs)
        input_bytes = self.data.input_stream.beats * self._input_words.bytes
        # All outputs of a frame follow each other.
        self._output_bytes = sum(
            stream.beats * words.bytes for stream, words in zip(self._outputs, self._output_words, strict=True)
        )
        frame_bytes = max(input_bytes, self._output_bytes)
        most = _MAX_TRANSFER // frame_bytes
        self.batch = max(1, _USUAL_TRANSFER // frame_bytes) if batch is None else batch
        if not 1 <= self.batch <= most:
            raise UserError(f"{self.batch} frames is not a batch size", where="batch", hint=f"give 1 to {most}")
        if overlay is None or allocate is None:
            pynq = _import_pynq()
            allocate = allocate or pynq.allocate
            overlay = overlay or _load_overlay(pynq, bitstream)
        self._dma: Any = getattr(overlay, "dma", None)
        if self._dma is None:
            raise UserError(
                "the bitstream has no 'dma'", where=str(bitstream), hint="build it with vivado/bitstream.tcl"
            )
        self._source = allocate(shape=(self.batch * input_bytes,), dtype=np.uint8)
        self._sink = allocate(shape=(self.batch * self._output_bytes,), dtype=np.uint8)
        self.transfer_seconds = 0.0

    def close(self) -> None:
        """Free the DMA buffers."""
        for buffer in (self._source, self._sink):
            buffer.freebuffer()

    def __enter__(self) -> Accelerator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, images: NDArray[Any], layout: str = "nchw") -> IntArray | tuple[IntArray, ...]:
        """The accelerator's integers for images, int64 (images, elements), in the order of the model's file.

        A tuple of such arrays for a model with several outputs. `images` are in the project's input format: the model's
        input shape without the batch, or channels last with `nhwc`.
        """
        return alone(self._run(images, layout))

    def _run(self, images: NDArray[Any], layout: str) -> tuple[IntArray, ...]:
        starts = range(0, max(1, len(images)), self.batch)
        packed = (self._pack(images[first : first + self.batch], layout, first) for first in starts)
        received = np.concatenate([self._transfer(frames) for frames in packed])
        return self.data.to_model(self.data.unpack(received))

    def outputs(self, scores: IntArray | tuple[IntArray, ...]) -> Values | tuple[Values, ...]:
        """The model's outputs from the result of `run`, each (images, ...); only where the accelerator gives scores."""
        return alone(self.data.values(scores if isinstance(scores, tuple) else (scores,)))

    def classify(self, images: NDArray[Any], layout: str = "nchw") -> IntArray | tuple[IntArray, ...]:
        """The class of each image, int64 (images,), or of each pixel.

        A tuple of such arrays for a model with several outputs.
        """
        return alone(self.data.classify(self._run(images, layout)))

    def validate(
        self, images: NDArray[Any], labels: NDArray[Any] | None = None, layout: str = "nchw"
    ) -> dict[str, Any]:
        """Classify images, measure, and compare with their labels.

        `images_per_second` counts the time of the transfers, in which the accelerator works;
        `images_per_second_with_host` also packing, unpacking and the host's functions.
        """
        right = None if labels is None else check_labels(labels, len(images), self.data.classes)
        self.transfer_seconds = 0.0
        started = time.perf_counter()
        classes = self.classify(images, layout)
        seconds = time.perf_counter() - started
        return {
            "images": len(images),
            "accuracy": None if right is None else float(np.mean(classes == right)),
            "images_per_second": len(images) / self.transfer_seconds,
            "images_per_second_with_host": len(images) / seconds,
        }

    def check(self) -> int:
        """Run the project's own vectors and return the number of frames whose integers differ from the model's."""
        vectors, stream = self.project / "vectors", self.data.input_stream
        frames = np.fromfile(vectors / "input.bin", np.uint8).reshape(-1, stream.beats * stream.beat_bytes)
        expected = np.fromfile(vectors / "expected.bin", np.uint8)
        batches = [frames[first : first + self.batch] for first in range(0, len(frames), self.batch)]
        received = np.concatenate([self._transfer(batch) for batch in batches])
        return int(np.any(received != expected.reshape(received.shape), axis=1).sum())

    def _pack(self, images: NDArray[Any], layout: str, first: int) -> NDArray[np.uint8]:
        """Frames of the input stream, uint8 (images, bytes); `first` is the number of the first image."""
        return self.data.pack(self.data.read_images(images, layout, first=first))

    def _transfer(self, packed: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Send at most a batch of packed frames through the accelerator."""
        words = self._input_words.spread(packed)
        self._source[: words.size] = words.reshape(-1)
        size = len(words) * self._output_bytes
        started = time.perf_counter()
        # The receiving channel must be ready first.
        self._dma.recvchannel.transfer(self._sink, nbytes=size)
        self._dma.sendchannel.transfer(self._source, nbytes=words.size)
        self._dma.sendchannel.wait()
        self._dma.recvchannel.wait()
        self.transfer_seconds += time.perf_counter() - started
        # Older versions of pynq do not report it.
        got = getattr(self._dma.recvchannel, "transferred", size)
        if got != size:
            raise UserError(
                f"{got} bytes came from the accelerator, {size} were expected",
                where="dma",
                hint="the bitstream is of another project, or of another version of it",
            )
        frames = np.array(self._sink[:size]).reshape(len(words), -1)
        return gather_frames(self._output_words, [stream.beats for stream in self._outputs], frames)


def _find_project() -> Path:
    here = Path(__file__).resolve().parent
    return here if (here / "project.json").is_file() else here.parent


def _read_project(folder: Path) -> ProjectData:
    try:
        return ProjectData.read(folder)
    except UserError as error:
        hint = "copy the project's project.json and functions.json there"
        raise UserError(f"it cannot be read: {error.message}", where=error.where, hint=hint) from error


def _import_pynq() -> Any:
    try:
        return importlib.import_module("pynq")
    except ImportError as error:
        raise UserError(
            f"pynq cannot be imported: {error}", where="pynq", hint="run this on a board with the PYNQ image"
        ) from error


def _load_overlay(pynq: Any, bitstream: str | Path | None) -> Any:
    if bitstream is None:
        raise UserError("no bitstream is named", where="bitstream", hint="give the path of accelerator.bit")
    for path in (Path(bitstream), Path(bitstream).with_suffix(".hwh")):
        if not path.is_file():
            raise UserError("there is no such file", where=str(path), hint="vivado/bitstream.tcl makes it")
    return pynq.Overlay(str(bitstream))


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status: 0 all equal, 1 something differs, 2 a mistake."""
    parser = argparse.ArgumentParser(description="Run the accelerator on a PYNQ board.")
    parser.add_argument("bitstream", type=Path, help="accelerator.bit, with accelerator.hwh beside it")
    parser.add_argument("--images", type=Path, metavar="X.npy", help="images to classify")
    parser.add_argument("--labels", type=Path, metavar="Y.npy", help="their classes")
    parser.add_argument("--layout", choices=("nchw", "nhwc"), default="nchw", help="the order of the images' axes")
    parser.add_argument("--batch", type=int, help="frames of a transfer")
    options = parser.parse_args(arguments)
    try:
        with Accelerator(options.bitstream, batch=options.batch) as accelerator:
            wrong = accelerator.check()
            result: dict[str, Any] = {"wrong_vectors": wrong}
            if options.images is not None:
                labels = None if options.labels is None else np.load(options.labels)
                result.update(accelerator.validate(np.load(options.images), labels, options.layout))
    except (UserError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(result, indent=2))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
