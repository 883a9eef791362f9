"""Functions that are not a few float32 operations: monotonic and others."""

from __future__ import annotations

import math
from dataclasses import replace

from bnnfpga.frontend.contract.terms import (
    FINITE,
    NUMBERS,
    Attribute,
    Contract,
    Form,
    Input,
    Legal,
    one_of,
)
from bnnfpga.frontend.contract.traits import ELEMENTWISE, FUNCTION, Traits

_FAMILY = "Functions"
_X = (Input("X"),)
_FALLS_OR_RISES = "In front of a quantizer, by evaluation: thresholds where it is monotonic, else a table."
_NOT_ZERO = Legal("a finite number other than 0", lambda value: math.isfinite(value) and value != 0)


def _function(
    name: str,
    versions: tuple[int, ...],
    *attributes: Attribute,
    does: str = _FALLS_OR_RISES,
    traits: Traits = FUNCTION,
) -> Contract:
    return Contract(name, _FAMILY, does, (Form(versions, _X, attributes),), traits=traits)


def _alpha(default: float, legal: Legal = FINITE) -> Attribute:
    return Attribute("alpha", "float", default, legal)


_POWER = (Input("X"), Input("Y", NUMBERS, constant=True))

OPERATORS = (
    _function("Abs", (6, 13), traits=ELEMENTWISE),
    _function("Acos", (7, 22)),
    _function("Acosh", (9, 22)),
    _function("Asin", (7, 22)),
    _function("Asinh", (9, 22)),
    _function("Atan", (7, 22)),
    _function("Atanh", (9, 22)),
    _function("Celu", (12,), _alpha(1.0, _NOT_ZERO)),
    _function("Cos", (7, 22)),
    _function("Cosh", (9, 22)),
    _function("Elu", (6, 22), _alpha(1.0)),
    _function("Erf", (9, 13)),
    _function("Exp", (6, 13)),
    _function("Gelu", (20,), Attribute("approximate", "string", "none", one_of("none", "tanh"))),
    _function("HardSwish", (14, 22)),
    _function("Log", (6, 13)),
    _function("Mish", (18, 22)),
    Contract(
        "Pow",
        _FAMILY,
        "As the others; one exponent, or one per channel.",
        (Form((7, 12, 13, 15), _POWER),),
        traits=replace(FUNCTION, broadcasts=True),
    ),
    _function("Reciprocal", (6, 13), traits=ELEMENTWISE),
    _function(
        "Selu",
        (6, 22),
        _alpha(1.67326319217681884765625),
        Attribute("gamma", "float", 1.05070102214813232421875, FINITE),
    ),
    _function("Shrink", (9,), Attribute("bias", "float", 0.0, FINITE), Attribute("lambd", "float", 0.5, FINITE)),
    _function(
        "Sigmoid",
        (6, 13),
        does="After the scores, left to the host; elsewhere in front of a quantizer, as the others.",
        traits=replace(FUNCTION, left_to_host=True),
    ),
    _function("Sin", (7, 22)),
    _function("Sinh", (9, 22)),
    _function("Softplus", (1, 22)),
    _function("Softsign", (1, 22)),
    _function("Sqrt", (6, 13)),
    _function("Swish", (24,), _alpha(1.0)),
    _function("Tan", (7, 22)),
    _function("Tanh", (6, 13)),
    _function("ThresholdedRelu", (10, 22), _alpha(1.0)),
)
