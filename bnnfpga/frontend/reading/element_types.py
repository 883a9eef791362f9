"""Element types: arithmetic is on floats only; integers are moved, and cast where every value is preserved."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from bnnfpga.base.errors import UserError, shown
from bnnfpga.frontend.contract.checks import contract_of, inputs_of, type_name
from bnnfpga.frontend.contract.terms import (
    ANYTHING,
    CASTABLE,
    FLOATS,
    INTEGERS,
    MOVED,
    NUMBERS,
    TRUTH,
    Contract,
)
from bnnfpga.frontend.graph.nodes import attribute, describe
from bnnfpga.frontend.reading.shapes import Shape

_INTEGER_TYPES: dict[int, tuple[int, int]] = {
    getattr(TensorProto, f"{sign}INT{bits}"): ((0, 2**bits - 1) if sign else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1))
    for sign in ("", "U")
    for bits in (8, 16, 32, 64)
}
"""Integer types and their ranges."""
_FLOAT_TYPES: dict[int, int] = {TensorProto.FLOAT16: 1 << 11, TensorProto.FLOAT: 1 << 24, TensorProto.DOUBLE: 1 << 53}
"""Float types and the number up to which they represent all integers."""
_FLOAT, _BOOL, _INT64 = TensorProto.FLOAT, TensorProto.BOOL, TensorProto.INT64
_ACCEPTED: dict[str, set[int]] = {
    FLOATS: {_FLOAT},
    NUMBERS: {_FLOAT},
    MOVED: {_FLOAT, *_INTEGER_TYPES},
    CASTABLE: {_FLOAT, _BOOL, *_INTEGER_TYPES},
    INTEGERS: {TensorProto.INT32, _INT64},
    TRUTH: {_BOOL},
}
_MAX_CLASSES = 1 << 31
_CAST_FIRST = "cast it to float32 in front of the node (x.float() in PyTorch)"


def check_types(model: onnx.ModelProto, versions: Mapping[str, int], shapes: Mapping[str, Shape]) -> None:
    """Refuse nodes that compute on anything but float32 and casts that change numbers; the input becomes float32.

    A model with an integer input casts it to float first; integers given as floats pass up to there unchanged.
    """
    _Types(model, versions, shapes).check()
    model.graph.input[0].type.tensor_type.elem_type = _FLOAT


class _Types:
    """Type inference and checking, node by node."""

    def __init__(self, model: onnx.ModelProto, versions: Mapping[str, int], shapes: Mapping[str, Shape]) -> None:
        self._model, self._versions, self._shapes = model, versions, shapes
        self._constants: dict[str, TensorProto] = {tensor.name: tensor for tensor in model.graph.initializer}
        self._types: dict[str, int] = {name: tensor.data_type for name, tensor in self._constants.items()}
        self._classes: dict[str, int] = {}
        """Outputs of ArgMax and TopK, with their numbers of classes."""

    def check(self) -> None:
        value = self._model.graph.input[0]
        kind = value.type.tensor_type.elem_type
        if kind not in _ACCEPTED[MOVED]:
            raise UserError(
                f"its elements are {type_name(kind)}; float and integers can be compiled",
                where=f"input {value.name!r}",
                hint="export the model in float32",
            )
        self._types[value.name] = kind
        for node in self._model.graph.node:
            self._check_node(node)

    def _check_node(self, node: onnx.NodeProto) -> None:
        contract = contract_of(node)
        form = contract.form(self._versions[node.name]) if contract else None
        if contract is None or form is None:
            # It reads quantised constants; it is folded, or refused with the node that reads it.
            for name in node.output:
                self._types[name] = self._types.get(node.input[0], _FLOAT)
            return
        moved: dict[int, str] = {}
        for role, name in inputs_of(node, form):
            if not name:
                continue
            self._check_operand(node, role.types, name)
            if role.types == MOVED:
                moved[self._types[name]] = name
        if len(moved) > 1:
            raise UserError(
                f"its operands are {' and '.join(map(type_name, moved))}", where=describe(node), hint=_CAST_FIRST
            )
        self._give(node, contract)

    def _check_operand(self, node: onnx.NodeProto, types: str, name: str) -> None:
        kind = self._types[name]
        if types == ANYTHING or kind in _ACCEPTED[types]:
            return
        if types == NUMBERS and name in self._constants:
            _check_exact(node, self._constants[name])
            return
        what = f"its operand {shown(name)} is"
        if name in self._classes:
            raise UserError(
                f"{what} the class",
                where=describe(node),
                hint="let the model end with it: the host can compute with it",
            )
        expected = "float32 is computed with" if types in (FLOATS, NUMBERS) else f"{types} can be compiled"
        raise UserError(f"{what} {type_name(kind)}, where {expected}", where=describe(node), hint=_CAST_FIRST)

    def _give(self, node: onnx.NodeProto, contract: Contract) -> None:
        first = node.input[0]
        kinds = [self._types[first]] * len(node.output)
        if contract.gives == "bool":
            kinds = [_BOOL]
        elif contract.gives == "second":
            kinds = [self._types[node.input[1]]]
            if contract.name == "CastLike":
                self._check_cast(node, kinds[0])
        elif contract.gives == "to":
            kinds = [attribute(node, "to", 0)]
            self._check_cast(node, kinds[0])
        elif contract.gives in ("int64", "ranked"):
            kinds[-1] = _INT64
            shape = self._shapes.get(first)
            self._classes[node.output[-1]] = int(np.prod(shape)) if shape else _MAX_CLASSES
        if first in self._classes and contract.gives in ("first", "to"):
            self._classes[node.output[0]] = self._classes[first]
        self._types.update(zip(node.output, kinds, strict=False))

    def _check_cast(self, node: onnx.NodeProto, to: int) -> None:
        name = node.input[0]
        kind = self._types[name]
        if to not in TensorProto.DataType.values():
            raise UserError(f"it casts to the unknown type {to}", where=describe(node), hint="export the model again")
        if name in self._classes:
            keeps = _holds(to, 0, self._classes[name] - 1)
        elif kind in _INTEGER_TYPES:
            keeps = to == _FLOAT or (to in _INTEGER_TYPES and _holds(to, *_INTEGER_TYPES[kind]))
        else:
            keeps = to == _FLOAT
        if not keeps:
            what = "attribute 'to'" if node.op_type == "Cast" else "target type"
            raise UserError(
                f"its {what} is {type_name(to)}, which cannot stand for every {type_name(kind)}",
                where=describe(node),
                hint="round with Round or Floor, or a quantizer" if kind == _FLOAT else "cast to float32",
            )


def _holds(kind: int, lo: int, hi: int) -> bool:
    """Whether a type represents all integers from `lo` to `hi`."""
    if kind in _FLOAT_TYPES:
        return hi <= _FLOAT_TYPES[kind]
    least, largest = _INTEGER_TYPES.get(kind, (0, -1))
    return least <= lo and hi <= largest


def _check_exact(node: onnx.NodeProto, tensor: TensorProto) -> None:
    """Refuse a parameter that float32 would round."""
    value: NDArray[np.generic] = numpy_helper.to_array(tensor)
    with np.errstate(all="ignore"):
        exact = value.dtype.kind in "biuf" and np.array_equal(value.astype(np.float32).astype(value.dtype), value)
    if not exact:
        raise UserError(
            f"its operand {shown(tensor.name)} is {type_name(tensor.data_type)}, and no number of float32",
            where=describe(node),
            hint="export the model in float32",
        )
