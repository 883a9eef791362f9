"""Layers: dot products, pools, and means over pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bnnfpga.frontend.contract.terms import (
    COUNT,
    COUNTS,
    DISTINCT,
    FINITE,
    FLAG,
    INTEGERS,
    SIZES,
    Attribute,
    Contract,
    Form,
    Input,
    Legal,
    Rule,
    one_of,
)
from bnnfpga.frontend.contract.traits import Traits

_DOT, _POOL = "Layers", "Pools"
_X = (Input("X"),)
_MODES = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")


def _one_kind_of_pads(values: Mapping[str, Any]) -> bool:
    return values["auto_pad"] == "NOTSET" or not any(values["pads"] or ())


def _same_without_dilation(values: Mapping[str, Any]) -> bool:
    return not values["auto_pad"].startswith("SAME") or all(step == 1 for step in values["dilations"] or ())


def _pads_below_kernel(values: Mapping[str, Any]) -> bool:
    kernel = values["kernel_shape"]
    return all(pad < size for pad, size in zip(values["pads"] or (), [*kernel, *kernel], strict=False))


_AUTO_PAD = Attribute("auto_pad", "string", "NOTSET", one_of(*_MODES), instead="export with explicit pads")
_UNPADDED = Attribute("auto_pad", "string", "NOTSET", one_of("NOTSET", "VALID"), instead="export with explicit pads")
_OUTPUT_SHAPE = Attribute(
    "output_shape", "ints", None, Legal("nothing", lambda shape: not shape), instead="export with explicit pads"
)
_PADS = Attribute("pads", "ints", None, SIZES, instead="pad with sizes from 0 on")
_STRIDES = Attribute("strides", "ints", None, COUNTS)
_DILATIONS = Attribute("dilations", "ints", None, COUNTS)
_CEIL = Attribute("ceil_mode", "int", 0, FLAG)
_EITHER_PADS = Rule(
    "it has both pads and auto_pad", _one_kind_of_pads, "export with explicit pads, and auto_pad NOTSET"
)
_SMALL_PADS = Rule("its pads are as large as its kernel", _pads_below_kernel, "use smaller pads, or pad in front of it")
_SAME = Rule(
    "it has dilations and auto_pad SAME, which runtimes read differently",
    _same_without_dilation,
    "export with explicit pads, and auto_pad NOTSET",
)


def _kernel(required: bool) -> Attribute:
    return Attribute("kernel_shape", "ints", None, COUNTS, required)


_GEMM = (
    Attribute("alpha", "float", 1.0, FINITE),
    Attribute("beta", "float", 1.0, FINITE),
    Attribute("transA", "int", 0, one_of(0), why="it would transpose the images", instead="export the layer as Linear"),
    Attribute("transB", "int", 0, FLAG),
)
_GEMM_7 = Form((7, 9), (Input("A"), Input("B"), Input("C", constant=True)), _GEMM)
_MAX_1 = Form((1,), _X, (_AUTO_PAD, _kernel(True), _PADS, _STRIDES), (_EITHER_PADS,))
_ORDER = Attribute("storage_order", "int", 0, FLAG)
_MAX_8 = _MAX_1.since(8, more=(_ORDER,), more_outputs=("Indices",))
_INCLUDE = Attribute("count_include_pad", "int", 0, FLAG)
_AVERAGE_7 = Form((7,), _X, (_AUTO_PAD, _INCLUDE, _kernel(True), _PADS, _STRIDES), (_EITHER_PADS, _SMALL_PADS))
_AVERAGE_10 = _AVERAGE_7.since(10, 11, more=(_CEIL,))
_KEEP = Attribute("keepdims", "int", 1, FLAG)
_AXES = Attribute("axes", "ints", None, DISTINCT)
_REDUCE_1 = Form((1, 11, 13), (Input("data"),), (_AXES, _KEEP))
_REDUCE_13 = Form(
    (13,),
    (Input("data"), Input("axes", INTEGERS, optional=True, constant=True)),
    (_KEEP, Attribute("noop_with_empty_axes", "int", 0, FLAG)),
)
_REDUCE_18 = _REDUCE_13.since(18)
_SUM_1 = replace(_REDUCE_1, versions=(1, 11))
_OF_EXTREMA = (replace(_REDUCE_1, versions=(1, 11, 12, 13)), _REDUCE_13.since(18, 20))


def _global_pool(name: str, does: str) -> Contract:
    return Contract(name, _POOL, does, (Form((1, 22), _X),), traits=Traits(channels_second=True))


def _reduction(name: str, does: str, forms: tuple[Form, ...]) -> Contract:
    return Contract(name, _POOL, does, forms, traits=Traits(reduces=True))


OPERATORS = (
    Contract(
        "MatMul",
        _DOT,
        "A dense layer on vectors, or along one axis of (tokens, features); quantised weights on either side.",
        (Form((1, 9, 13), (Input("A"), Input("B"))),),
        traits=Traits(dot_product=True),
    ),
    Contract(
        "Gemm",
        _DOT,
        "A dense layer on vectors with quantised weights: alpha * (A @ B) + beta * C.",
        (_GEMM_7, _GEMM_7.since(11, 13, inputs=(Input("A"), Input("B"), Input("C", optional=True, constant=True)))),
    ),
    Contract(
        "Conv",
        _DOT,
        "Over rows and columns, or over samples, with quantised weights.",
        (
            Form(
                (1, 11, 22),
                (Input("X"), Input("W"), Input("B", optional=True, constant=True)),
                (_AUTO_PAD, _DILATIONS, Attribute("group", "int", 1, COUNT), _kernel(False), _PADS, _STRIDES),
                (_EITHER_PADS, _SAME),
            ),
        ),
        traits=Traits(dot_product=True, outputs_first=True, slides=True, channels_second=True),
    ),
    Contract(
        "ConvTranspose",
        _DOT,
        "As a Conv that computes the channels of a block of pixels, and a DepthToSpace.",
        (
            Form(
                (1, 11, 22),
                (Input("X"), Input("W"), Input("B", optional=True, constant=True)),
                (
                    _UNPADDED,
                    *(_DILATIONS, Attribute("group", "int", 1, COUNT), _kernel(False)),
                    *(Attribute("output_padding", "ints", None, SIZES), _OUTPUT_SHAPE, _PADS, _STRIDES),
                ),
            ),
        ),
        traits=Traits(channels_second=True),
    ),
    Contract(
        "MaxPool",
        _POOL,
        "Over rows and columns, or over samples; no window may lie outside the image.",
        (_MAX_1, _MAX_8, _MAX_8.since(10, 11, 12, 22, more=(_CEIL, _DILATIONS), rules=(_EITHER_PADS, _SAME))),
        traits=Traits(slides=True, pools=True, takes_extremum=True, channels_second=True),
    ),
    Contract(
        "AveragePool",
        _POOL,
        "Of integers times a scale, or an affine function of them; all windows must have the same divisor.",
        (
            _AVERAGE_7,
            _AVERAGE_10,
            _AVERAGE_10.since(19, 22, more=(_DILATIONS,), rules=(_EITHER_PADS, _SMALL_PADS, _SAME)),
        ),
        traits=Traits(slides=True, pools=True, averages=True, channels_second=True),
    ),
    _global_pool("GlobalMaxPool", "A MaxPool of the whole image."),
    _global_pool("GlobalAveragePool", "An AveragePool of the whole image."),
    _reduction("ReduceMax", "Over rows, columns, samples or channels, in any combination.", _OF_EXTREMA),
    _reduction("ReduceMin", "As ReduceMax.", _OF_EXTREMA),
    _reduction("ReduceMean", "Over the same axes: an AveragePool.", (_REDUCE_1, _REDUCE_18)),
    _reduction("ReduceSum", "Over the same axes, of integers times a scale.", (_SUM_1, _REDUCE_13)),
)
