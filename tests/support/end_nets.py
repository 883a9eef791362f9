"""Nets whose ends are what only a host computes, chosen at random."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto

from tests.support.spelled import Spelled

OPERATORS = (
    *("Softmax", "LogSoftmax", "Sigmoid", "ArgMax", "TopK", "Transpose", "Reshape", "Squeeze", "Concat", "Gather"),
    *("Slice", "Split", "Pad", "Resize", "ReduceMean", "Mul", "Add", "Sub", "Cast", "Max"),
)
_WIDTH = 6


class EndNet(Spelled):
    """One to three heads of dense layers or convolutions, and up to five operators behind them."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 11])
        self._choices = rng
        image = bool(rng.random() < 0.6)
        super().__init__(int(rng.choice([13, 17, 18, 21])), (1, 2, 4, 3) if image else (1, _WIDTH), seed=seed)
        self._shapes: dict[str, tuple[int, ...]] = {}
        x = self.quant("x", 3, 0.5)
        heads = [self._head(x, image) for _ in range(int(rng.integers(1, 4)))]
        made = self._random_end(heads)
        kinds = [TensorProto.INT64 if name in self._integers else TensorProto.FLOAT for name in made]
        self.end(*made, kinds=kinds)

    def _pick(self, *values: Any) -> Any:
        return values[int(self._choices.integers(len(values)))]

    def _head(self, x: str, image: bool) -> str:
        channels = self._pick(1, 3, 5)
        if image:
            made = self.node("Conv", x, self.weights(channels, 2, 1, 1))
            shape = (1, channels, 4, 3)
            factors = self.constant(self.rng.uniform(0.2, 1.5, (1, channels, 1, 1)))
        else:
            made = self.dense(x, _WIDTH, channels)
            shape = (1, channels)
            factors = self.constant(self.rng.uniform(0.2, 1.5, channels))
        made = self.node("Mul", made, factors)
        self._shapes[made] = shape
        return made
