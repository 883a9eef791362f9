"""The contract table against onnx, onnxruntime and qonnx: what it takes is equal, all else is refused by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from bnnfpga.base.errors import UserError
from bnnfpga.frontend.checking.supported import SUPPORTED
from bnnfpga.frontend.clean import clean
from bnnfpga.frontend.contract.page import operators_page
from bnnfpga.frontend.contract.table import QONNX, REFUSED, STANDARD
from bnnfpga.frontend.contract.terms import MODERN, NEWEST, OLDEST, Contract
from bnnfpga.frontend.graph.nodes import EMBEDDING, UNARY
from bnnfpga.frontend.reading.well_formed import check_well_formed
from bnnfpga.golden.golden_model import GoldenModel
from tests.support import contract_refusals
from tests.support.contract_cases import CASES, Case, cases
from tests.support.contract_refusals import Refused, schema_versions
from tests.support.data import ROOT
from tests.support.final import final_operators
from tests.support.spelled import Spelled, expected

IMAGES = 3
NEWEST_ONNX = onnx.defs.onnx_opset_version()


@pytest.mark.parametrize("operator", STANDARD.values(), ids=STANDARD)
def test_every_change_of_a_schema_is_accounted_for(operator: Contract) -> None:
    known = [version for version in operator.versions if version <= NEWEST_ONNX]
    assert known == list(schema_versions()[operator.name])
    for form in operator.forms:
        for version in filter(lambda version: version <= NEWEST_ONNX, form.versions):
            _check_schema(operator, form.first, onnx.defs.get_schema(operator.name, version))


def _check_schema(operator: Contract, first: int, schema: onnx.defs.OpSchema) -> None:
    form = operator.form(first)
    assert form is not None
    assert len(form.inputs) == len(schema.inputs)
    # Exporters left the region of a Resize empty before it was optional.
    if (operator.name, first) != ("Resize", 11):
        assert [role.optional for role in form.inputs] == [item.option.name == "Optional" for item in schema.inputs]
    outputs = 2 if operator.gives == "ranked" else 1 + len(form.more_outputs)
    assert outputs == len(schema.outputs)
    # Constants of texts and sparse ones are no numbers.
    known = {item.name: item for item in form.attributes}
    assert set(known) == set(schema.attributes) - {"value_string", "value_strings", "sparse_value"}
    for name, attribute in known.items():
        in_schema = schema.attributes[name]
        assert attribute.required == in_schema.required
        assert attribute.kind.upper() == in_schema.type.name or attribute.kind == "type"
        default = in_schema.default_value
        value = onnx.helper.get_attribute_value(default) if default.name else None
        value = value.decode() if isinstance(value, bytes) else value
        assert attribute.default == (pytest.approx(value) if isinstance(value, float) else value)


def test_every_operator_of_onnx_is_taken_or_refused() -> None:
    assert NEWEST >= NEWEST_ONNX, "the table does not know this onnx's newest operators"
    assert not set(schema_versions()) - set(STANDARD) - set(REFUSED)
    assert not set(STANDARD) & set(REFUSED)
    assert set(SUPPORTED) <= set(STANDARD) | set(QONNX) | {UNARY, EMBEDDING}
    assert set(CASES) == set(STANDARD) | set(QONNX)


def test_no_operator_means_something_else_behind_the_modern_opset() -> None:
    """What a later form adds is one value alone, or a type of elements; one operator is younger as a whole."""
    later = {(name, form.first) for name, op in STANDARD.items() for form in op.forms if form.first > MODERN}
    assert later == {("Cast", 24), ("CastLike", 24), ("Swish", 24)}


Outcome = str | None
"""None: refused; `equal`; else the difference."""


def _outcome(case: Case) -> Outcome:
    net, proto = case.net()
    x = net.inputs(IMAGES)
    try:
        model = clean(proto)
        golden = GoldenModel(model).run(x.astype(np.float32))
    except UserError as error:
        return None if str(error.where).startswith("node '") else f"refused nowhere: {error}"
    for got, wanted in zip(golden.values, expected(proto, x), strict=True):
        if got.size != wanted.size or (got.dtype.kind == "i") != (wanted.dtype.kind == "i"):
            return f"{got.dtype} of shape {got.shape} for {wanted.dtype} of shape {wanted.shape}"
        if not np.allclose(got.reshape(wanted.shape), wanted, rtol=1e-5, atol=1e-6):
            return f"off by {np.abs(got.reshape(wanted.shape) - wanted).max()}"
    return "equal"


def _attributes(case: Case) -> str:
    form = case.operator.form(case.version)
    assert form is not None
    names = {item.name for item in form.attributes}
    return f"{case.operator.name}-{case.version} {sorted((k, str(v)) for k, v in case.setting if k in names)}"


REFUSED_FOR_SHAPES = {
    *("AveragePool", "MaxPool", "Conv", "Resize", "ArgMax", "Softmax", "LogSoftmax", "Cast", "CastLike", "Where"),
    *("Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Split"),
}
"""Operators some of whose settings do not fit the shapes or numbers around them, which the table does not know."""


def test_what_is_taken_is_equal() -> None:
    """Every operator, at every version of its schema, with many attributes: not one is silently different."""
    found = [(case, _outcome(case)) for case in cases() if case.version <= NEWEST_ONNX]
    wrong = {case.name: outcome for case, outcome in found if outcome not in (None, "equal")}
    assert not wrong
    equal = [case for case, outcome in found if outcome == "equal"]
    assert {(case.operator.name, case.version) for case, _ in found} == {(c.operator.name, c.version) for c in equal}
    assert len({_attributes(case) for case in equal}) >= 1000
    assert {case.operator.name for case, outcome in found if outcome is None} <= REFUSED_FOR_SHAPES


REFUSALS: dict[str, tuple[Callable[[], Iterator[Refused]], int]] = {
    "operators": (contract_refusals.operators, 240),
    "attributes": (contract_refusals.attributes, 1000),
    "element types": (contract_refusals.element_types, 400),
    "versions": (contract_refusals.versions, 30),
}


def _refusal(proto: onnx.ModelProto) -> UserError | None:
    try:
        GoldenModel(clean(proto))
    except UserError as error:
        return error
    return None


@pytest.mark.parametrize("kind", REFUSALS)
def test_what_is_not_in_the_table_is_refused_by_name(kind: str) -> None:
    make, least = REFUSALS[kind]
    refused = [item for item in make() if item.version <= NEWEST_ONNX]
    for item in refused:
        what = f"{item.operator}-{item.version}, {item.what}"
        error = _refusal(item.proto)
        assert error is not None, f"{what} is taken"
        assert error.where == f"node '{item.node}' ({item.operator})", what
        assert item.names in f"{error.where} {error.message}", what
        assert error.hint, what
    assert len(refused) >= least


@pytest.mark.parametrize("opset", [1, 3, 6, NEWEST + 1])
def test_opsets_beyond_the_table_are_refused_as_a_whole(opset: int) -> None:
    """Before opset 7, operators broadcast by the attributes `axis` and `broadcast`."""
    net = Spelled(17, (1, 4))
    net.end(net.dense(net.quant("x", 4, 0.5), 4))
    proto = net.model()
    proto.opset_import[0].version = opset
    with pytest.raises(UserError, match=f"of opset {opset}; opsets {OLDEST} to") as caught:
        check_well_formed(proto)
    assert caught.value.where == "the model"


def test_old_broadcasting_is_refused_at_its_node() -> None:
    net = Spelled(7, (1, 6))
    x = net.node("Add", net.dense(net.quant("x", 4, 0.5), 6), net.constant(1.0), axis=1, broadcast=1)
    net.end(x)
    with pytest.raises(UserError, match="attribute 'axis', which Add of opset 7 does not have"):
        clean(net.model())


@pytest.mark.parametrize("kind", ["Max", "Min", "Sum", "Mean"])
def test_operands_of_one_shape_where_nothing_broadcasts(kind: str) -> None:
    for opset, taken in ((7, False), (8, True)):
        net = Spelled(opset, (1, 6))
        net.end(net.quant(net.node(kind, net.dense(net.quant("x", 4, 0.5), 6), net.constant(0.5)), 8, 0.25))
        if taken:
            clean(net.model())
            continue
        with pytest.raises(UserError, match="different shapes") as caught:
            clean(net.model())
        assert f"({kind})" in str(caught.value.where)


def _integer_net(kind: int, *operations: tuple[str, int | None]) -> Spelled:
    """Integers, some operations on them, a cast to float and a layer."""
    net = Spelled(17, (1, 6), kind=kind)
    x = "x"
    for operation, to in operations:
        if operation == "Cast":
            x = net.node("Cast", x, to=to)
        elif operation == "Reshape":
            x = net.node("Reshape", x, net.integers([1, 6]))
        else:
            x = net.node(operation, x, net.constant(2, onnx.helper.tensor_dtype_to_np_dtype(kind)))
    net.end(net.dense(net.quant(net.node("Cast", x, to=TensorProto.FLOAT), 8, 1.0), 6))
    return net


@pytest.mark.parametrize("kind", [TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32, TensorProto.INT64])
def test_integers_that_are_only_moved_and_cast_are_what_they_are(kind: int) -> None:
    net = _integer_net(kind, ("Reshape", None), ("Cast", TensorProto.INT64), ("Reshape", None))
    proto, x = net.model(), net.inputs(8)
    golden = GoldenModel(clean(proto)).run(x.astype(np.float32))
    np.testing.assert_array_equal(golden.outputs[0], expected(proto, x)[0])


@pytest.mark.parametrize("operation", ["Div", "Mul", "Add", "Sub", "Max"])
@pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.INT32])
def test_arithmetic_on_integers_is_refused_at_its_node(operation: str, kind: int) -> None:
    """Integer division rounds, and int32 wraps: float32 would give other numbers."""
    with pytest.raises(UserError, match=r"operand 'x' is int\d\d, where float32") as caught:
        clean(_integer_net(kind, (operation, None)).model())
    assert f"({operation})" in str(caught.value.where)
    assert "x.float()" in str(caught.value.hint)


def test_arithmetic_on_the_class_is_refused() -> None:
    net = Spelled(17, (1, 6))
    top = net.node("ArgMax", net.dense(net.quant("x", 4, 0.5), 6), axis=1)
    net.end(net.node("Add", top, net.integers(1)), kinds=(TensorProto.INT64,))
    with pytest.raises(UserError, match="is the class"):
        clean(net.model())


def test_a_cast_of_the_class_that_holds_it_is_taken() -> None:
    for kind, taken in ((TensorProto.INT32, True), (TensorProto.UINT8, True), (TensorProto.BOOL, False)):
        net = Spelled(17, (1, 6))
        top = net.node("ArgMax", net.dense(net.quant("x", 4, 0.5), 6), axis=1)
        net.end(net.node("Cast", top, to=kind), kinds=(kind,))
        if taken:
            assert final_operators(clean(net.model())) == ("ArgMax", "Cast")
        else:
            with pytest.raises(UserError, match="'to' is bool"):
                clean(net.model())


def test_parameters_that_float32_would_round_are_refused() -> None:
    for scale, taken in ((0.5, True), (0.1, False)):
        net = Spelled(17, (1, 6))
        numbers = [net.constant(number, np.float64) for number in (scale, 0.0, 4.0)]
        x = net.node(
            "Quant", "x", *numbers, domain="qonnx.custom_op.general", signed=1, narrow=0, rounding_mode="ROUND"
        )
        net.end(net.dense(x, 6))
        if taken:
            clean(net.model())
        else:
            with pytest.raises(UserError, match="is double, and no number of float32"):
                clean(net.model())


def test_any_operator_may_work_on_constants_alone() -> None:
    """They are computed at the file's own opset, whatever they are; random ones are no constants."""
    net = Spelled(9, (1, 6))
    weights = net.node("Tanh", net.node("Tile", net.constant(net.rng.standard_normal((6, 1))), net.integers([1, 4])))
    first, second = net.node("Split", weights, outputs=2, axis=1, split=[2, 2]), net.last_outputs[1]
    weights = net.node("Concat", second, first, axis=1)
    net.end(net.node("MatMul", net.quant("x", 4, 0.5), net.bipolar(weights)))
    proto, x = net.model(), net.inputs(8)
    np.testing.assert_array_equal(GoldenModel(clean(proto)).run(x).outputs[0], expected(proto, x)[0])

    net = Spelled(9, (1, 6))
    noise = net.node("RandomNormalLike", net.constant(np.zeros((1, 6))))
    net.end(net.dense(net.quant(net.node("Add", "x", noise), 4, 0.5), 6))
    with pytest.raises(UserError, match="draws at random"):
        clean(net.model())


def test_a_clip_by_attributes_keeps_its_bounds() -> None:
    """Before opset 11; and the bounds that it does not have are the largest numbers, not infinity."""
    net = Spelled(10, (1, 6))
    x = net.node("Mul", net.node("Mul", net.dense(net.quant("x", 4, 0.5), 6), net.constant(3e38)), net.constant(1e9))
    x = net.node("Div", net.node("Clip", x, min=-1e38), net.constant(3e38))
    net.end(net.quant(x, 8, 0.0625))
    proto, inputs = net.model(), net.inputs(8)
    with np.errstate(all="ignore"):
        want = expected(proto, inputs)[0]
    np.testing.assert_array_equal(GoldenModel(clean(proto)).run(inputs).outputs[0], want)


@pytest.mark.parametrize("scale", [2.0, 2.1, 2.3])
def test_a_resize_repeats_by_its_scale_not_by_its_shape(scale: float) -> None:
    """Three rows times 2.1 are six, and not each row twice."""
    net = Spelled(13, (1, 2, 3, 3))
    x = net.node(
        "Resize",
        net.quant("x", 4, 0.5),
        "",
        net.constant([1, 1, scale, scale]),
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )
    net.end(net.node("Conv", x, net.weights(2, 2, 1, 1)))
    proto, inputs = net.model(), net.inputs(4)
    np.testing.assert_allclose(GoldenModel(clean(proto)).run(inputs).outputs[0], expected(proto, inputs)[0])


MISFITS: dict[str, tuple[Callable[[Spelled, str], str], str]] = {
    "Gather": (lambda net, x: net.node("Gather", x, net.integers([0, 1]), axis=5), "axis 5 is not an axis"),
    "Concat": (lambda net, x: net.node("Concat", x, axis=5), "axis 5 is not an axis"),
    "Split": (lambda net, x: net.node("Split", x, net.integers([2, 2]), outputs=2, axis=-5), "axis -5 is not an axis"),
    "Slice": (
        lambda net, x: net.node("Slice", x, net.integers([0]), net.integers([2]), net.integers([5])),
        r"axes \[5\] is not a list",
    ),
    "Flatten": (lambda net, x: net.node("Flatten", x, axis=5), "axis 5 is not an axis"),
    "Transpose": (lambda net, x: net.node("Transpose", x, perm=[0, 5, 2, 3]), "perm .* is not a list"),
    "ReduceMean": (lambda net, x: net.node("ReduceMean", x, axes=[2, 3, -1]), "axes .* different axes"),
    "Unsqueeze": (lambda net, x: net.node("Unsqueeze", x, net.integers([2, 2])), "tensor with 6 axes"),
    "Squeeze": (lambda net, x: net.node("Squeeze", x, net.integers([7])), "tensor with 4 axes"),
    "Softmax": (lambda net, x: net.node("Softmax", net.flat_dense(x, 36), axis=3), "axis 3 is not an axis"),
    "Clip": (lambda net, x: net.node("Clip", x, net.constant([[[0.5]], [[1.0]]] * 2)), "not scalars"),
    "Conv": (lambda net, x: net.node("Conv", x, net.weights(4, 2, 1, 1), group=3), "do not fit 3 groups"),
}


@pytest.mark.parametrize("kind", MISFITS)
def test_what_does_not_fit_its_operands_is_refused(kind: str) -> None:
    """Whether or not onnx's shape inference notices."""
    build, message = MISFITS[kind]
    net = Spelled(13, (1, 4, 3, 3))
    net.end(build(net, net.quant("x", 4, 0.5)))
    with pytest.raises(UserError, match=message) as caught:
        GoldenModel(clean(net.model()))
    assert f"({kind})" in str(caught.value.where)


@pytest.mark.parametrize("index", [[0, 4], [-5]])
def test_channels_that_there_are_not(index: list[int]) -> None:
    net = Spelled(13, (1, 4, 3, 3))
    net.end(net.node("Gather", net.quant("x", 4, 0.5), net.integers(index), axis=1))
    with pytest.raises(UserError, match="of 4"):
        GoldenModel(clean(net.model()))


@pytest.mark.parametrize(
    ("start", "end", "step", "width"),
    [(1, -9, 1, 0), (-9, 3, 1, 3), (-9, -9, -1, 1), (9, 0, -1, 3), (9, -9, -2, 2), (0, 2**62, 3, 2)],
)
def test_slices_beyond_the_channels_are_onnxs(start: int, end: int, step: int, width: int) -> None:
    net = Spelled(13, (1, 4, 3, 3))
    ranges = [net.integers([number]) for number in (start, end, 1, step)]
    x = net.node("Slice", net.quant("x", 4, 0.5), *ranges)
    net.end(x if not width else net.node("Conv", x, net.weights(3, width, 1, 1)))
    proto, inputs = net.model(), net.inputs(3)
    if width:
        np.testing.assert_array_equal(GoldenModel(clean(proto)).run(inputs).outputs[0], expected(proto, inputs)[0])
    else:
        with pytest.raises(UserError, match="has no elements"):
            clean(proto)


def test_a_file_that_imports_no_version_of_qonnx_has_the_one_that_fits() -> None:
    for numbers, version in (((0.25, 0.0, 6.0, 4.0), 1), ((0.25, 0.0, 6.0, 1.0, 4.0), 2)):
        net = Spelled(17, (1, 6), qonnx=version)
        x = net.node("Trunc", net.quant("x", 6, 0.25), *map(net.constant, numbers), domain="qonnx.custom_op.general")
        net.end(net.dense(x, 6))
        proto, inputs = net.model(), net.inputs(4)
        want = expected(proto, inputs)[0]
        del proto.opset_import[1]
        np.testing.assert_array_equal(GoldenModel(clean(proto)).run(inputs).outputs[0], want)


def test_later_versions_of_qonnx_are_refused() -> None:
    net = Spelled(17, (1, 6), qonnx=3)
    net.end(net.dense(net.quant("x", 4, 0.5), 6))
    with pytest.raises(UserError, match="version 3 of QONNX's operators; versions up to 2") as caught:
        clean(net.model())
    assert "(Quant)" in str(caught.value.where)


def test_trunc_has_the_inputs_of_its_version() -> None:
    for numbers, version in (((0.25, 0.0, 6.0, 4.0), 2), ((0.25, 0.0, 6.0, 1.0, 4.0), 1)):
        net = Spelled(17, (1, 6), qonnx=version)
        x = net.node("Trunc", net.quant("x", 6, 0.25), *map(net.constant, numbers), domain="qonnx.custom_op.general")
        net.end(net.dense(x, 6))
        with pytest.raises(UserError, match=f"where Trunc of version {version} has"):
            clean(net.model())


def test_the_page_of_operators_is_that_of_the_table() -> None:
    """`python -m bnnfpga.frontend.contract.page > docs/operators.md` writes it."""
    assert (ROOT / "docs" / "operators.md").read_text() == operators_page()


def test_legal_values_are_legal() -> None:
    for operator in (*STANDARD.values(), *QONNX.values()):
        for form in operator.forms:
            for attribute in form.attributes:
                assert attribute.default is None or attribute.legal.holds(attribute.default), (operator.name, attribute)
                assert all(attribute.legal.holds(value) for value in attribute.legal.values)
                assert not (isinstance(attribute.default, float) and math.isnan(attribute.default))
