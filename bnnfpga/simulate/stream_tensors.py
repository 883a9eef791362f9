"""The tensors of the source model that streams carry, where the two correspond."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bnnfpga.dataflow.graph import Graph
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.host.images import Images
from bnnfpga.numbers.integers import IntArray


def model_tensors(graph: Graph) -> dict[str, str]:
    """For each stream that carries a tensor of the folded model, that tensor; folding keeps the source's names."""
    tensors = graph.tensors
    return {stream.name: tensors[stream.producer] for stream in graph.streams if stream.producer in tensors}


def source_tensors(golden: GoldenModel, graph: Graph, images: Images) -> dict[str, IntArray]:
    """The source model's tensors for the corresponding streams, int64 (images, *shape), channels last."""
    wanted = {stream: tensor for stream, tensor in model_tensors(graph).items() if tensor in golden.integer_tensors}
    return as_streams(graph, wanted, golden.run(images.model_inputs, set(wanted.values())).integers)


def as_streams(graph: Graph, wanted: Mapping[str, str], integers: Mapping[str, IntArray]) -> dict[str, IntArray]:
    """Tensors by stream, with the streams' axes; those of another size are left out."""
    found = {}
    for stream in graph.streams:
        if stream.name not in wanted:
            continue
        tensor = integers[wanted[stream.name]]
        if tensor.ndim > 2:
            tensor = np.moveaxis(tensor, 1, -1)
        if tensor.size == len(tensor) * stream.port.elements:
            found[stream.name] = tensor.reshape(len(tensor), *stream.shape)
    return found
