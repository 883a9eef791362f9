"""Which tensor of the source model each stream carries, where the two correspond."""

from __future__ import annotations

import numpy as np

from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.golden.model import GoldenModel
from bnnfpga.images import Images
from bnnfpga.integers import IntArray
from bnnfpga.plan import Plan
from bnnfpga.transforms.integer_types import THRESHOLD

_PRODUCTS = ("MatMul", "Conv")


def model_tensors(plan: Plan) -> dict[str, str]:
    """For each stream behind a layer the tensor of the folded model that it carries; folding keeps their names.

    Layers become units in the order of the model's nodes, a threshold behind a product with it.
    """
    nodes = list(plan.folded.model.graph.node)
    thresholds = {node.input[0]: node for node in nodes if node.op_type == THRESHOLD}
    products = [node for node in nodes if node.op_type in _PRODUCTS]
    merged = {node.output[0] for node in products}
    units = plan.graph.operators
    alone = [node for node in nodes if node.op_type == THRESHOLD and node.input[0] not in merged]
    made = {}
    for product, node in zip([unit for unit in units if isinstance(unit, MatrixVector)], products, strict=False):
        behind = thresholds.get(node.output[0])
        made[product.name] = behind.output[0] if product.table is not None and behind is not None else node.output[0]
    for unit, node in zip([unit for unit in units if isinstance(unit, Threshold | Lookup)], alone, strict=False):
        made[unit.name] = node.output[0]
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
        if tensor.ndim == 4:
            tensor = np.moveaxis(tensor, 1, -1)
        if tensor.size == len(tensor) * stream.port.elements:
            found[stream.name] = tensor.reshape(len(tensor), *stream.port.shape)
    return found
