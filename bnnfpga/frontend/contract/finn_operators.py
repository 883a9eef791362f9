"""FINN's operators for lowered layers, in QONNX's domains."""

from __future__ import annotations

from bnnfpga.frontend.contract.terms import (
    COUNT,
    COUNTS,
    FLAG,
    FLOATS,
    SIZES,
    Attribute,
    Contract,
    Form,
    Input,
    Rule,
    one_of,
)
from bnnfpga.frontend.contract.traits import Traits

_FAMILY = "Lowered layers"
_AXES = Rule(
    "its kernel_size, stride and dilations do not have 2 numbers each and its pad_amount 4",
    lambda values: (
        all(len(values[name]) == 2 for name in ("kernel_size", "stride", "dilations"))
        and len(values["pad_amount"]) == 4
    ),
    "lower the model again with FINN's LowerConvsToMatMul",
)
_X = Input("x", FLOATS)

OPERATORS = (
    Contract(
        "Im2Col",
        _FAMILY,
        "The pixels under a kernel, of channels-last images; with the MatMul after it, a Conv.",
        (
            Form(
                (1,),
                (_X,),
                (
                    Attribute("kernel_size", "ints", None, COUNTS, required=True),
                    Attribute("stride", "ints", None, COUNTS, required=True),
                    Attribute("input_shape", "string", ""),
                    Attribute("pad_amount", "ints", [0, 0, 0, 0], SIZES),
                    Attribute("pad_value", "int", 0),
                    Attribute("depthwise", "int", 0, FLAG),
                    Attribute("dilations", "ints", [1, 1], COUNTS),
                ),
                (_AXES,),
            ),
        ),
        traits=Traits(channels_second=True),
    ),
    Contract(
        "XnorPopcountMatMul",
        _FAMILY,
        "The number of bits in which a row and each column of weights agree: a MatMul and a constant per output.",
        (Form((1,), (_X, Input("weights", FLOATS, constant=True))),),
    ),
    Contract(
        "QuantAvgPool2d",
        _FAMILY,
        "The sum of the integers under a kernel, without its lowest bits.",
        (
            Form(
                (1,),
                (_X,),
                (
                    Attribute("stride", "int", None, COUNT, required=True),
                    Attribute("kernel", "int", None, COUNT, required=True),
                    Attribute("ibits", "int", None, COUNT, required=True),
                    Attribute("obits", "int", None, COUNT, required=True),
                    Attribute("signed", "int", None, FLAG, required=True),
                    Attribute("data_layout", "string", "NCHW", one_of("NCHW", "NHWC")),
                ),
            ),
        ),
        traits=Traits(channels_second=True),
    ),
)
