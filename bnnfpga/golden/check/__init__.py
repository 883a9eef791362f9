"""An independent reading of the unmodified file: what everything else of this package is compared with.

`read_file` walks over the file's own nodes and evaluates each in float64: standard operators by onnx's reference
implementation or by onnxruntime, in the file's own opset, and only QONNX's operators by code of its own. Somebody
else's integers (`Claims`) are compared at every quantizer and take the place of the check's own, so that each layer is
judged by what it gets. A difference is accepted only on a *rounding tie*.

Nothing here imports anything of how the compiler reads files: a mistake there must not be made twice.
"""

from __future__ import annotations

import onnx

from bnnfpga.golden.check.file_nodes import FileGraph
from bnnfpga.golden.check.number import Array
from bnnfpga.golden.check.reading import Claims, Difference, FileReading, LayerTies, Scaled, joined
from bnnfpga.golden.check.walk import Walk

__all__ = ["Claims", "Difference", "FileReading", "LayerTies", "Scaled", "joined", "read_file"]


def read_file(proto: onnx.ModelProto, x: Array, claims: Claims) -> FileReading:
    """Compare `claims` with what an unmodified file means on images.

    Parameters
    ----------
    proto
        The model, all its tensors inside; it is left as it is.
    x
        float32 (images, *input shape in the file without its batch of one).
    claims
        What somebody says that the file gives for these images.
    """
    return Walk(FileGraph(proto), x, claims).run()
