"""Deep and large nets, each in its own process: CPU seconds and peak memory of compiling, with their bars.

    python -m benchmarks.large

Published nets are included if they are present beside the checkout or in `BNNFPGA_SHARED`.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import resource
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx

import bnnfpga
from benchmarks.table import Row, show
from bnnfpga.frontend.clean import clean
from bnnfpga.frontend.reading.read import read_source
from bnnfpga.lowering.lower import lower
from bnnfpga.transforms.fold import fold
from tests.support.data import SHARED
from tests.support.deep_nets import dense_chain, doublings
from tests.support.resnets import RESNET_18, RESNET_50, ResNet

PIXELS = {"input": "uint8", "input_scale": "1/255"}
PUBLISHED = {"TFC_1W1A.onnx": 0.8, "lfc_w1a1_mnist.onnx.gz": 1.3, "cnv_w1a1_cifar10.onnx.gz": 1.5}
"""Wall seconds that a whole compilation may take on a quiet machine, including the self-check's stage `file`."""
_RUNS = 3


def main() -> None:
    """Measure and print."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _measured(_compile_chain, folder, 2)  # warm up the cache
        first, _ = _measured(_compile_chain, folder, 100)
        last, _ = _measured(_compile_chain, folder, 400)
        rows.append(_row("compile: CPU of 400 layers / 100 layers", last / first, "x", 4.6))
        deepest, _ = _measured(_compile_chain, folder, 500)
        rows.append(Row("compile: 500 layers", f"{deepest:.1f} s CPU", "compiles", True))
        rows.append(_row("40 times Add(x, x), CPU", _measured(_double, folder, 40)[0], "s", 1))
        _measured(_write, folder, RESNET_50)  # writing the file takes memory that is not the compiler's
        seconds, peak = _measured(_lower, folder)
        rows.append(_row("ResNet-50 W1A2, 224 x 224: read, folded, lowered, CPU", seconds, "s", 15))
        rows.append(_row("the same, peak memory", peak, "MiB", 1536))
        _measured(_write, folder, RESNET_18)
        seconds, peak = _measured(_compile_and_run, folder)
        rows.append(_row("ResNet-18, 224 x 224: compiled, equal on 4 images, CPU", seconds, "s", 120))
        rows.append(_row("the same, peak memory", peak, "MiB", 4096))
        for model, bar in PUBLISHED.items():
            path = SHARED / "models" / model
            if path.exists():
                walls = [_measured(_compile_published, folder, path) for _ in range(_RUNS)]
                rows.append(_row(f"compile {model}, wall, best of {_RUNS}", min(walls)[0], "s", bar))
                rows.append(_row("the same, peak memory", max(peak for _, peak in walls), "MiB", 400))
    show(rows)


def _row(what: str, measured: float, unit: str, bar: float) -> Row:
    return Row(what, f"{measured:.2f} {unit}", f"at most {bar:g} {unit}", measured <= bar)


def _measured(work: Callable[..., float], *arguments: object) -> tuple[float, float]:
    """The result of `work`, which is seconds, and the peak memory of its process in MiB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_in_process, (work, *arguments))


def _in_process(work: Callable[..., float], *arguments: object) -> tuple[float, float]:
    warnings.simplefilter("ignore")
    seconds = work(*arguments)
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _saved(folder: Path, model: onnx.ModelProto) -> Path:
    path = folder / "net.onnx"
    onnx.save(model, path)
    return path


def _compile_chain(folder: Path, layers: int) -> float:
    path = _saved(folder, dense_chain(layers))
    started = _cpu()
    bnnfpga.compile(path, folder / "chain", force=True)
    return _cpu() - started


def _double(folder: Path, count: int) -> float:
    path = _saved(folder, doublings(count))
    started = _cpu()
    with contextlib.suppress(bnnfpga.UserError):  # sums of 2^40 are too large, which is found as quickly
        bnnfpga.compile(path, folder / "doublings", force=True)
    return _cpu() - started


def _lower(folder: Path) -> float:
    started = _cpu()
    lower(fold(clean(read_source(folder / "net.onnx").proto)).model)
    return _cpu() - started


def _compile_and_run(folder: Path) -> float:
    started = _cpu()
    project = bnnfpga.compile(folder / "net.onnx", folder / "resnet", force=True)
    images = np.random.default_rng(0).standard_normal((4, *project.input_shape), dtype=np.float32)
    if project.simulate(images, backend="emulator").mismatches:
        raise RuntimeError("the emulator differs from the golden model")
    return _cpu() - started


def _write(folder: Path, net: ResNet) -> float:
    _saved(folder, net.model())
    return 0.0


def _compile_published(folder: Path, path: Path) -> float:
    started = time.perf_counter()
    bnnfpga.compile(path, folder / "published", force=True, **PIXELS)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
