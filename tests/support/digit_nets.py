"""The examples and the published nets for handwritten digits."""

from __future__ import annotations

from pathlib import Path

import bnnfpga
from tests.support.data import EXAMPLES, shared

NETS = {
    "mlp_64": (EXAMPLES / "mnist_mlp" / "mlp_64.onnx", 64, 0.925),
    "mlp_256": (EXAMPLES / "mnist_mlp" / "mlp_256.onnx", 256, 0.970),
    "mlp_64_w1a2": (EXAMPLES / "mnist_mlp" / "mlp_64_w1a2.onnx", 64, 0.96),
    "mlp_64_in8": (EXAMPLES / "mnist_mlp" / "mlp_64_in8.onnx", 64, 0.95),
    "cnn": (EXAMPLES / "mnist_cnn" / "cnn.onnx", 3528, 0.9786),
    "finn_tutorial_tfc": ("models/finn_tutorial_tfc/model.onnx", 64, 0.9296),
    "TFC_1W1A": ("models/TFC_1W1A.onnx", 64, 0.9296),
    "TFC_1W2A": ("models/TFC_1W2A.onnx", 64, 0.9474),
    "TFC_2W2A": ("models/TFC_2W2A.onnx", 196, 0.9660),
    "lfc_w1a1": ("models/lfc_w1a1_mnist.onnx.gz", 128, 0.9834),
}
"""By name: the model, the cycles per frame that it is compiled for, and its accuracy or a lower bound of it."""


def compiled(name: str, folder: Path) -> tuple[bnnfpga.Project, float]:
    """Compile one of these nets, with bytes as images, to a project in `folder`; returns it and its accuracy."""
    source, cycles, accuracy = NETS[name]
    model = shared(source) if isinstance(source, str) else source
    # The tutorial's net divides its pixels itself.
    scale = "1" if name == "finn_tutorial_tfc" else "1/255"
    return bnnfpga.compile(model, folder / "project", cycles=cycles, input="uint8", input_scale=scale), accuracy
