"""Running a data set through an accelerator and collecting its predictions."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.host.images import Images, check_labels, fit_images
from bnnfpga.report.mistakes import sample
from bnnfpga.simulate.evaluation import Evaluation, confusion_matrix
from bnnfpga.simulate.image_range import image_warnings
from bnnfpga.simulate.reference import Reference, Scores
from bnnfpga.simulate.run import BACKENDS
from bnnfpga.simulate.runners.csim import build_csim, run_csim
from bnnfpga.simulate.runners.emulator import Emulator
from bnnfpga.simulate.runners.simulator import build_simulator
from bnnfpga.simulate.runners.verilator import run_simulator

Progress = Callable[[int, int], None]
"""Called with the number of images done and the total."""

_FIRST_BATCH, _MAX_IN_BATCH = 16, 8192
_SECONDS = 0.25


def evaluate(
    reference: Reference,
    x: NDArray[Any],
    labels: NDArray[Any],
    *,
    backend: str,
    layout: str | None,
    names: tuple[str, ...] | None,
    verilator: str | None,
    progress: Progress | None,
) -> Evaluation:
    """See `Project.evaluate`."""
    project = reference.project
    if backend not in BACKENDS:
        raise UserError(f"there is no backend {backend!r}", where="--backend", hint=f"give {', '.join(BACKENDS)}")
    stored = np.asarray(x)
    fitted = fit_images(stored, project.input_shape, layout, channels_last=project.channels_last)
    checked = check_labels(labels, len(stored), project.classes)
    if progress:
        progress(0, len(stored))
    # A mistake that shows in the first image is reported before a simulator is built.
    project.read_images(fitted[:1])
    started = time.perf_counter()
    run = _builders(reference, verilator)[backend]()
    build_seconds = time.perf_counter() - started
    predicted = np.empty(len(stored), dtype=np.int64)
    run_seconds = 0.0
    warnings: tuple[str, ...] = ()
    done, batch = 0, _FIRST_BATCH
    while done < len(stored):
        started = time.perf_counter()
        images = project.read_images(fitted[done : done + batch], first=done)
        (predicted[done : done + batch],) = project.classify(project.to_model(run(images)))
        seconds = time.perf_counter() - started
        run_seconds += seconds
        if not done:
            warnings = tuple(image_warnings(images.codes, project.input_stream.type, project.input_format))
        done = min(done + batch, len(stored))
        if progress:
            progress(done, len(stored))
        # Starting the simulator costs the same for any batch, and the bar should move a few times per second.
        if seconds < _SECONDS:
            batch = min(2 * batch, _MAX_IN_BATCH)
    shown = sample(checked, predicted)
    return Evaluation(
        backend=backend,
        labels=checked,
        predicted=predicted,
        confusion=confusion_matrix(checked, predicted, project.classes),
        names=names,
        shown=shown,
        mistaken=stored[shown],
        build_seconds=build_seconds,
        run_seconds=run_seconds,
        input=project.input_summary,
        warnings=warnings,
    )


def _builders(reference: Reference, verilator: str | None) -> dict[str, Callable[[], Callable[[Images], Scores]]]:
    """For each backend a function that builds it and returns a function from a batch to its output integers."""
    project = reference.project

    def rtl() -> Callable[[Images], Scores]:
        simulator = build_simulator(project.folder, verilator=verilator)
        memories = project.folder / "memories"
        return lambda images: project.unpack(
            run_simulator(simulator, memories, project.pack(images), len(images.codes)).output
        )

    def hls() -> Callable[[Images], Scores]:
        simulator = build_csim(project.folder)
        return lambda images: project.unpack(run_csim(simulator, project.pack(images), len(images.codes)))

    def emulated() -> Callable[[Images], Scores]:
        emulator = Emulator(reference.graph)
        return lambda images: emulator.scores(images.codes)

    return {"rtl": rtl, "hls": hls, "emulator": emulated}
