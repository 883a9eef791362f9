"""QONNX's operators, by the versions of QONNX's domain."""

from __future__ import annotations

from bnnfpga.frontend.contract.terms import (
    FLAG,
    FLOATS,
    NUMBERS,
    Attribute,
    Contract,
    Form,
    Input,
    Legal,
)
from bnnfpga.frontend.contract.traits import WEIGHT_QUANTIZER, Traits

ROUNDING_MODES = {
    "ROUND": "round",
    "HALF_EVEN": "round",
    "FLOOR": "floor",
    "CEIL": "ceil",
    "UP": "round_up",
    "DOWN": "round_down",
    "ROUND_TO_ZERO": "round_down",
    "HALF_UP": "round_half_up",
    "HALF_DOWN": "round_half_down",
}
"""QONNX's rounding modes and the operations that implement them (`bnnfpga.numbers.arithmetic`)."""
NEWEST_QONNX = 2
DOMAINS = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general", "qonnx", "")
"""All domains in which exporters put these operators."""
NAMES = {
    "Quant": "Quant",
    "IntQuant": "Quant",
    "BipolarQuant": "BipolarQuant",
    "BinaryQuant": "BipolarQuant",
    "MultiThreshold": "MultiThreshold",
    "Trunc": "Trunc",
    "Im2Col": "Im2Col",
    "XnorPopcountMatMul": "XnorPopcountMatMul",
    "QuantAvgPool2d": "QuantAvgPool2d",
}
"""All names of the operators, and the one in a clean graph."""

_FAMILY = "Quantizers"
_MODES = Legal(", ".join(ROUNDING_MODES), lambda value: value.upper() in ROUNDING_MODES, tuple(ROUNDING_MODES))

_LAYOUT = Legal(
    "a letter for each axis, one of them C",
    lambda value: not value or (value.isalpha() and value.count("C") == 1),
    ("", "NC", "NCW", "NWC", "NCHW", "NHWC"),
)


def _rounding(default: str) -> Attribute:
    return Attribute("rounding_mode", "string", default, _MODES, instead="use ROUND, as Brevitas does")


_SIGNED = Attribute("signed", "int", 1, FLAG)
_NARROW = Attribute("narrow", "int", 0, FLAG)


def _numbers(*names: str) -> tuple[Input, ...]:
    return tuple(Input(name, NUMBERS, constant=True) for name in names)


_X = Input("x", FLOATS)
_TRUNC_1 = Form((1,), (_X, *_numbers("scale", "zeropt", "in_bitwidth", "out_bitwidth")), (_rounding("FLOOR"),))
_TRUNC_2 = Form(
    (2,),
    (_X, *_numbers("scale", "zeropt", "in_bitwidth", "out_scale", "out_bitwidth")),
    (_rounding("FLOOR"), _SIGNED, _NARROW),
)

OPERATORS = (
    Contract(
        "Quant",
        _FAMILY,
        "Up to 8 bits, 16 on the model's input; zero points and positive scales per channel or per tensor.",
        (Form((1,), (_X, *_numbers("scale", "zeropt", "bitwidth")), (_SIGNED, _NARROW, _rounding("ROUND"))),),
        traits=WEIGHT_QUANTIZER,
    ),
    Contract(
        "BipolarQuant",
        _FAMILY,
        "+scale for 0 and above, -scale below.",
        (Form((1,), (_X, *_numbers("scale"))),),
        traits=WEIGHT_QUANTIZER,
    ),
    Contract(
        "MultiThreshold",
        _FAMILY,
        "out_scale * (number of thresholds reached) + out_bias; the bias is a multiple of half the scale.",
        (
            Form(
                (1,),
                (_X, Input("thresholds", "any", constant=True)),
                (
                    Attribute("out_scale", "float", 1.0),
                    Attribute("out_bias", "float", 0.0),
                    Attribute("out_dtype", "string", ""),
                    Attribute(
                        "data_layout",
                        "string",
                        "",
                        _LAYOUT,
                        instead="give the layout of the tensor, NCHW for example",
                    ),
                ),
            ),
        ),
        traits=Traits(elementwise=True, counts_thresholds=True, quantizes=True),
    ),
    Contract(
        "Trunc",
        _FAMILY,
        "Quantised values without their lowest bits. Version 2 states its output's scale and whether it is signed.",
        (_TRUNC_1, _TRUNC_2),
    ),
)
