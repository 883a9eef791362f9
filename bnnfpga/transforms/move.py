"""Moving layout changes up, or down past the quantizers of pools, so that integers meet integers."""

from __future__ import annotations

import numpy as np

from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.forms.multithreshold import reshape_thresholds
from bnnfpga.frontend.forms.rearranging import moves_images, rearrange
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import (
    comes_from_constants,
    data_operands,
)
from bnnfpga.frontend.graph.transform import Transform
from bnnfpga.transforms.integer_types import integer_type


class LayoutBeforeElementwise(Transform):
    """Move a layout change in front of the elementwise node before it, rearranging per-element constants likewise.

    A flatten after a convolution's quantizer stays. A change of the elements' order stays behind a quantizer, whose
    codes have few bits, but moves in front of all other elementwise nodes, permuting their constants.
    """

    kinds = kinds_that(lambda traits: traits.layout)

    def visit(self, model: Model, node: Node) -> bool:
        before = model.producer(node.input[0])
        if before is None or not traits_of(before).elementwise or comes_from_constants(model, node.input[0]):
            return False
        turns, quantizes = traits_of(node).reorders, traits_of(before).quantizes
        if turns and quantizes:
            return False
        if model.only_reader(node.input[0]) is None:
            return not quantizes and _own_copy(model, before, node)
        if quantizes and _comes_from_windows(model, before.input[0]):
            return False
        operands = [index for index, name in enumerate(before.input) if name and model.constant(name) is None]
        if len(operands) != 1:
            return False
        new_shape = model.shape(node.output[0])
        fits = _turn_constants(model, before, node) if turns else _reshape_constants(model, before, node)
        if not fits:
            return False
        source, result = before.input[operands[0]], node.output[0]
        # A tensor whose contents differ from those in the file gets another name.
        between = model.fresh_name(f"{node.name}_taken")
        model.set_shape(between, new_shape)
        model.set_input(node, 0, source)
        model.set_output(node, between)
        model.set_input(before, operands[0], between)
        model.set_output(before, result)
        model.move_before(before, node)
        return True


def _own_copy(model: Model, node: Node, reader: Node) -> bool:
    """Give `reader` a copy of an elementwise node of its own; False if the node joins streams or is per channel."""
    if len(data_operands(model, node)) != 1 or traits_of(node).by_channel:
        return False
    result = model.fresh_name(f"{reader.name}_made")
    model.set_shape(result, model.shape(node.output[0]))
    name = f"{reader.name}_copy"
    model.insert_after(node, Node(node.op_type, node.input, [result], name, node.domain, node.attributes, node.origin))
    model.set_input(reader, 0, result)
    return True


def _turn_constants(model: Model, node: Node, mover: Node) -> bool:
    """Permute an elementwise node's constants as `mover` permutes its tensor; False if that is impossible."""
    shape = model.shape(mover.input[0])
    if traits_of(node).by_channel or moves_images(model, mover):
        return False
    for index, name in enumerate(node.input):
        value = model.constant(name) if name else None
        if value is not None and value.size > 1:
            aligned = value.reshape(*[1] * (len(shape) - value.ndim), *value.shape)
            turned = np.ascontiguousarray(rearrange(model, mover, aligned))
            model.set_input(node, index, model.add_constant(f"{node.name}_constant", turned))
    return True


def _reshape_constants(model: Model, node: Node, layout: Node) -> bool:
    """Reshape an elementwise node's constants as `layout` reshapes its tensor; False if that is impossible."""
    before, after = model.shape(layout.input[0]), model.shape(layout.output[0])
    if traits_of(node).by_channel:
        return False
    if traits_of(node).counts_thresholds:
        return reshape_thresholds(model, node, before, after)
    if traits_of(node).broadcasts:
        for index, name in enumerate(node.input):
            value = model.constant(name)
            if value is not None and value.size > 1:
                whole = np.ascontiguousarray(np.broadcast_to(value, before).reshape(after))
                model.set_input(node, index, model.add_constant(f"{node.name}_constant", whole))
    return True


def _comes_from_windows(model: Model, tensor: str) -> bool:
    """Whether a convolution or pool produces an image, so that all pixels of a channel share their thresholds.

    The same holds for concatenated floats, since quantizers move in front of the layout changes that follow them.
    """
    producer = model.producer(tensor)
    while producer is not None and not traits_of(producer).dot_product:
        if traits_of(producer).pools or traits_of(producer).concatenates:
            return True
        producer = next((node for node in map(model.producer, producer.input) if node is not None), None)
    return producer is not None and traits_of(producer).slides


class QuantizerBeforeLayout(Transform):
    """Move a quantizer in front of a reshape of floats from a max pool or a concatenation.

    The elementwise nodes between them move along. All their constants are single numbers.
    """

    kinds = kinds_that(lambda traits: traits.quantizes)

    def visit(self, model: Model, quantizer: Node) -> bool:
        if comes_from_constants(model, quantizer.input[0]):
            return False
        chain = [quantizer]
        while (above := _only_producer(model, chain[0])) is not None and traits_of(above).elementwise:
            chain.insert(0, above)
        source = None if above is None or not traits_of(above).regroups else _only_producer(model, above)
        if above is None or source is None:
            return False
        if not traits_of(source).takes_extremum and not traits_of(source).concatenates:
            return False
        if integer_type(model, above.input[0]) is not None or not all(_is_uniform(model, node) for node in chain):
            return False
        _exchange(model, above, chain)
        return True


def _only_producer(model: Model, node: Node) -> Node | None:
    """The producer of the only tensor that `node` reads, if no other node reads it."""
    operands = [name for name in node.input if name and model.constant(name) is None]
    if len(operands) != 1 or model.only_reader(operands[0]) is None:
        return None
    producer: Node | None = model.producer(operands[0])
    return producer


def _is_uniform(model: Model, node: Node) -> bool:
    """Whether an elementwise node applies the same function to all elements."""
    constants = (model.constant(name) for name in node.input if name)
    if traits_of(node).counts_thresholds:
        return all(value is None or len(value) == 1 for value in constants)
    return not traits_of(node).by_channel and all(value is None or value.size == 1 for value in constants)


def _exchange(model: Model, layout: Node, chain: list[Node]) -> None:
    """Move a layout change from the front of a chain of elementwise nodes to its end."""
    source, result = layout.input[0], chain[-1].output[0]
    shape = model.shape(source)
    # A tensor whose contents differ from those in the file gets another name.
    codes = model.fresh_name(f"{chain[-1].name}_codes")
    model.set_input(chain[0], chain[0].input.index(layout.output[0]), source)
    for node in chain[:-1]:
        model.set_shape(node.output[0], shape)
    model.set_shape(codes, shape)
    model.set_output(chain[-1], codes)
    model.set_input(layout, 0, codes)
    model.set_output(layout, result)
    model.remove(layout)
    model.insert_after(chain[-1], layout)
