"""Elementwise operators and comparisons."""

from __future__ import annotations

from dataclasses import replace

from bnnfpga.frontend.contract.terms import (
    ANYTHING,
    CASTABLE,
    FINITE,
    MOVED,
    TRUTH,
    Attribute,
    Contract,
    Form,
    Input,
    one_of,
)
from bnnfpga.frontend.contract.traits import COMPARISON, ELEMENTWISE, MOVING, NONE, QUANTIZER, Traits

_ARITHMETIC, _ACTIVATION, _COMPARISON = "Arithmetic", "Activations", "Comparisons"
_X = (Input("X"),)
_AB = (Input("A"), Input("B"))
_MANY = (Input("data", many=True),)
_BROADCASTING = Traits(elementwise=True, broadcasts=True)
_BINARY = replace(_BROADCASTING, binary=True)
_PAIRING = replace(_BINARY, pairs=True)
_LOWEST, _HIGHEST = -3.4028234663852886e38, 3.4028234663852886e38
_EVAL = "export the trained model in eval mode"


def _binary(name: str, does: str, traits: Traits) -> Contract:
    return Contract(name, _ARITHMETIC, does, (Form((7, 13, 14), _AB),), traits=traits)


def _of_many(name: str, versions: tuple[int, ...], does: str, traits: Traits = NONE) -> Contract:
    same_shape = Form((6,), _MANY, no_broadcast=True)
    forms = (same_shape, same_shape.since(*versions, no_broadcast=False))
    return Contract(name, _ARITHMETIC, does, forms, traits=traits)


def _unary(
    name: str, versions: tuple[int, ...], does: str, *attributes: Attribute, family: str, traits: Traits = ELEMENTWISE
) -> Contract:
    return Contract(name, family, does, (Form(versions, _X, attributes),), traits=traits)


def _comparison(name: str, versions: tuple[int, ...]) -> Contract:
    does = "With a constant, and read by a Where or a Cast to float: a quantizer."
    return Contract(name, _COMPARISON, does, (Form(versions, _AB),), gives="bool", traits=COMPARISON)


_NORM = (
    Attribute("epsilon", "float", 1e-5, FINITE),
    Attribute("momentum", "float", 0.9),
)
_STATISTICS = tuple(Input(name, constant=True) for name in ("scale", "B", "mean", "var"))
_NORM_7 = Form(
    (7,),
    (*_X, *_STATISTICS),
    (
        *_NORM,
        Attribute(
            "spatial", "int", 1, one_of(1), why="it has statistics for each pixel", instead="normalise by channel"
        ),
    ),
    more_outputs=("mean", "var", "saved_mean", "saved_var"),
    more_in_training=True,
)
_NORM_9 = _NORM_7.since(9, without=("spatial",))
_TRAINING = Attribute("training_mode", "int", 0, one_of(0), why="it computes batch statistics", instead=_EVAL)
_NORM_14 = _NORM_9.since(14, 15, more=(_TRAINING,), more_outputs=("running_mean", "running_var"))

_DROPOUT_7 = Form((7, 10), (Input("data"),), (Attribute("ratio", "float", 0.5),), more_outputs=("mask",))
_DROPOUT_12 = Form(
    (12, 13, 22),
    (
        Input("data"),
        Input("ratio", ANYTHING, optional=True),
        Input("training_mode", TRUTH, optional=True, constant=True),
    ),
    (Attribute("seed", "int"),),
    more_outputs=("mask",),
)

_CLIP_6 = Form((6,), _X, (Attribute("min", "float", _LOWEST), Attribute("max", "float", _HIGHEST)))
_CLIP_11 = Form((11, 12, 13), (*_X, *(Input(name, optional=True, constant=True) for name in ("min", "max"))))

_TYPES = (Attribute("to", "type", required=True),)
_FLOAT8 = "it is for casts to float8 alone: leave it out"
_SATURATE = Attribute("saturate", "int", 1, one_of(1), instead=_FLOAT8)
_CAST_6 = Form((6, 9, 13), (Input("input", CASTABLE),), _TYPES)
_CAST_19 = _CAST_6.since(19, 21, 23, more=(_SATURATE,))
_CAST_24 = _CAST_19.since(24, 25, more=(Attribute("round_mode", "string", "up", one_of("up"), instead=_FLOAT8),))
_CAST_LIKE = Form((15,), (Input("input", CASTABLE), Input("target_type", ANYTHING)))
_CAST_LIKE_19 = _CAST_LIKE.since(19, 21, 23, more=(_SATURATE,))
_CAST_LIKE_24 = _CAST_LIKE_19.since(24, 25, more=_CAST_24.attributes[-1:])

OPERATORS = (
    _binary(
        "Add",
        "Of a stream and a constant, or of two quantised streams on a common grid.",
        replace(_PAIRING, adds=True),
    ),
    _binary("Sub", "As Add; the constant may stand on either side.", replace(_PAIRING, subtracts=True)),
    _binary(
        "Mul",
        "Of a stream and a constant, of two quantised streams, or of two functions of one stream.",
        replace(_PAIRING, multiplies=True),
    ),
    _binary(
        "Div",
        "By a constant; of a constant by a stream, or of two elementwise functions of one stream.",
        replace(_BINARY, divides=True),
    ),
    _of_many("Max", (8, 12, 13), "Of a stream and constants.", _BINARY),
    _of_many("Min", (8, 12, 13), "Of a stream and constants.", _BINARY),
    _of_many("Sum", (8, 13), "A chain of additions."),
    _of_many("Mean", (8, 13), "A chain of additions, and a division by the number of operands."),
    _unary("Neg", (6, 13), "A multiplication by -1.", family=_ARITHMETIC),
    _unary("Floor", (6, 13), "Rounds; between limits, in front of a layer, a quantizer.", family=_ARITHMETIC),
    _unary("Ceil", (6, 13), "Rounds; between limits, in front of a layer, a quantizer.", family=_ARITHMETIC),
    _unary("Round", (11, 22), "Rounds, halves to even; otherwise as Floor.", family=_ARITHMETIC),
    Contract(
        "BatchNormalization",
        _ARITHMETIC,
        "((x - mean) / sqrt(var + epsilon)) * scale + B, one float32 operation after the other.",
        (_NORM_7, _NORM_9, _NORM_14),
        traits=Traits(elementwise=True, by_channel=True, channels_second=True),
    ),
    Contract("Clip", _ARITHMETIC, "Of a stream between constants.", (_CLIP_6, _CLIP_11), traits=ELEMENTWISE),
    Contract(
        "Identity",
        _ARITHMETIC,
        "Removed.",
        (Form((1, 13, 14, 16, 19, 21, 23, 24, 25), (Input("x", MOVED),)),),
        traits=MOVING,
    ),
    Contract("Dropout", _ARITHMETIC, "Removed; it must not be in training mode.", (_DROPOUT_7, _DROPOUT_12)),
    Contract(
        "Cast",
        _ARITHMETIC,
        "Removed: of floats to float, and of integers to float or to integers that hold them all. Of a comparison to "
        "float: a quantizer.",
        (_CAST_6, _CAST_19, _CAST_24),
        gives="to",
        traits=Traits(takes_truths=True, casts=True),
    ),
    Contract(
        "CastLike",
        _ARITHMETIC,
        "As Cast, to the type of another tensor, whose values do not matter.",
        (_CAST_LIKE, _CAST_LIKE_19, _CAST_LIKE_24),
        gives="second",
    ),
    _unary("Relu", (6, 13, 14), "The larger of x and 0.", family=_ACTIVATION),
    _unary(
        "LeakyRelu",
        (6, 16),
        "alpha * x below 0.",
        Attribute("alpha", "float", 0.01, FINITE),
        family=_ACTIVATION,
    ),
    Contract(
        "PRelu",
        _ACTIVATION,
        "slope * x below 0.",
        (Form((7, 9, 16), (*_X, Input("slope", constant=True))),),
        traits=_BROADCASTING,
    ),
    _unary(
        "HardSigmoid",
        (6, 22),
        "alpha * x + beta between 0 and 1.",
        Attribute("alpha", "float", 0.2, FINITE),
        Attribute("beta", "float", 0.5, FINITE),
        family=_ACTIVATION,
    ),
    _unary("Sign", (9, 13), "A quantizer to -1, 0 and 1.", family="Quantizers", traits=QUANTIZER),
    _comparison("Greater", (7, 9, 13)),
    _comparison("Less", (7, 9, 13)),
    _comparison("GreaterOrEqual", (12, 16)),
    _comparison("LessOrEqual", (12, 16)),
    Contract(
        "Where",
        _COMPARISON,
        "Selects one of two numbers by a comparison: a quantizer.",
        (Form((9, 16), (Input("condition", TRUTH), Input("X", constant=True), Input("Y", constant=True))),),
        gives="second",
        traits=Traits(takes_truths=True),
    ),
)
