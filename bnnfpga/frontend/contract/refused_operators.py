"""ONNX operators that are not supported on data that depends on the image: why, and what to use instead."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """Why some operators are refused, as a sentence without its full stop, and what to use instead."""

    why: str
    instead: str
    operators: tuple[str, ...]


RANDOM = ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli")
"""Operators whose results differ from run to run, even on constants."""

_UPSAMPLE = "use nearest upsampling (nn.Upsample with mode='nearest') and a convolution"
_EVAL = "export the trained model in eval mode"
_FIXED = "export the model without control flow, for a fixed size"

REFUSALS = (
    Refusal("it computes the remainder of a division", "compute it in front of the model, or leave it out", ("Mod",)),
    Refusal(
        "it computes statistics of each image",
        "use batch norm, whose statistics are constants",
        (
            *("InstanceNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization"),
            *("MeanVarianceNormalization", "LpNormalization", "LRN"),
        ),
    ),
    Refusal("it spreads each pixel over several", _UPSAMPLE, ("Col2Im", "MaxUnpool")),
    Refusal("it samples pixels at places that are computed", _UPSAMPLE, ("GridSample", "AffineGrid")),
    Refusal("its kernel moves with the image", "use Conv", ("DeformConv",)),
    Refusal("it sums powers of pixels", "use AveragePool", ("LpPool", "GlobalLpPool")),
    Refusal("it pools regions that depend on the image", "use MaxPool", ("MaxRoiPool", "RoiAlign")),
    Refusal(
        "it reduces other than by a largest value, a sum or a mean",
        "use ReduceSum, whose sums a quantizer can follow",
        ("ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"),
    ),
    Refusal("it accumulates sums along an axis", "use a MatMul by a constant triangle of ones", ("CumSum",)),
    Refusal("it accumulates products along an axis", "leave it out", ("CumProd",)),
    Refusal(
        "it has an integer quantisation of its own",
        "export with QONNX quantizers instead; bnnfpga.export_qonnx does",
        (
            *("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul"),
            *("ConvInteger", "MatMulInteger"),
        ),
    ),
    Refusal("it multiplies along named axes", "write it as a MatMul by constant weights", ("Einsum",)),
    Refusal(
        "it multiplies streams by each other",
        "use dense layers and convolutions with constant weights",
        ("Attention", "LinearAttention", "RotaryEmbedding", "Det"),
    ),
    Refusal("it keeps a state between its steps", "unroll it into dense layers", ("RNN", "LSTM", "GRU")),
    Refusal(
        "it keeps a state between calls",
        "use layers that compute each image on its own",
        ("CausalConvWithState", "TensorScatter"),
    ),
    Refusal(
        "it picks elements along several axes at once",
        "use Gather, along one axis",
        ("GatherElements", "GatherND"),
    ),
    Refusal(
        "it writes into a tensor", "put the parts together with Concat", ("Scatter", "ScatterElements", "ScatterND")
    ),
    Refusal("how many elements it gives depends on its input", "use Slice", ("Compress", "Unique")),
    Refusal("it reverses parts of an axis", "use Gather with constant indices", ("ReverseSequence",)),
    Refusal("it crops or pads, depending on sizes", "use Slice to crop, Pad to pad", ("CenterCropPad",)),
    Refusal("it masks elements", "multiply by a constant mask of zeros and ones", ("Trilu",)),
    Refusal("it makes an axis of integers", "use an embedding: Gather from a quantised table", ("OneHot",)),
    Refusal(
        "its result is not a number that a layer can take",
        "compare with numbers, and choose between two with Where: that is a quantizer",
        (
            *("And", "Or", "Xor", "Not", "Equal", "IsInf", "IsNaN", "BitShift"),
            *("BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot", "BitCast"),
            *("NonZero", "Size", "EyeLike", "Range", "ConstantOfShape"),
        ),
    ),
    Refusal("it takes the smallest score", "negate the scores and use ArgMax", ("ArgMin",)),
    Refusal("it marks the largest score", "use ArgMax", ("Hardmax",)),
    Refusal(
        "it selects among boxes",
        "end the model with its boxes and scores, and select behind it",
        ("NonMaxSuppression",),
    ),
    Refusal("it draws at random", _EVAL, RANDOM),
    Refusal("it computes a loss for training", _EVAL, ("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")),
    Refusal("it has subgraphs", _FIXED, ("If", "Loop", "Scan", "SequenceMap")),
    Refusal(
        "it handles sequences or optional values",
        _FIXED,
        (
            *("SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert"),
            *("SequenceLength", "SplitToSequence", "ConcatFromSequence"),
            *("Optional", "OptionalGetElement", "OptionalHasElement"),
        ),
    ),
    Refusal(
        "it preprocesses signals, images or text",
        "do that before the model",
        (
            *("DFT", "STFT", "MelWeightMatrix", "HannWindow", "HammingWindow", "BlackmanWindow", "ImageDecoder"),
            *("TfIdfVectorizer", "StringConcat", "StringNormalizer", "StringSplit", "RegexFullMatch"),
        ),
    ),
)
