"""Operators at the end of a model, and those that are folded before anything is compiled."""

from __future__ import annotations

from bnnfpga.frontend.contract.terms import (
    ANYTHING,
    COUNT,
    FLAG,
    FLOATS,
    INTEGERS,
    Attribute,
    Contract,
    Form,
    Input,
)
from bnnfpga.frontend.contract.traits import Traits

_END, _CONSTANT = "Ends", "Constants"
_LEFT = "After the last layer, along any axis: left to the host."
_SCORES = (Input("input", FLOATS),)
_HOSTS = Traits(left_to_host=True)
_KEEP = Attribute("keepdims", "int", 1, FLAG)
_LAST = Attribute("select_last_index", "int", 0, FLAG)
_ARG_MAX = Form((1, 11), _SCORES, (Attribute("axis", "int", 0), _KEEP))
_TOP_AXIS = Attribute("axis", "int", -1)
_TOP_1 = Form((1,), _SCORES, (_TOP_AXIS, Attribute("k", "int", None, COUNT, required=True)))
_TOP_10 = Form((10,), (*_SCORES, Input("K", INTEGERS, constant=True)), (_TOP_AXIS,))
_TOP_11 = _TOP_10.since(
    11,
    24,
    more=(
        Attribute("largest", "int", 1, FLAG),
        Attribute("sorted", "int", 1, FLAG),
    ),
)
_SINGLE = (
    Attribute("value_float", "float"),
    Attribute("value_floats", "floats"),
    Attribute("value_int", "int"),
    Attribute("value_ints", "ints"),
)
_VALUE = Attribute("value", "tensor")
_SHAPE = Form((1, 13), (Input("data", ANYTHING),))
_ENDS = (Attribute("start", "int", 0), Attribute("end", "int"))


def _softmax(name: str) -> Contract:
    before = Form((1, 11), _SCORES, (Attribute("axis", "int", 1),))
    return Contract(name, _END, _LEFT, (before, Form((13,), _SCORES, (Attribute("axis", "int", -1),))), traits=_HOSTS)


OPERATORS = (
    _softmax("Softmax"),
    _softmax("LogSoftmax"),
    Contract(
        "ArgMax",
        _END,
        _LEFT,
        (_ARG_MAX, _ARG_MAX.since(12, 13, more=(_LAST,))),
        gives="int64",
        traits=_HOSTS,
    ),
    Contract("TopK", _END, _LEFT, (_TOP_1, _TOP_10, _TOP_11), gives="ranked", traits=_HOSTS),
    Contract(
        "Constant",
        _CONSTANT,
        "Numbers.",
        (
            Form((1, 9), (), (Attribute("value", "tensor", required=True),)),
            Form((11,), (), (_VALUE,)),
            Form((12, 13, 19, 21, 23, 24, 25), (), (_VALUE, *_SINGLE)),
        ),
        gives="constant",
    ),
    Contract(
        "Shape",
        _CONSTANT,
        "A constant: shapes are fixed.",
        (_SHAPE, _SHAPE.since(15, 19, 21, 23, 24, 25, more=_ENDS)),
        gives="constant",
    ),
)
