"""Post-training quantisation of what is left float in a model, until it compiles."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from bnnfpga.base.errors import UserError
from bnnfpga.base.output_files import require_writable, write_output
from bnnfpga.compiler.design import lower_model
from bnnfpga.compiler.model_file import ModelFile, open_source
from bnnfpga.frontend.graph.nodes import NodePlace
from bnnfpga.frontend.reading.read import Source, read_source
from bnnfpga.host.images import check_labels, model_inputs
from bnnfpga.host.input_format import InputFormat
from bnnfpga.quantizing.closeness import Comparison, compare
from bnnfpga.quantizing.net_file import MissingQuantizer, NetFile
from bnnfpga.quantizing.placement import Placement
from bnnfpga.quantizing.scales import Span, measured_spans, quantizers

BITS = range(2, 9)
"""The bits that quantizers may have."""


@dataclass(frozen=True)
class Quantised:
    """What `quantize` did to a model.

    Parameters
    ----------
    model, output
        The file that was read, and the file that was written.
    inserted
        The quantizers, in the file's order.
    comparison
        Results of both models on the calibration images.
    accuracy_before, accuracy_after
        The share of images whose class is the label's; None without labels.
    layers
        The error of each layer's output: its node, its operator, and the error relative to its numbers.
    """

    model: str
    output: str
    inserted: tuple[Mapping[str, Any], ...]
    comparison: Comparison = field(repr=False)
    layers: tuple[Mapping[str, Any], ...] = field(repr=False)
    images: int
    accuracy_before: float | None = None
    accuracy_after: float | None = None

    def summary(self) -> dict[str, Any]:
        """The figures as `bnnfpga quantize --json` prints them."""
        return {
            "model": self.model,
            "output": self.output,
            "images": self.images,
            "inserted": [dict(item) for item in self.inserted],
            "layers": [dict(layer) for layer in self.layers],
            "error": self.layers[-1]["error"] if self.layers else 0.0,
            "agreement": self.comparison.agreement,
            "clear_agreement": self.comparison.clear_agreement,
            "accuracy_before": self.accuracy_before,
            "accuracy_after": self.accuracy_after,
        }

    def __str__(self) -> str:
        from bnnfpga.report.quantised_table import quantised_table
        from bnnfpga.report.text import as_text

        return as_text(quantised_table(self.summary()))

    def _repr_html_(self) -> str:
        from bnnfpga.report.quantised_table import quantised_table
        from bnnfpga.report.text import as_html

        return as_html(quantised_table(self.summary()))


def quantize(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    calibration: NDArray[Any],
    labels: NDArray[Any] | None = None,
    *,
    bits: int = 8,
    layout: str = "nchw",
    input: str | None = None,
    input_scale: float | str | Fraction | None = None,
    force: bool = False,
) -> Quantised:
    """Insert quantizers where a model is float and the compiler needs integers; the result is a QONNX file.

    Quantizers that the model has stay as they are. Scales of streams come from calibration images (the percentiles of
    onnxruntime's calibrator), those of weights have the least squared error; streams that meet in a sum get
    scales in a ratio of a power of two. The same images give the same file.

    Parameters
    ----------
    model
        An ONNX or QONNX file.
    output
        The file to write. It must not exist, or `force` replaces it.
    calibration
        Images, (images, *the model's input shape), as for `Project.simulate`: some hundreds, like those to come.
    labels
        The true class of each image, for the accuracy before and after.
    bits
        The bits of the quantizers, 2 to 8.
    layout
        The order of the images' axes, `nchw` or `nhwc`.
    input, input_scale
        As for `bnnfpga.compile`: with an integer input, images are codes, and the input needs no quantizer.

    Raises
    ------
    UserError
        If the model compiles as it is, no quantizer helps, or images do not fit. Nothing is written then.
    """
    source, target = Path(model), Path(output)
    if bits not in BITS:
        raise UserError(f"{bits} bits are not possible", where="--bits", hint=f"give {BITS[0]} to {BITS[-1]}")
    require_writable(target)
    if target.exists() and not force:
        raise UserError("the file exists", where=str(target), hint="choose another name, or replace it with --force")
    read, format = read_source(source), InputFormat.parse(input, input_scale)
    file = NetFile(read.proto)
    opened = open_source(replace(read, proto=file.proto), format)
    x = model_inputs(calibration, opened.input, tuple(opened.model.shape(opened.model.input)[1:]), layout=layout)
    if opened.input.type is not None:
        x = x * opened.input.scale
    if not np.any(x):
        raise UserError(
            "all numbers of the calibration images are 0, which tells nothing about ranges",
            where="--calibration",
            hint="give images like those to come",
        )
    placed = _missing(read, file, opened, lambda proto, tensors: measured_spans(proto, x, tensors), bits)
    if not placed:
        raise UserError("it compiles as it is", where=str(source), hint=f"bnnfpga compile {source} -o DIR")
    after = file.with_quantizers(placed)
    layers = [node.output[0] for node in file.layers()]
    names = [name for name in dict.fromkeys([*layers, *file.outputs]) if name != file.scores]
    comparison = compare(file.proto, after, x, [*names, file.scores])
    accuracies: list[float] = []
    if labels is not None:
        if not comparison.number_of_classes:
            raise UserError(
                f"the model's output of shape {comparison.scores[0].shape[1:]} has no single class for an image",
                where="labels",
                hint="leave them out",
            )
        truth = check_labels(labels, len(x), comparison.number_of_classes)
        accuracies = [float(np.mean(classes == truth)) for classes in comparison.classes]
    write_output(target, after.SerializeToString(deterministic=True))
    return Quantised(
        str(source),
        str(target),
        tuple(_described(file, item) for item in sorted(placed, key=file.place)),
        comparison,
        tuple(_layer(file, name, error) for name, error in comparison.errors.items()),
        len(x),
        *accuracies,
    )


def _missing(
    read: Source,
    file: NetFile,
    opened: ModelFile,
    measure: Callable[[onnx.ModelProto, list[str]], dict[str, Span]],
    bits: int,
) -> list[MissingQuantizer]:
    """The quantizers with which a file compiles.

    Raises
    ------
    UserError
        The refusal that no quantizer prevents.
    """
    placement, spans = Placement(file, floats=opened.input.type is None), dict[str, Span]()
    found: list[MissingQuantizer] = []
    while True:
        try:
            lower_model(
                opened if not found else open_source(replace(read, proto=file.with_quantizers(found)), opened.input)
            )
        except UserError as refusal:
            if not placement.cure(_refused(refusal)):
                raise
        else:
            unknown = [name for name in placement.streams if name not in spans]
            if not unknown:
                return found
            spans |= measure(file.proto, unknown)
        found = quantizers(placement, spans, bits)


def _refused(refusal: UserError) -> str | None:
    """The name of the node that a refusal is about."""
    return refusal.place.origin.name if isinstance(refusal.place, NodePlace) else None


def _described(file: NetFile, item: MissingQuantizer) -> dict[str, Any]:
    """A quantizer as plain data."""
    scale = item.scale.reshape(-1).tolist()
    kind = "weights" if item.weights else "input" if item.tensor == file.input else "stream"
    readers = list(dict.fromkeys(name for name, _ in item.readers))
    return {
        "node": readers[0],
        "readers": readers,
        "tensor": item.tensor,
        "kind": kind,
        "bits": item.bits,
        "signed": item.signed,
        "scale": scale[0] if len(scale) == 1 else scale,
    }


def _layer(file: NetFile, tensor: str, error: float) -> dict[str, Any]:
    """A layer's error as plain data."""
    node = file.producer(tensor)
    return {"node": node.name if node else tensor, "operator": node.op_type if node else "", "error": error}
