"""Operators that move numbers without computing any."""

from __future__ import annotations

from bnnfpga.frontend.contract.terms import (
    ANYTHING,
    COUNT,
    DISTINCT,
    FINITE,
    FLAG,
    INTEGERS,
    MOVED,
    SIZES,
    Attribute,
    Contract,
    Form,
    Input,
    Legal,
    Rule,
    one_of,
)
from bnnfpga.frontend.contract.traits import MOVING, REGROUPING, Traits

_LAYOUT, _CHANNELS, _PIXELS = "Layouts", "Channels", "Pixels"
_DATA = Input("data", MOVED)
_PICKING = Traits(moves=True, picks=True)


def _axes(name: str = "axes", *, optional: bool = False) -> Input:
    return Input(name, INTEGERS, optional=optional, constant=True)


def _axis(default: int) -> Attribute:
    return Attribute("axis", "int", default)


_DEPTH_1 = Form((1,), (Input("input", MOVED),), (Attribute("blocksize", "int", None, COUNT, required=True),))
_LISTED = Attribute("axes", "ints", None, DISTINCT)
_FROM_21 = (21, 23, 24, 25)
_RESHAPE_5 = Form((5, 13), (_DATA, _axes("shape")))
_FROM_THE_FRONT = Legal("0 or more", lambda axis: axis >= 0)
_FLATTEN_1 = Form(
    (1, 9), (_DATA,), (Attribute("axis", "int", 1, _FROM_THE_FRONT, instead="count axes from the front"),)
)
_SQUEEZE_1 = Form((1, 11), (_DATA,), (_LISTED,))
_UNSQUEEZE_1 = Form((1, 11), (_DATA,), (Attribute("axes", "ints", None, DISTINCT, required=True),))
_CONCAT = Form((4, 11, 13), (Input("inputs", MOVED, many=True),), (Attribute("axis", "int", required=True),))
_SPLIT_2 = Form((2, 11), (_DATA,), (_axis(0), Attribute("split", "ints", None, SIZES)))
_SPLIT_13 = Form((13,), (_DATA, _axes("split", optional=True)), (_axis(0),))
_SLICE_1 = Form(
    (1,),
    (_DATA,),
    (
        Attribute("axes", "ints", None, DISTINCT),
        Attribute("starts", "ints", required=True),
        Attribute("ends", "ints", required=True),
    ),
)
_SLICE_10 = Form(
    (10, 11, 13), (_DATA, _axes("starts"), _axes("ends"), _axes("axes", optional=True), _axes("steps", optional=True))
)
_PAD_MODE = Attribute(
    "mode",
    "string",
    "constant",
    one_of("constant", "reflect", "edge"),
)
_PAD_2 = Form(
    (2,), (_DATA,), (_PAD_MODE, Attribute("pads", "ints", required=True), Attribute("value", "float", 0.0, FINITE))
)
_PAD_VALUE = Input("constant_value", MOVED, optional=True, constant=True)
_PAD_11 = Form((11, 13), (_DATA, _axes("pads"), _PAD_VALUE), (_PAD_MODE,))
_MODE_10 = Attribute("mode", "string", "nearest", one_of("nearest", "linear"))
_MODE_11 = Attribute("mode", "string", "nearest", one_of("nearest", "linear", "cubic"))
_SCALES = Input("scales", "float", constant=True)


def _coordinates(*modes: str) -> Attribute:
    return Attribute(
        "coordinate_transformation_mode",
        "string",
        "half_pixel",
        one_of("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", *modes),
        why="it crops",
        instead="slice the image in front of it",
    )


_RESIZE_11 = Form(
    (11,),
    (
        _DATA,
        Input("roi", ANYTHING, optional=True),
        Input("scales", "float", optional=True, constant=True),
        _axes("sizes", optional=True),
    ),
    (
        _MODE_11,
        _coordinates("tf_half_pixel_for_nn"),
        Attribute(
            "nearest_mode",
            "string",
            "round_prefer_floor",
            one_of("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"),
        ),
        Attribute("cubic_coeff_a", "float", -0.75),
        Attribute("exclude_outside", "int", 0, FLAG),
        Attribute("extrapolation_value", "float", 0.0),
    ),
    (
        Rule(
            "its attribute 'exclude_outside' is 1 and its mode is not cubic",
            lambda values: not values["exclude_outside"] or values["mode"] == "cubic",
            "leave 'exclude_outside' out",
        ),
    ),
)
_RESIZE_13 = _RESIZE_11.since(13, without=("coordinate_transformation_mode",), more=(_coordinates(),))
_RESIZE_18 = _RESIZE_13.since(
    18,
    more=(
        Attribute("antialias", "int", 0, one_of(0), why="it filters before it resizes", instead="leave it out"),
        _LISTED,
        Attribute(
            "keep_aspect_ratio_policy",
            "string",
            "stretch",
            one_of("stretch"),
            why="its sizes are limits, not sizes",
            instead="give the scales, or the sizes that come out",
        ),
    ),
)
_RESIZE_19 = _RESIZE_18.since(
    19, without=("coordinate_transformation_mode",), more=(_coordinates("half_pixel_symmetric"),)
)
_NEAREST_PIXELS = (
    "Nearest: each new pixel is the one that ONNX's formula picks. Linear and cubic: of a single pixel, or after the "
    "last layer, left to the host."
)
_PICKS = (
    "Of channels in any order; of rows, columns or samples in rising order, in any order in frames of up to 8,192 bits"
)

OPERATORS = (
    Contract(
        "Reshape",
        _LAYOUT,
        "Keeps the order of the elements, and the batch axis.",
        (_RESHAPE_5, _RESHAPE_5.since(14, 19, *_FROM_21, more=(Attribute("allowzero", "int", 0, FLAG),))),
        traits=REGROUPING,
    ),
    Contract(
        "Flatten",
        _LAYOUT,
        "Keeps the order of the elements.",
        (_FLATTEN_1, Form((11, 13, *_FROM_21), (_DATA,), (_axis(1),))),
        traits=REGROUPING,
    ),
    Contract(
        "Squeeze",
        _LAYOUT,
        "Not of the batch axis.",
        (_SQUEEZE_1, Form((13, *_FROM_21), (_DATA, _axes(optional=True)))),
        traits=REGROUPING,
    ),
    Contract(
        "Unsqueeze",
        _LAYOUT,
        "Not in front of the batch axis.",
        (_UNSQUEEZE_1, Form((13, *_FROM_21), (_DATA, _axes()))),
        traits=REGROUPING,
    ),
    Contract(
        "Transpose",
        _LAYOUT,
        "Of weights; of images at the ends, or in front of a dense layer; elsewhere of frames of up to 8,192 bits.",
        (Form((1, 13, *_FROM_21), (_DATA,), (Attribute("perm", "ints", None, DISTINCT),)),),
        traits=Traits(transposes=True, reorders=True, moves=True),
    ),
    Contract(
        "SpaceToDepth",
        _LAYOUT,
        "Blocks of pixels become channels: at the ends by the host's order, elsewhere by a window unit.",
        (Form((1, 13), (Input("input", MOVED),), (Attribute("blocksize", "int", None, COUNT, required=True),)),),
        traits=Traits(reorders=True, moves=True),
    ),
    Contract(
        "DepthToSpace",
        _LAYOUT,
        "Channels become blocks of pixels: at the ends by the host's order, elsewhere by joining rows.",
        (_DEPTH_1, _DEPTH_1.since(11, 13, more=(Attribute("mode", "string", "DCR", one_of("DCR", "CRD")),))),
        traits=Traits(reorders=True, spreads=True, moves=True),
    ),
    Contract(
        "Concat",
        _CHANNELS,
        "Along any axis but the batch; parts may be constants.",
        (_CONCAT,),
        traits=Traits(concatenates=True),
    ),
    Contract(
        "Gather",
        _CHANNELS,
        f"{_PICKS}, by constant indices; of rows of a constant, by the input: an embedding.",
        (Form((1, 11, 13), (_DATA, Input("indices", INTEGERS)), (_axis(0),)),),
        traits=_PICKING,
    ),
    Contract(
        "Split",
        _CHANNELS,
        "Of channels, rows, columns or samples.",
        (_SPLIT_2, _SPLIT_13, _SPLIT_13.since(18, more=(Attribute("num_outputs", "int"),))),
        some=True,
        traits=MOVING,
    ),
    Contract("Slice", _CHANNELS, f"{_PICKS}.", (_SLICE_1, _SLICE_10), traits=MOVING),
    Contract("Expand", _PIXELS, "Along axes of one element.", (Form((8, 13), (_DATA, _axes("shape"))),), traits=MOVING),
    Contract(
        "Tile",
        _PIXELS,
        "Of channels, and of axes of one element; else of frames of up to 8,192 bits.",
        (Form((6, 13), (_DATA, _axes("repeats"))),),
        traits=MOVING,
    ),
    Contract(
        "Pad",
        _PIXELS,
        "Of channels, rows, columns or samples, with a multiple of the scale.",
        (_PAD_2, _PAD_11, _PAD_11.since(18, 19, *_FROM_21, inputs=(*_PAD_11.inputs, _axes(optional=True)))),
        traits=Traits(pads=True),
    ),
    Contract(
        "Resize",
        _PIXELS,
        _NEAREST_PIXELS,
        (Form((10,), (_DATA, _SCALES), (_MODE_10,)), _RESIZE_11, _RESIZE_13, _RESIZE_18, _RESIZE_19),
        traits=_PICKING,
    ),
    Contract(
        "Upsample",
        _PIXELS,
        _NEAREST_PIXELS,
        (
            Form((7,), (_DATA,), (_MODE_10, Attribute("scales", "floats", required=True))),
            Form((9,), (_DATA, _SCALES), (_MODE_10,)),
        ),
        last=9,
    ),
)
