"""Writing a trained Brevitas model as a QONNX file (needs the extra ``[train]``)."""

from __future__ import annotations

import copy
import logging
import operator
import os
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx

from bnnfpga.base.errors import ResultsDiffer, UserError
from bnnfpga.base.naming import numbered
from bnnfpga.base.output_files import require_writable, write_output
from bnnfpga.frontend.clean import clean
from bnnfpga.golden.file_check import check_file
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.golden.host_joins import leave_joins
from bnnfpga.host.input_format import InputFormat
from bnnfpga.numbers.arithmetic import Floats

if TYPE_CHECKING:
    from torch import nn

INPUT_NAME = "input"
OUTPUT_NAME = "output"
_IMAGES = 64
SHAPE_HINT = "give the shape of one input without the batch, such as (1, 28, 28)"


def export_qonnx(
    torch_model: nn.Module,
    input_shape: Sequence[int],
    path: str | os.PathLike[str],
    *,
    dynamo: bool = True,
) -> Path:
    """Write a Brevitas model as a QONNX file.

    The model is exported as it behaves in eval mode, for one image at a time. `torch_model`
    is left unchanged: training mode, weights and device. The file is written as a whole or
    not at all; an older file at `path` is replaced only by a complete one.
    The file carries neither paths nor stack traces of the machine that wrote it, and the same
    model gives the same bytes again.

    What the file means is compared with what the model gave for 64 random images before it was
    exported, on those about which no decision lies on a rounding tie. Where there is none, or where
    the file cannot be compiled, a warning says so.

    Parameters
    ----------
    torch_model
        A torch module built from Brevitas layers, with one input and one output or a tuple of outputs.
    input_shape
        The shape of one input without the batch, such as ``(1, 28, 28)``.
    path
        The file to write. Its folder must exist.
    dynamo
        Whether to use PyTorch's newer exporter (``torch.export``) or, with False, TorchScript.
        The two write different graphs with the same meaning.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    UserError
        When torch or Brevitas are missing, the folder does not exist or cannot be written to, the
        model cannot be run or exported with this input shape or changes whenever it is run, or the
        file would mean something else than the model.
    ResultsDiffer
        When the compiler reads the file differently from what it says, which is a bug.
    """
    target = Path(path)
    require_writable(target)
    shape = _checked_shape(input_shape)

    images = _images(shape)
    exported, expected = _exported(torch_model, images, dynamo)
    _compare(exported, images, expected)
    data = exported.SerializeToString(deterministic=True)
    write_output(target, data)
    return target


def _checked_shape(input_shape: Sequence[int]) -> tuple[int, ...]:
    try:
        shape = tuple(operator.index(size) for size in input_shape)
    except TypeError:
        shape = ()
    if not shape or min(shape) < 1:
        raise UserError(
            f"the input shape {input_shape!r} is not a row of positive whole numbers",
            where="input_shape",
            hint=SHAPE_HINT,
        )
    return shape


def _images(shape: tuple[int, ...]) -> Floats:
    """Random images with small, medium and large numbers."""
    rng = np.random.default_rng(0)
    amplitudes = np.tile(np.array([1, 1, 4, 64], dtype=np.float32), _IMAGES // 4)
    return amplitudes.reshape(-1, *[1] * len(shape)) * rng.standard_normal((_IMAGES, *shape), dtype=np.float32)


def _compare(exported: onnx.ModelProto, images: Floats, expected: Sequence[Floats]) -> None:
    """Refuse a file that means something else than the model gave."""
    floats = InputFormat.parse(None, None)
    try:
        model = clean(exported)
        golden = GoldenModel(model, floats, leave_joins(model, floats))
    except UserError as error:
        _warn(f"the file cannot be compiled as it is, so it is not compared with the model: {error}")
        return
    reading = check_file(exported, golden, images)
    if reading.difference is not None:
        raise ResultsDiffer(
            f"the compiler reads this differently from what the file says: {reading.difference}",
            where=reading.difference.node,
            hint="please report it with the model",
        )
    result = golden.run(images)
    bounds = [reading.bounds.get(name) for name in golden.file_tensors]
    known = [item for item in bounds if item is not None]
    if [item.size for item in known] != [item.size for item in expected]:
        _warn("the outputs of the file are not those of the model, so they are not compared")
        return
    tied = reading.tied
    if np.all(tied):
        _warn(
            f"a decision about each of {len(images)} random images lies on a rounding tie, so the file is not compared "
            "with the model"
        )
        return
    for arrays in zip(result.values, expected, known, strict=True):
        got, wanted, bound = (array.reshape(len(images), -1) for array in arrays)
        beyond = (np.abs(got - wanted) > 2 * bound) & ~tied[:, None]
        if not np.any(beyond):
            continue
        image, output = (int(place) for place in np.argwhere(beyond)[0])
        raise UserError(
            f"the exported file means something else than the model: output {output} of a random image is "
            f"{got[image, output]:g} in the file and {wanted[image, output]:g} in torch",
            where="export_qonnx",
            hint="nothing was written; a quantizer that is exported otherwise than it computes is the usual cause",
        )


def _warn(sentence: str) -> None:
    warnings.warn(sentence, stacklevel=4)


def _exported(torch_model: nn.Module, images: Floats, dynamo: bool) -> tuple[onnx.ModelProto, list[Floats]]:
    """The exported file, and the model's outputs for some images before the export."""
    try:
        import brevitas.export
        import onnxoptimizer  # noqa: F401  (Brevitas stops half-way without it)
        import torch

        if dynamo:
            import onnxscript  # noqa: F401  (and torch without this one)
    except ImportError as error:
        raise UserError(
            f"exporting a model needs the Python package '{error.name}', which is not installed",
            where="export_qonnx",
            hint="pip install 'bnnfpga[train]'",
        ) from error

    # A copy, because Brevitas leaves modules in its export mode when the export fails.
    model = copy.deepcopy(torch_model).cpu().eval()
    image = torch.zeros((1, *images.shape[1:]))
    try:
        with torch.no_grad():
            # Running it once clamps weights to the range that their quantizer has, which changes no sign.
            model(image)
            state = {name: value.clone() for name, value in model.state_dict().items()}
            outputs = [_arrays(model(torch.from_numpy(one[None]))) for one in images]
    except Exception as error:
        raise UserError(
            f"the model does not run on an input of shape {tuple(image.shape)}: {error}",
            where="input_shape",
            hint=SHAPE_HINT,
        ) from error

    for name, value in model.state_dict().items():
        if name not in state or not torch.equal(value, state[name]):
            raise UserError(
                "the model changes whenever it is run, even in eval mode, so no file can mean the same",
                where=name,
                hint="Brevitas' STATS and AVE scaling of weights with clamped latents does this; use another scaling, "
                "or set tensor_quant = BinaryQuant",
            )
    expected = [np.concatenate(arrays) for arrays in zip(*outputs, strict=True)]
    _refuse_false_bipolar(model)
    options: dict[str, Any] = {"dynamo": dynamo, "verbose": False}
    if dynamo:
        options |= {"optimize": True, "external_data": False}
    with tempfile.TemporaryDirectory() as scratch, _without_notes_on_torchvision():
        try:
            exported: onnx.ModelProto = brevitas.export.export_qonnx(
                model,
                args=image,
                export_path=str(Path(scratch, "model.onnx")),
                input_names=[INPUT_NAME],
                output_names=numbered(OUTPUT_NAME, len(expected)),
                **options,
            )
        except Exception as error:
            raise UserError(
                f"Brevitas cannot export this model: {error}",
                where="export_qonnx",
                hint=f"PyTorch's other exporter may manage it: pass dynamo={not dynamo}",
            ) from error
    _strip_origins(exported)
    return exported, expected


def _arrays(output: Any) -> list[Floats]:
    """A model's outputs as arrays; each may be one of Brevitas' quantised tensors, which are tuples as well."""
    if isinstance(output, tuple | list) and not hasattr(output, "value"):
        return [array for item in output for array in _arrays(item)]
    value = getattr(output, "value", output)
    return [np.asarray(value.detach().cpu().numpy(), dtype=np.float32)]


def _refuse_false_bipolar(model: nn.Module) -> None:
    """Refuse one-bit quantizers that are not -scale and +scale in torch.

    Brevitas 0.13 writes *every* one-bit quantizer as BipolarQuant. But an integer quantizer at
    one bit gives 0 and +scale (unsigned), -scale and 0 (signed), or NaN (signed, narrow range).
    Only here is the torch model at hand to see that the file would mean something else.
    """
    import torch
    from brevitas.proxy.parameter_quant import WeightQuantProxyFromInjector
    from brevitas.proxy.runtime_quant import ActQuantProxyFromInjector

    for name, module in model.named_modules():
        with torch.no_grad():
            if type(module) is ActQuantProxyFromInjector and module.is_quant_enabled:
                scale, bit_width = module.scale(), module.bit_width()
                values = module(scale.max() * torch.linspace(-4.0, 4.0, 17))
                values = getattr(values, "value", values)
            elif type(module) is WeightQuantProxyFromInjector and module.is_quant_enabled:
                weight = module.tracked_module_list[0].quant_weight()
                scale, bit_width, values = weight.scale, weight.bit_width, weight.value
            else:
                continue
            if bit_width == 1 and not bool((values.abs() == scale).all()):
                raise UserError(
                    "this one-bit quantizer gives other values than -scale and +scale in torch, "
                    "but Brevitas would write it as BipolarQuant",
                    where=name,
                    hint="use a binary quantizer, such as SignedBinaryWeightPerTensorConst or "
                    "SignedBinaryActPerTensorConst, or set quant_type = QuantType.BINARY",
                )


@contextmanager
def _without_notes_on_torchvision() -> Iterator[None]:
    """Keep torch from warning that operators of torchvision, unused here, are not registered."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _strip_origins(model: onnx.ModelProto) -> None:
    """Drop what reveals the machine and the sources, at every level: doc strings and metadata."""
    _drop_notes([model, *model.functions])
    _strip_graph(model.graph)
    for function in model.functions:
        _drop_notes(function.value_info)
        _strip_nodes(function.node)


def _strip_graph(graph: onnx.GraphProto) -> None:
    _drop_notes([graph, *graph.input, *graph.output, *graph.value_info, *graph.initializer])
    _strip_nodes(graph.node)


def _strip_nodes(nodes: Iterable[onnx.NodeProto]) -> None:
    for node in nodes:
        _drop_notes([node, *node.attribute])
        for attribute in node.attribute:
            if attribute.HasField("t"):
                _drop_notes([attribute.t])
            for graph in [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]:
                _strip_graph(graph)


def _drop_notes(messages: Iterable[Any]) -> None:
    for message in messages:
        for field in ("doc_string", "metadata_props"):
            if field in message.DESCRIPTOR.fields_by_name:
                message.ClearField(field)
