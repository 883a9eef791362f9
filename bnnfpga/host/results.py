"""From an accelerator's integers to the file's outputs and to classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bnnfpga.base.errors import UserError
from bnnfpga.host.description import Output
from bnnfpga.host.ends import Values, all_classes, apply_ends, end_outputs
from bnnfpga.host.float_steps import evaluate
from bnnfpga.numbers.arithmetic import Floats
from bnnfpga.numbers.integers import IntArray


def final_floats(functions: Mapping[str, Any], scores: Sequence[IntArray]) -> tuple[Floats, ...]:
    """The float values of scores, each (images, elements) in the file's order: the inputs of the ends."""
    return tuple(
        evaluate(steps, streamed.astype(np.float32))
        for steps, streamed in zip(functions["outputs"], scores, strict=True)
    )


def file_outputs(functions: Mapping[str, Any], scores: Sequence[IntArray]) -> tuple[Values, ...]:
    """The file's outputs, each (images, ...): float32, or int64 for indices."""
    ends = functions["ends"]
    return end_outputs(ends, apply_ends(ends, final_floats(functions, scores)))


def classes_of(
    functions: Mapping[str, Any], outputs: Sequence[Output], streamed: Sequence[IntArray]
) -> tuple[IntArray, ...]:
    """The class of each image, int64 (images,), by each rule of the file; per pixel where an output is an image.

    `streamed` are scores or classes, each (images, elements) in the order of the file.
    """
    if outputs[0].kind == "class":
        shapes = [output.shape if output.stream.elements > 1 else () for output in outputs]
        return tuple(array.reshape(len(array), *shape) for array, shape in zip(streamed, shapes, strict=True))
    ends = functions["ends"]
    values = apply_ends(ends, final_floats(functions, streamed))
    return all_classes(ends, values, lambda stream, x: outputs[stream].classes_of(x))


def number_of_classes(functions: Mapping[str, Any], outputs: Sequence[Output]) -> int:
    """The number of classes that labels distinguish.

    Raises
    ------
    UserError
        If an image has no single class.
    """
    rules = functions["ends"]["classes"]
    if len(rules) > 1:
        raise UserError(
            f"the model has {len(rules)} outputs, so an image has no single class",
            where="labels",
            hint="leave them out; --save-classes gives the classes of each output",
        )
    output, count = outputs[0], rules[0]["count"]
    of_pixels = count is None and (rules[0]["rule"] != "stream" or output.is_image)
    if output.kind == "class" and output.stream.elements == 1:
        return output.stream.type.hi + 1
    if output.kind == "class" or of_pixels:
        raise UserError(
            "its scores are an image, with a class for each pixel, so an image has no label",
            where="labels",
            hint="leave them out; --save-classes gives the class of each pixel",
        )
    return int(count or output.stream.elements)
