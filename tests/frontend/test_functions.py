"""A model's own functions, written out: what they mean, what nodes and tensors are called, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, FunctionProto, helper, numpy_helper

import bnnfpga
from bnnfpga.frontend.clean import clean
from bnnfpga.frontend.reading.dialects import normalise
from bnnfpga.golden.check.inlining import written_out
from tests.support.nets import DOMAIN

OURS = "blocks"
IMPORTS = [helper.make_opsetid("", 13), helper.make_opsetid(DOMAIN, 1), helper.make_opsetid(OURS, 1)]


def _refers(node: onnx.NodeProto, name: str, to: str) -> onnx.NodeProto:
    node.attribute.append(AttributeProto(name=name, ref_attr_name=to, type=AttributeProto.FLOAT))
    return node


def _node(
    kind: str, inputs: str, outputs: str, name: str = "", domain: str = "", **attributes: object
) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), outputs.split(), name=name, domain=domain, **attributes)


def _activation() -> FunctionProto:
    return helper.make_function(
        OURS, "Activation", ["a", "scale"], ["q"], [_node("BipolarQuant", "a scale", "q", "quant", DOMAIN)], IMPORTS, []
    )


def _block() -> FunctionProto:
    """A layer, with a function in it, and an attribute that has a default."""
    nodes = [
        _node("BipolarQuant", "w scale", "signs", domain=DOMAIN),
        _node("MatMul", "x signs", "m", "product"),
        _node("Add", "m bias", "b"),
        _refers(_node("LeakyRelu", "b", "r", "leaky"), "alpha", "slope"),
        _node("Activation", "r scale", "y", "activation", OURS),
    ]
    default = helper.make_attribute("slope", 0.5)
    return helper.make_function(OURS, "Block", ["x", "w", "bias", "scale"], ["y"], nodes, IMPORTS, [], [default])


def _model(functions: list[FunctionProto], *extra: onnx.NodeProto) -> onnx.ModelProto:
    rng = np.random.default_rng(0)
    nodes = [
        _node("Activation", "x one", "bits", "first", OURS),
        _node("Block", "bits w1 b1 one", "m", "second", OURS),
        _node("Block", "m w2 b2 one", "u", "", OURS, slope=-2.0),
        *extra,
        _node("BipolarQuant", "w3 one", "w3q", domain=DOMAIN),
        _node("MatMul", "u w3q", "y", "last"),
    ]
    sizes = {"w1": (16, 12), "w2": (12, 8), "w3": (8, 4), "b1": (12,), "b2": (8,)}
    values = {name: np.float32(3 * rng.standard_normal(shape)) for name, shape in sizes.items()}
    constants = [numpy_helper.from_array(value, name) for name, value in values.items()]
    constants.append(numpy_helper.from_array(np.float32(1), "one"))
    info = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "net", [info("x", 1, [1, 16])], [info("y", 1, [1, 4])], constants)
    return helper.make_model(graph, functions=functions, opset_imports=IMPORTS, ir_version=9)


def _expected(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """The net in numpy; the second block falls below zero."""
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    signs = {name: np.where(value >= 0, 1, -1) for name, value in weights.items()}
    bits = np.where(x >= 0, 1, -1)
    for layer, slope in (("1", 0.5), ("2", -2.0)):
        made = bits @ signs[f"w{layer}"] + weights[f"b{layer}"]
        bits = np.where(np.where(made < 0, slope * made, made) >= 0, 1, -1)
    result: np.ndarray = bits @ signs["w3"]
    return result


def _compile(model: onnx.ModelProto, folder: Path) -> bnnfpga.Project:
    onnx.save(model, folder / "net.onnx")
    return bnnfpga.compile(folder / "net.onnx", folder / "project")


def test_functions_are_written_out(tmp_path: Path) -> None:
    model = _model([_activation(), _block()])
    project = _compile(model, tmp_path)
    assert not project.warnings
    x = np.random.default_rng(1).standard_normal((40, 16)).astype(np.float32)
    result = project.simulate(x, backend="emulator")
    assert result.mismatches == 0
    np.testing.assert_array_equal(result.values, _expected(model, x))


def test_names_tell_the_calls_and_both_readings_agree_on_them() -> None:
    model = _model([_activation(), _block()])
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    normalise(copy)
    names = [node.name for node in copy.graph.node]
    assert len(set(names)) == len(names)
    assert {"first/quant", "second/product", "second/activation/quant", "Block_2/leaky"} <= {*names}
    assert [node.name or node.output[0] for node, _ in written_out(model)] == [
        name if name != "BipolarQuant_3" else "w3q" for name in names
    ]
    assert [list(node.output) for node, _ in written_out(model)] == [list(node.output) for node in copy.graph.node]


def test_outputs_that_are_inputs_and_calls_that_leave_some_away(tmp_path: Path) -> None:
    both = helper.make_function(
        OURS, "Both", ["a", "low", "high"], ["a", "b"], [_node("Clip", "a low high", "b")], IMPORTS, []
    )
    call = helper.make_node("Both", ["u", ""], ["", "v"], name="both", domain=OURS)
    through = helper.make_node("Both", ["v"], ["z"], name="through", domain=OURS)
    model = _model([_activation(), _block(), both], call, through)
    model.graph.node[-1].input[0] = "z"
    x = np.random.default_rng(1).standard_normal((40, 16)).astype(np.float32)
    np.testing.assert_array_equal(_compile(model, tmp_path).simulate(x, backend="emulator").values, _expected(model, x))


def test_a_function_of_another_opset(tmp_path: Path) -> None:
    """Axes are attributes there."""
    nodes = [_node("Unsqueeze", "a", "b", axes=[0]), _node("Squeeze", "b", "c", axes=[0])]
    older = helper.make_function(OURS, "Older", ["a"], ["c"], nodes, [helper.make_opsetid("", 11)], [])
    model = _model([_activation(), _block(), older], _node("Older", "u", "v", "older", OURS))
    model.graph.node[-1].input[0] = "v"
    x = np.random.default_rng(1).standard_normal((40, 16)).astype(np.float32)
    project = _compile(model, tmp_path)
    assert not project.warnings
    np.testing.assert_array_equal(project.simulate(x, backend="emulator").values, _expected(model, x))


def test_functions_that_stand_for_qonnx_operators_are_not_needed(tmp_path: Path) -> None:
    """So that other runtimes run the file; its integers are those of the operator."""
    nodes = [
        _node("Constant", "", "zero", value_float=0.0),
        _node("GreaterOrEqual", "x zero", "above"),
        _node("Neg", "scale", "negative"),
        _node("Where", "above scale negative", "y"),
    ]
    body = helper.make_function(DOMAIN, "BipolarQuant", ["x", "scale"], ["y"], nodes, IMPORTS, [])
    model = _model([_activation(), _block(), body])
    project = _compile(model, tmp_path)
    assert not project.warnings
    x = np.random.default_rng(1).standard_normal((40, 16)).astype(np.float32)
    np.testing.assert_array_equal(project.simulate(x, backend="emulator").values, _expected(model, x))


def _changed(function: FunctionProto, index: int, **fields: object) -> FunctionProto:
    for name, value in fields.items():
        if isinstance(value, list):
            getattr(function.node[index], name)[:] = value
        else:
            setattr(function.node[index], name, value)
    return function


REFUSED = {
    "node": (
        [_activation(), _changed(_block(), 1, op_type="Einsum")],
        "node 'product' .Einsum. in function 'Block', called by node 'second' .Block.: operators of this kind",
    ),
    "nested": (
        [_changed(_activation(), 0, op_type="Quantum"), _block()],
        "node 'quant' .Quantum. in function 'Activation', called by node 'first'.*no operator 'Quantum'",
    ),
    "itself": (
        [_changed(_activation(), 0, op_type="Block", domain=OURS, input=["a", "a", "a", "scale"]), _block()],
        "node 'activation' .* in function 'Block', called by node 'quant' .*the function 'Activation' calls itself",
    ),
    "missing": ([_block()], "node 'first' .Activation.: the model has no function 'Activation' of the domain 'blocks'"),
    "outside": (
        [_changed(_activation(), 0, input=["a", "one"]), _block()],
        "node 'quant' .*its input 'first/one' is made by no node",
    ),
    "operands": (
        [helper.make_function(OURS, "Activation", ["a"], ["q"], [_node("Relu", "a", "q")], IMPORTS, []), _block()],
        "node 'first' .Activation.: it has 2 inputs and 1 outputs, where the function 'Activation' has 1 and 1",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_name_the_call(case: str) -> None:
    functions, words = REFUSED[case]
    with pytest.raises(bnnfpga.UserError, match=words):
        clean(_model(functions))


def test_names_that_are_not_text_are_refused(tmp_path: Path) -> None:
    data = _model([_activation(), _block()]).SerializeToString().replace(b"leaky", b"lea\x80y")
    (tmp_path / "net.onnx").write_bytes(data)
    with pytest.raises(bnnfpga.UserError, match="a name in it is not text"):
        bnnfpga.compile(tmp_path / "net.onnx", tmp_path / "project")


def test_functions_that_grow_without_bounds_are_refused() -> None:
    doubling = []
    for depth in range(40):
        nodes = [_node(f"F{depth + 1}", one, two, "", OURS) for one, two in ("ab", "bc")]
        doubling.append(helper.make_function(OURS, f"F{depth}", ["a"], ["c"], nodes, IMPORTS, []))
    last = helper.make_function(OURS, "F40", ["a"], ["c"], [_node("Relu", "a", "c")], IMPORTS, [])
    model = _model([_activation(), _block(), *doubling, last], _node("F0", "u", "v", "", OURS))
    model.graph.node[-1].input[0] = "v"
    with pytest.raises(bnnfpga.UserError, match="its functions make more than 16,384 nodes"):
        clean(model)


def test_top_k_as_finn_inserts_it(tmp_path: Path) -> None:
    """With its input of opset 10, in a file of opset 9."""
    model = _model([_activation(), _block()], _node("BipolarQuant", "w3 one", "signs", domain=DOMAIN))
    del model.graph.node[-2:]
    model.graph.node.extend(
        [_node("MatMul", "u signs", "scores"), _node("TopK", "scores k", "top y", axis=-1, largest=1, sorted=1)]
    )
    model.graph.initializer.append(numpy_helper.from_array(np.int64([1]), "k"))
    model.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    for entry in (model.opset_import[0], *(function.opset_import[0] for function in model.functions)):
        entry.version = 9
    project = _compile(model, tmp_path)
    assert not [text for text in project.warnings if "not compared" in text]
    x = np.random.default_rng(1).standard_normal((40, 16)).astype(np.float32)
    classes = project.simulate(x, backend="emulator").classes
    np.testing.assert_array_equal(classes.ravel(), _expected(model, x).argmax(axis=1))
