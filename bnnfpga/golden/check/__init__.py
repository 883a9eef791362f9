"""An independent evaluation of the unmodified file, with which the compiler's results are compared.

`read_file` walks over the file's own nodes and evaluates each in float64: standard operators by onnx's reference
implementation or onnxruntime, in the file's own opset, and only QONNX's operators by code of its own. The integers of
the reading under test (`Claims`) are compared at every quantizer and then replace the check's own, so that each layer
is judged on its actual inputs. A difference is accepted only on a *rounding tie*.

Nothing here imports the compiler's reading of files, so that a mistake there cannot recur here.
"""

from __future__ import annotations

from collections.abc import Collection

import onnx

from bnnfpga.golden.check.file_nodes import FileGraph
from bnnfpga.golden.check.number import Array
from bnnfpga.golden.check.reading import Claims, Difference, FileReading, LayerTies, Scaled, joined
from bnnfpga.golden.check.walk import Walk

__all__ = ["Claims", "Difference", "FileReading", "LayerTies", "Scaled", "file_values", "joined", "read_file"]


def read_file(proto: onnx.ModelProto, x: Array, claims: Claims) -> FileReading:
    """Compare `claims` with the results of an unmodified file on images.

    Parameters
    ----------
    proto
        The model with all tensors embedded; it is not modified.
    x
        float32 (images, *input shape in the file without its batch of one).
    claims
        The results for these images according to the reading under test.
    """
    return Walk(FileGraph(proto), x, claims).run()


def file_values(proto: onnx.ModelProto, x: Array, tensors: Collection[str]) -> dict[str, Array]:
    """The values of tensors of an unmodified file on images, (images, *shape in the file).

    Parameters
    ----------
    proto, x
        As for `read_file`.
    tensors
        Names of tensors that depend on the image. One that cannot be evaluated is left out.
    """
    walk = Walk(FileGraph(proto), x, Claims({}), tensors)
    walk.run()
    return walk.kept
