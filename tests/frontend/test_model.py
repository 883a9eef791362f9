"""The graph's index: after any edits it is that of the graph, and nothing is remembered that no longer follows."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnnfpga.frontend.graph.model import Model, Node, make_node
from bnnfpga.frontend.graph.protos import from_proto, to_proto
from bnnfpga.frontend.graph.transform import Transform, apply_transforms

EDITS = ("insert", "remove", "input", "output", "replace", "become", "constant", "boundary", "unread", "facts")


def _model() -> Model:
    model = Model("x", ["y"], 21)
    model.append(make_node("Relu", ["x"], ["a"], name="a"))
    model.append(make_node("Add", ["a", "a"], ["b"], name="b"), make_node("Neg", ["a"], ["c"], name="c"))
    model.append(make_node("Mul", ["b", "c"], ["y"], name="y"))
    return model


def _length(model: Model, tensor: str) -> int:
    """How many nodes lie on the longest way to a tensor; a Neg begins anew."""

    def follow(at: str) -> tuple[int, bool] | list[str]:
        node = model.producer(at)
        if node is None or node.op_type == "Neg":
            return 0, False
        missing = [name for name in node.input if not model.knows("length", name)]
        return missing or (1 + max(model.known("length", name) for name in node.input), True)

    return int(model.fact("length", tensor, follow))


def _check(model: Model) -> None:
    nodes = model.nodes
    assert len(model) == len(nodes)
    for tensor in {name for node in nodes for name in (*node.input, *node.output)}:
        makers = [node for node in nodes if tensor in node.output]
        assert model.producer(tensor) is (makers[0] if makers else None)
        assert set(model.consumers(tensor)) == {node for node in nodes if tensor in node.input}
        assert model.is_read(tensor) == (bool(model.consumers(tensor)) or tensor in model.outputs)
        # What is remembered is what a graph without memory says.
        assert _length(model, tensor) == _length(model.copy(), tensor)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_edits(data: st.DataObject) -> None:
    model = _model()
    _check(model)
    for number in range(data.draw(st.integers(1, 12))):
        nodes = model.nodes
        if not nodes:
            break
        node = nodes[data.draw(st.integers(0, len(nodes) - 1))]
        place = nodes.index(node)
        # Only what stands in front may be read, so that the graph has no circle.
        before = ["x", *(name for item in nodes[:place] for name in item.output)]
        source = data.draw(st.sampled_from(before))
        fresh = model.fresh_name("t")
        edit = data.draw(st.sampled_from(EDITS))
        if edit == "insert":
            model.insert_before(node, make_node("Relu", [source], [fresh], name=f"n{number}"))
        elif edit == "remove":
            model.replace_input(node.output[0], source)
            model.remove(node)
        elif edit == "input":
            model.set_input(node, data.draw(st.integers(0, len(node.input) - 1)), source)
        elif edit == "output":
            model.replace_input(node.output[0], fresh)
            model.set_output(node, fresh)
        elif edit == "replace":
            model.replace(
                node,
                make_node("Relu", [source], [fresh], name=f"n{number}a"),
                make_node("Add", [fresh, source], node.output, name=f"n{number}b"),
            )
        elif edit == "become":
            model.become(node, "Relu" if node.op_type == "Neg" else "Neg")
        elif edit == "constant":
            model.set_input(node, 0, model.add_constant("c", 1))
        elif edit == "boundary":
            model.set_boundary(outputs=[node.output[0]])
        elif edit == "unread":
            model.remove_unread(*nodes)
        else:
            assert _length(model, node.output[0]) >= 0
        _check(model)
        model.sort()
        _check(model)


def test_sorting_keeps_an_order_that_is_one() -> None:
    model = _model()
    names = [node.name for node in model.nodes]
    model.sort()
    assert [node.name for node in model.nodes] == names
    last = model.nodes[-1]
    model.move_before(model.nodes[0], last)
    model.sort()
    assert [node.name for node in model.nodes] == names


def test_names_are_never_given_twice() -> None:
    model = _model()
    model.remove(model.nodes[-1])
    assert model.fresh_name("y") == "y_1"
    assert model.fresh_name("y") == "y_2"
    assert model.fresh_name("z") == "z"
    assert model.fresh_name("z") == "z_1"


def test_a_file_and_back() -> None:
    model = _model()
    model.set_shape("x", [1, 4])
    model.set_input(model.nodes[1], 1, model.add_constant("k", np.ones(4, np.float32)))
    model.set_attributes(model.nodes[0], axes=[1, 2], mode="some", alpha=0.5)
    proto = to_proto(model)
    again = from_proto(onnx.ModelProto.FromString(proto.SerializeToString()))
    assert to_proto(again).SerializeToString() == proto.SerializeToString()
    assert again.nodes[0].attributes == {"axes": [1, 2], "mode": "some", "alpha": 0.5}
    np.testing.assert_array_equal(again.constant("k"), np.ones(4, np.float32))


class _RemoveNegs(Transform):
    """Neg goes away."""

    kinds = ("Neg",)

    def visit(self, model: Model, node: Node) -> bool:
        model.replace_input(node.output[0], node.input[0])
        model.remove(node)
        return True


class _Swap(Transform):
    """Two Relus in a row become one: only the second of them sees it."""

    def visit(self, model: Model, node: Node) -> bool:
        above = model.producer(node.input[0])
        if node.op_type != "Relu" or above is None or above.op_type != "Relu":
            return False
        model.set_input(node, 0, above.input[0])
        model.remove_unread(above)
        return True


@pytest.mark.parametrize("together", [True, False])
def test_transforms_reach_a_fixed_point(together: bool) -> None:
    model = Model("x", ["t9"], 21)
    for index in range(10):
        kind = "Neg" if index % 3 == 1 else "Relu"
        model.append(make_node(kind, ["x" if not index else f"t{index - 1}"], [f"t{index}"], name=f"n{index}"))
    steps = (_Swap(), _RemoveNegs())
    if together:
        assert apply_transforms(model, *steps)
    else:
        assert all([apply_transforms(model, _RemoveNegs()), apply_transforms(model, _Swap())])
    assert [node.op_type for node in model.nodes] == ["Relu"]
    assert model.nodes[0].input == ("x",)
    assert not apply_transforms(model, *steps)
