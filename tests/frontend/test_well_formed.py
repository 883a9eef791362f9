"""Files whose graph is no graph: each is refused with the node or tensor that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.clean import clean, load
from bnnfpga.frontend.reading.read import read_source
from tests.support.nets import DenseNet, NetWriter

NET = DenseNet((6, 5, 3), activation_bits=2, bias=True)
Change = Callable[[onnx.ModelProto], object]


def node_of(model: onnx.ModelProto, kind: str) -> onnx.NodeProto:
    return next(node for node in model.graph.node if node.op_type == kind)


def change_attribute(model: onnx.ModelProto, kind: str, name: str, value: object) -> None:
    node = node_of(model, kind)
    kept = [item for item in node.attribute if item.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute(name, value)])


def refer(model: onnx.ModelProto) -> None:
    node_of(model, "Quant").attribute[0].ref_attr_name = "signed"


def twice(model: onnx.ModelProto) -> None:
    node = node_of(model, "Quant")
    node.attribute.append(node.attribute[0])


def announce(model: onnx.ModelProto) -> None:
    node_of(model, "Quant").attribute[0].type = AttributeProto.STRING


def circle(model: onnx.ModelProto) -> None:
    node_of(model, "MatMul").input[0] = model.graph.node[-1].output[0]


def second_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1, 6]))


def second_constant(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(model.graph.initializer[0])


def second_maker(model: onnx.ModelProto) -> None:
    model.graph.node[-1].output[0] = model.graph.node[0].output[0]


def sequence(model: onnx.ModelProto) -> None:
    type = helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, None).type
    model.graph.input[0].type.CopyFrom(type)


def subgraph(model: onnx.ModelProto) -> None:
    node_of(model, "MatMul").attribute.append(helper.make_attribute("then_branch", model.graph))


def sparse(model: onnx.ModelProto) -> None:
    values = numpy_helper.from_array(np.ones(1, np.float32), "s")
    places = numpy_helper.from_array(np.zeros(1, np.int64), "p")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [4]))


CHANGES: dict[str, tuple[Change, str, str]] = {
    "no nodes": (lambda m: m.graph.ClearField("node"), "the model has no nodes", "graph"),
    "no output": (lambda m: m.graph.ClearField("output"), "the model has no output", "graph"),
    "unknown IR version": (lambda m: setattr(m, "ir_version", 99), "IR version 99", "the model"),
    "no IR version": (lambda m: m.ClearField("ir_version"), "IR version 0", "the model"),
    "new opset": (lambda m: setattr(m.opset_import[0], "version", 99), "opset 99", "the model"),
    "negative opset": (lambda m: setattr(m.opset_import[0], "version", -1), "opset -1", "the model"),
    "two inputs": (second_input, "the model has 2 inputs, 'x', 'more'", "graph"),
    "input of another kind": (sequence, "not a tensor of a known type", "tensor 'x'"),
    "input of no type": (lambda m: m.graph.input[0].ClearField("type"), "not a tensor of a known type", "tensor 'x'"),
    "constant of no type": (lambda m: m.graph.initializer[0].ClearField("data_type"), "unknown type 0", "tensor 'c0'"),
    "constant of a new type": (
        lambda m: setattr(m.graph.initializer[0], "data_type", 999),
        "unknown type 999",
        "tensor 'c0'",
    ),
    "short constant": (
        lambda m: setattr(m.graph.initializer[1], "raw_data", b"abcd"),
        "its numbers cannot be read",
        "tensor 'c1'",
    ),
    "sparse constants": (sparse, "sparse", "graph"),
    "constant twice": (second_constant, "two tensors have this name", "tensor 'c0'"),
    "tensor made twice": (second_maker, "is made elsewhere too", "node 'n"),
    "output of nothing": (lambda m: setattr(m.graph.output[0], "name", "z"), "no node makes it", "output 'z'"),
    "output twice": (lambda m: m.graph.output.append(m.graph.output[0]), "is listed twice", "output 'y'"),
    "circle": (circle, "is made only by a node behind it", "(MatMul)"),
    "node without outputs": (
        lambda m: node_of(m, "MatMul").ClearField("output"),
        "it has no output",
        "(MatMul)",
    ),
    "quantizer without a scale": (
        lambda m: node_of(m, "BipolarQuant").input.pop(),
        "it has 1 input, where",
        "BipolarQuant",
    ),
    "quantizer with an empty input": (
        lambda m: node_of(m, "Quant").input.__setitem__(3, ""),
        "it has no input 'bitwidth'",
        "(Quant)",
    ),
    "attribute of another type": (
        lambda m: change_attribute(m, "Quant", "rounding_mode", 3),
        "'rounding_mode' is of type INT, where Quant has STRING",
        "(Quant)",
    ),
    "attribute that holds two": (announce, "not of the type that it announces", "attribute '"),
    "attribute of a function": (refer, "refers to a function's attribute", "(Quant), attribute"),
    "attribute twice": (twice, "is listed twice", "(Quant), attribute"),
    "graph inside": (subgraph, "graphs of their own", "(MatMul)"),
    "odd transpose": (
        lambda m: change_attribute(m, "Transpose", "perm", [0, 1, 2]),
        "",
        "(Transpose)",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_refused(tmp_path: Path, case: str) -> None:
    change, message, where = CHANGES[case]
    model = NET.model()
    change(model)
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(UserError) as caught:
        load(path)
    error = caught.value
    assert message in error.message
    assert error.where is not None
    assert error.where.startswith(f"{path}, ")
    assert where in error.where
    assert error.hint


def test_a_node_whose_input_is_made_by_no_node(tmp_path: Path) -> None:
    model = NET.model()
    node_of(model, "MatMul").input[0] = "nothing"
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(UserError, match="its input 'nothing' is made by no node") as caught:
        read_source(tmp_path / "net.onnx")
    assert "(MatMul)" in str(caught.value.where)


def test_nodes_without_names_and_constants_among_the_inputs_are_fine() -> None:
    model = NET.model()
    for node in model.graph.node:
        node.name = ""
    for tensor in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    assert clean(model).input == "x"


# -- constants that cannot be computed ---------------------------------------------------------------------------------


def dense(net: NetWriter, weights: str) -> str:
    return net.node("MatMul", net.bipolar("x"), net.bipolar(weights))


@pytest.mark.parametrize(
    ("kind", "value", "operand", "message"),
    [
        ("Reshape", np.ones(12), [5, 3], "it cannot be computed from its constants"),
        ("Expand", np.ones(()), [1 << 20, 1 << 20], "a constant of 1,099,511,627,776 elements"),
        ("Gather", np.ones((4, 3)), 9, "it cannot be computed from its constants"),
    ],
)
def test_constants_that_cannot_be(kind: str, value: np.ndarray, operand: object, message: str) -> None:
    net = NetWriter()
    dense(net, net.node(kind, net.constant(value), net.constant(operand, np.int64)))
    with pytest.raises(UserError) as caught:
        clean(net.model((4,), "y"))
    assert message in caught.value.message
    assert f"({kind})" in str(caught.value.where)
    assert caught.value.hint


def test_shapes_of_data_are_constants() -> None:
    net = NetWriter()
    shape = net.node("Shape", "x", start=1)
    target = net.node("Concat", net.constant([1], np.int64), shape, axis=0)
    weights = net.bipolar(net.constant(np.ones((4, 3))))
    net.node("MatMul", net.bipolar(net.node("Reshape", "x", target)), weights)
    assert "Shape" not in {node.op_type for node in clean(net.model((4,), "y")).nodes}
