"""Quantizers in front of what makes pixels of channels: sums get their thresholds where they are made."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.forms.picks import picked_channels
from bnnfpga.frontend.forms.rearranging import rearrange
from bnnfpga.frontend.graph.model import Model, Node
from bnnfpga.frontend.graph.nodes import data_operands
from bnnfpga.frontend.graph.transform import Transform


class QuantizerBeforeSpreading(Transform):
    """Move a quantizer in front of a DepthToSpace, with the elementwise nodes between them.

    Gathers of pixels may stand behind the DepthToSpace, as those of a transposed convolution do. Constants become those
    of the channels in front of it.
    """

    kinds = kinds_that(lambda traits: traits.quantizes)

    def visit(self, model: Model, node: Node) -> bool:
        chain = [node]
        while (above := _only_producer(model, chain[0])) is not None and traits_of(above).elementwise:
            chain.insert(0, above)
        movers: list[Node] = []
        while above is not None and traits_of(above).picks and picked_channels(model, above) is None:
            movers.insert(0, above)
            above = _only_producer(model, above)
        if above is None or not traits_of(above).spreads or above.input[0] == model.input:
            return False
        constants = _Constants(model, above)
        if not all(constants.fit(item) for item in chain):
            return False
        for item in chain:
            constants.move(item)
        movers.insert(0, above)
        source, result = above.input[0], node.output[0]
        taken = movers[-1].output[0]
        model.set_input(chain[0], chain[0].input.index(taken), source)
        names = [model.fresh_name(f"{item.output[0]}_of_blocks") for item in chain]
        for item, name in zip(chain, names, strict=True):
            # A tensor whose contents differ from those in the file gets another name.
            model.set_shape(name, model.shape(source))
            readers = chain[chain.index(item) + 1 :][:1]
            for reader in readers:
                model.set_input(reader, reader.input.index(item.output[0]), name)
            model.set_output(item, name)
        model.set_input(above, 0, names[-1])
        for item in movers[:-1]:
            _rename(model, item)
        model.set_output(movers[-1], result)
        for item in movers:
            model.remove(item)
        model.insert_after(node, *movers)
        return True


def _rename(model: Model, node: Node) -> None:
    name = model.fresh_name(f"{node.output[0]}_codes")
    model.set_shape(name, model.shape(node.output[0]))
    model.replace_input(node.output[0], name)
    model.set_output(node, name)


def _only_producer(model: Model, node: Node) -> Node | None:
    """The producer of the only tensor that `node` reads, if no other node reads it."""
    operands = data_operands(model, node)
    if len(operands) != 1 or model.only_reader(operands[0]) is None:
        return None
    return model.producer(operands[0])


class _Constants:
    """The constants of nodes behind a DepthToSpace as those of its input."""

    def __init__(self, model: Model, spreading: Node) -> None:
        self._model = model
        self._before, self._after = (model.shape(name) for name in (spreading.input[0], spreading.output[0]))
        elements = np.arange(int(np.prod(self._before))).reshape(self._before)
        self._places = np.argsort(rearrange(model, spreading, elements).reshape(-1))
        first = self._places.reshape(*self._before[:2], -1)[0, :, 0]
        self._channels = first // int(np.prod(self._after[2:]))

    def fit(self, node: Node) -> bool:
        """Whether the result for each input channel has the same constants in all blocks."""
        return traits_of(node).by_channel or all(
            value.size == 1 or self._moved(value) is not None for value in self._of(node).values()
        )

    def move(self, node: Node) -> None:
        for index, value in self._of(node).items():
            if value.size == 1 or (traits_of(node).by_channel and len(value) == 1):
                continue
            moved = value[self._channels] if traits_of(node).by_channel else self._moved(value)
            assert moved is not None
            self._model.set_input(node, index, self._model.add_constant(f"{node.name}_constant", moved))

    def _of(self, node: Node) -> dict[int, NDArray[np.generic]]:
        values = {index: self._model.constant(name) for index, name in enumerate(node.input) if name}
        return {index: value for index, value in values.items() if value is not None}

    def _moved(self, value: NDArray[np.generic]) -> NDArray[np.generic] | None:
        """A number for each channel of the input; None if blocks differ."""
        aligned = value.reshape(*[1] * (len(self._after) - value.ndim), *value.shape)
        if any(size not in (1, extent) for size, extent in zip(aligned.shape, self._after, strict=True)):
            return None
        whole = np.broadcast_to(aligned, self._after).reshape(-1)[self._places].reshape(self._before)
        first = whole[:, :, *[slice(1)] * (whole.ndim - 2)]
        return np.ascontiguousarray(first) if np.array_equal(whole, np.broadcast_to(first, whole.shape)) else None
