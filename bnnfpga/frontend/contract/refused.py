"""ONNX's operators that are not taken where they read what depends on the image: why, and what to do instead."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """Why some operators are refused, as a sentence without its full stop; and what to do instead."""

    why: str
    instead: str
    operators: tuple[str, ...]


_BN = "use batch norm, whose statistics are constants"

RANDOM = ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli")
"""Operators that give other numbers each time, of constants too."""

REFUSALS = (
    Refusal("it computes the remainder of a division", "compute it in front of the model, or leave it out", ("Mod",)),
    Refusal(
        "it computes statistics of each image",
        _BN,
        (
            *("InstanceNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization"),
            *("MeanVarianceNormalization", "LpNormalization", "LRN"),
        ),
    ),
    Refusal(
        "it spreads pixels",
        "use nearest upsampling (nn.Upsample with mode='nearest') and a convolution",
        ("ConvTranspose", "DepthToSpace", "Col2Im", "MaxUnpool", "GridSample", "AffineGrid"),
    ),
    Refusal(
        "it is no MaxPool, AveragePool or Conv",
        "use a pool or a convolution with a stride",
        ("LpPool", "GlobalLpPool", "SpaceToDepth", "DeformConv", "MaxRoiPool", "RoiAlign"),
    ),
    Refusal(
        "it sums or compares along an axis",
        "use a pool, a convolution, ReduceMax, ReduceMean or ReduceSum",
        (
            *("ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare", "CumSum"),
            "CumProd",
        ),
    ),
    Refusal(
        "it has an integer quantisation of its own",
        "export with QONNX quantizers instead; bnnfpga.export_qonnx does",
        (
            *("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul"),
            *("ConvInteger", "MatMulInteger"),
        ),
    ),
    Refusal(
        "it multiplies or mixes streams",
        "use dense layers and convolutions",
        ("Einsum", "Attention", "LinearAttention", "RotaryEmbedding", "CausalConvWithState", "TensorScatter", "Det"),
    ),
    Refusal("it keeps a state between its steps", "unroll it into dense layers", ("RNN", "LSTM", "GRU")),
    Refusal(
        "it moves numbers otherwise than along one axis",
        "pick with Gather, Slice or Split, and join with Concat",
        (
            *("GatherElements", "GatherND", "Scatter", "ScatterElements", "ScatterND", "Compress"),
            *("ReverseSequence", "CenterCropPad", "Trilu", "Unique", "OneHot"),
        ),
    ),
    Refusal(
        "its result is not a number that a layer can take",
        "compare with numbers, and choose between two with Where: that is a quantizer",
        (
            *(
                "And",
                "Or",
                "Xor",
                "Not",
                "Equal",
                "IsInf",
                "IsNaN",
                "BitShift",
                "BitwiseAnd",
                "BitwiseOr",
                "BitwiseXor",
            ),
            *("BitwiseNot", "BitCast", "NonZero", "Size", "EyeLike", "Range", "ConstantOfShape"),
        ),
    ),
    Refusal(
        "it takes another end than the largest score",
        "use ArgMax or TopK, or end the model with its scores",
        ("ArgMin", "Hardmax", "NonMaxSuppression"),
    ),
    Refusal(
        "it draws at random, or is for training",
        "export the trained model in eval mode",
        (
            *RANDOM,
            *("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"),
        ),
    ),
    Refusal(
        "it has subgraphs, or handles sequences",
        "export the model without control flow, for a fixed size",
        (
            *("If", "Loop", "Scan", "SequenceMap", "SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase"),
            *("SequenceInsert", "SequenceLength", "SplitToSequence", "ConcatFromSequence", "Optional"),
            *("OptionalGetElement", "OptionalHasElement"),
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
