"""What a clean graph may hold."""

from __future__ import annotations

from bnnfpga.errors import UserError
from bnnfpga.frontend.final import FINAL
from bnnfpga.frontend.model import Model
from bnnfpga.frontend.nodes import DOT_PRODUCTS, ELEMENTWISE, LAYOUT_OPS, POOLS, describe

SUPPORTED = (*DOT_PRODUCTS, *POOLS, "Concat", "Gather", "Pad", "Resize", "Transpose", *ELEMENTWISE, *LAYOUT_OPS)


def check_supported(model: Model) -> None:
    """Refuse operators that cannot be compiled, and more than one output.

    Raises
    ------
    UserError
        If there is one.
    """
    for node in model.nodes:
        if node.op_type not in SUPPORTED:
            raise UserError("operators of this kind cannot be compiled", where=describe(node), hint=_hint(node.op_type))
    if len(model.outputs) != 1:
        raise UserError(
            f"it has {len(model.outputs)} outputs; one can be compiled",
            where="the model's graph",
            hint="export the model with its scores as the only output",
        )


_INSTEAD = {
    **dict.fromkeys(
        ("Tanh", "Sigmoid", "Softsign"), "in front of a sign it changes nothing: leave it out, or use a Clip"
    ),
    **dict.fromkeys(
        ("HardSwish", "Swish", "Gelu", "Mish", "Elu", "Selu", "Celu", "Softplus"), "use Relu, PRelu or Clip"
    ),
    **dict.fromkeys(
        ("InstanceNormalization", "LayerNormalization", "GroupNormalization"),
        "use batch norm, whose statistics are constants",
    ),
    **dict.fromkeys(
        ("ConvTranspose", "DepthToSpace"), "use nearest upsampling (nn.Upsample with mode='nearest') and a convolution"
    ),
    **dict.fromkeys(("LpPool", "GlobalLpPool", "SpaceToDepth"), "use a pool or a convolution with a stride"),
    "Abs": "it neither rises nor falls throughout: use Relu, PRelu or Clip",
}
"""What does nearly the same and can be compiled."""


def _hint(kind: str) -> str:
    if kind in FINAL and kind not in _INSTEAD:
        return "it can only stand at the end of the model, behind its scores"
    if kind.endswith("QuantizeLinear") or kind == "DequantizeLinear":
        return "export with QONNX quantizers instead; bnnfpga.export_qonnx does"
    supported = f"supported are {', '.join(sorted(SUPPORTED))}, and at the end {', '.join(FINAL)}"
    return _INSTEAD.get(kind, supported)
