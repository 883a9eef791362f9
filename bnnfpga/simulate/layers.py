"""Which tensor of the source model each stream carries, where the two correspond."""

from __future__ import annotations

import numpy as np

from bnnfpga.golden.model import GoldenModel
from bnnfpga.images import Images
from bnnfpga.integers import IntArray
from bnnfpga.plan import Plan


def model_tensors(plan: Plan) -> dict[str, str]:
    """For each stream that is a tensor of the folded model, that tensor; folding keeps the names of the source's."""
    made = plan.graph.tensors
    return {stream.name: made[stream.producer] for stream in plan.graph.streams if stream.producer in made}


def source_tensors(plan: Plan, images: Images) -> dict[str, IntArray]:
    """What the source model gives for the streams that correspond, int64 (images, *shape), channels last."""
    golden = GoldenModel(plan.model, plan.input)
    wanted = {stream: tensor for stream, tensor in model_tensors(plan).items() if tensor in golden.integer_tensors}
    integers = golden.run(images.given, set(wanted.values())).integers
    found = {}
    for stream in plan.graph.streams:
        if stream.name not in wanted:
            continue
        tensor = integers[wanted[stream.name]]
        if tensor.ndim > 2:
            tensor = np.moveaxis(tensor, 1, -1)
        if tensor.size == len(tensor) * stream.port.elements:
            found[stream.name] = tensor.reshape(len(tensor), *stream.shape)
    return found
