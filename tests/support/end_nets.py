"""Random nets that end in operations which only the host computes."""

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
_MAX_OUTPUTS = 3


class EndNet(Spelled):
    """One to three heads of dense layers or convolutions, followed by some operators."""

    def __init__(self, seed: int) -> None:
        self._choices = np.random.default_rng([seed, 11])
        image = bool(self._choices.random() < 0.6)
        super().__init__(self._pick(13, 17, 18, 21), (1, 2, 4, 3) if image else (1, _WIDTH), seed=seed)
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._integers: set[str] = set()
        x = self.quant("x", 3, 0.5)
        ends = [self._head(x, image) for _ in range(self._pick(1, 2, 3))]
        for _ in range(self._pick(1, 2, 3, 4, 5)):
            ends = self._step(ends)
        while len(ends) > _MAX_OUTPUTS:
            ends = ends[1:]
        self.end(*ends, kinds=[TensorProto.INT64 if name in self._integers else TensorProto.FLOAT for name in ends])

    def inputs(self, count: int) -> np.ndarray:
        return super().inputs(count).astype(np.float32)

    def _pick(self, *values: Any) -> Any:
        return values[int(self._choices.integers(len(values)))]

    def _head(self, x: str, image: bool) -> str:
        channels = self._pick(2, 3, 5)
        shape: tuple[int, ...] = (1, channels, 4, 3) if image else (1, channels)
        scores = self.node("Conv", x, self.weights(channels, 2, 1, 1)) if image else self.dense(x, _WIDTH, channels)
        factors = self.rng.uniform(0.2, 1.5, (channels, 1, 1) if image else channels)
        return self._end(self.node("Mul", scores, self.constant(factors)), shape)

    def _end(self, tensor: str, shape: tuple[int, ...], *, integers: bool = False) -> str:
        self._shapes[tensor] = shape
        if integers:
            self._integers.add(tensor)
        return tensor

    def _step(self, ends: list[str]) -> list[str]:
        """One more operator after one of the ends, or two."""
        x = self._pick(*ends)
        others = [name for name in ends if name != x]
        if x in self._integers:
            return [*others, self._behind_index(x)]
        join = self._join(x, others)
        if join is not None:
            return join
        move = self._pick(*(self._function, self._compare, self._move, self._parts, self._pixels, self._arithmetic))
        return [*others, *move(x)]

    def _behind_index(self, x: str) -> str:
        shape = self._shapes[x]
        kind = self._pick("Cast", "Reshape", "Cast to float")
        if kind == "Reshape":
            flat = self.node("Reshape", x, self.integers([1, -1]))
            return self._end(flat, (1, int(np.prod(shape))), integers=True)
        if kind == "Cast":
            return self._end(self.node("Cast", x, to=TensorProto.INT64), shape, integers=True)
        return self._end(self.node("Cast", x, to=TensorProto.FLOAT), shape)

    def _join(self, x: str, others: list[str]) -> list[str] | None:
        """A second end of the same shape, or of one that differs along an axis: added, compared or concatenated."""
        shape = self._shapes[x]
        for other in others:
            second = self._shapes[other]
            if other in self._integers or len(second) != len(shape) or self._choices.random() < 0.3:
                continue
            rest = [name for name in others if name != other]
            different = [axis for axis in range(len(shape)) if shape[axis] != second[axis]]
            if not different:
                kind = self._pick("Add", "Sub", "Mul", "Max", "Concat")
                if kind != "Concat":
                    return [*rest, self._end(self.node(kind, x, other), shape)]
            if len(different) <= 1 and different != [0]:
                axis = different[0] if different else len(shape) - 1
                joined = (*shape[:axis], shape[axis] + second[axis], *shape[axis + 1 :])
                return [*rest, self._end(self.node("Concat", x, other, axis=axis), joined)]
        return None

    def _axis(self, x: str) -> int:
        """Any axis but the batch, counted from either end."""
        rank = len(self._shapes[x])
        axis = int(self._choices.integers(1, rank)) if rank > 1 else 0
        return axis - self._pick(0, rank)

    def _function(self, x: str) -> list[str]:
        kind = self._pick("Softmax", "LogSoftmax", "Sigmoid", "Softmax", "Sigmoid")
        attributes = {} if kind == "Sigmoid" else {"axis": self._axis(x)}
        return [self._end(self.node(kind, x, **attributes), self._shapes[x])]

    def _compare(self, x: str) -> list[str]:
        shape, axis = self._shapes[x], self._axis(x)
        place = axis % len(shape)
        if self._pick(True, False):
            count = int(self._choices.integers(1, shape[place] + 1))
            extents = (*shape[:place], count, *shape[place + 1 :])
            values = self.node("TopK", x, self.integers([count]), outputs=2, axis=axis, largest=self._pick(0, 1, 1))
            return [self._end(values, extents), self._end(self.last_outputs[1], extents, integers=True)]
        keep = self._pick(0, 1) or int(len(shape) == 1)
        extents = (*shape[:place], *[1] * keep, *shape[place + 1 :])
        index = self.node("ArgMax", x, axis=axis, keepdims=keep, select_last_index=self._pick(None, 0, 1))
        return [self._end(index, extents, integers=True)]

    def _move(self, x: str) -> list[str]:
        shape = self._shapes[x]
        rank = len(shape)
        kind = self._pick("Transpose", "Reshape", "Squeeze", "Reshape")
        if kind == "Transpose" and rank > 2:
            perm = [0, *(self._choices.permutation(rank - 1) + 1).tolist()]
            return [self._end(self.node("Transpose", x, perm=perm), tuple(shape[axis] for axis in perm))]
        if kind == "Squeeze" and rank > 1 and shape[0] == 1:
            return [self._end(self.node("Squeeze", x, self.integers([0])), shape[1:])]
        elements = int(np.prod(shape))
        extents = (1, elements) if self._pick(True, True, False) else (elements,)
        return [self._end(self.node("Reshape", x, self.integers(extents)), extents)]

    def _parts(self, x: str) -> list[str]:
        shape, axis = self._shapes[x], self._axis(x)
        place = axis % len(shape)
        extent = shape[place]

        def of(count: int) -> tuple[int, ...]:
            return (*shape[:place], count, *shape[place + 1 :])

        kind = self._pick("Gather", "Slice", "Split")
        if kind == "Gather":
            index = self._choices.integers(-extent, extent, 3)
            return [self._end(self.node("Gather", x, self.integers(index), axis=axis), of(3))]
        if kind == "Slice" or extent < 2:
            start, step = self._pick((0, 1), (0, 2), (-1, -1))
            end = 2**31 if step > 0 else -(2**31)
            numbers = [self.integers([number]) for number in (start, end, axis, step)]
            return [self._end(self.node("Slice", x, *numbers), of(len(range(extent)[:: abs(step)])))]
        sizes = [1, extent - 1]
        self.node("Split", x, self.integers(sizes), outputs=2, axis=axis)
        return [self._end(name, of(size)) for name, size in zip(self.last_outputs, sizes, strict=True)]

    def _pixels(self, x: str) -> list[str]:
        shape = self._shapes[x]
        kind = self._pick("Resize", "Pad", "ReduceMean", "Resize")
        if kind == "Resize" and len(shape) == 4 and shape[0] == 1:
            rows, columns = self._pick((1.5, 2.0), (2.0, 2.0), (0.5, 3.0))
            mode = self._pick("linear", "cubic", "linear")
            scales = self.constant([1.0, 1.0, rows, columns])
            coordinates = self._pick("half_pixel", "align_corners", "asymmetric")
            extents = (*shape[:2], int(shape[2] * rows), int(shape[3] * columns))
            attributes = {"mode": mode, "coordinate_transformation_mode": coordinates}
            return [self._end(self.node("Resize", x, "", scales, **attributes), extents)] if min(extents) > 0 else [x]
        if kind == "Pad":
            pads = self._choices.integers(0, 2, (2, len(shape)))
            pads[:, 0] = 0
            extents = tuple((np.array(shape) + pads.sum(axis=0)).tolist())
            mode = self._pick("constant", "edge")
            return [self._end(self.node("Pad", x, self.integers(pads.ravel()), mode=mode), extents)]
        axis = self._axis(x)
        place = axis % len(shape)
        extents = (*shape[:place], 1, *shape[place + 1 :])
        if self.opset < 18:
            return [self._end(self.node("ReduceMean", x, axes=[axis]), extents)]
        return [self._end(self.node("ReduceMean", x, self.integers([axis])), extents)]

    def _arithmetic(self, x: str) -> list[str]:
        kind = self._pick("Mul", "Add", "Sub")
        number = self.constant(self.rng.uniform(0.5, 2.0))
        operands = (number, x) if kind == "Sub" else (x, number)
        return [self._end(self.node(kind, *operands), self._shapes[x])]
