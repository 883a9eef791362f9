"""A case that fails becomes a small one that fails in the same way, and is kept as a fixture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from tests.support.cases import Case, check_case
from tests.support.conv_nets import ConvNet
from tests.support.shrinking import check_or_shrink, shrink

pytestmark = pytest.mark.usefixtures("built_soon")
CASE = Case(
    ConvNet(
        ("conv", "subtract", "pool_after"),
        (3, 5, 6),
        activation_bits=2,
        weight_bits=4,
        first_bits=8,
        seed=5,
    ),
    "uint8",
)
SMALLEST = Case(
    ConvNet(
        ("conv", "subtract", "pool_after"),
        (1, 1, 1),
        input_bits=1,
        flatten=False,
        left_out=(0, 2),
        most_channels=2,
        seed=5,
    ),
    None,
    parallel=False,
)


def subtracts(case: Case) -> bool:
    return any(node.op_type == "Sub" for node in case.net.model().graph.node)


def test_all_that_can_go_is_gone() -> None:
    assert shrink(CASE, subtracts) == SMALLEST


def test_what_stays_is_what_it_was() -> None:
    """Leaving a block out does not draw the others anew, so that what fails in them still does."""
    whole, part = (ConvNet(CASE.net.blocks, CASE.net.shape, left_out=left_out).model() for left_out in ((), (2,)))
    for constant, same in zip(part.graph.initializer, whole.graph.initializer, strict=False):
        if constant.dims != same.dims:
            break
        assert constant.raw_data == same.raw_data
    assert len(part.graph.node) < len(whole.graph.node)


def test_it_stops_in_time() -> None:
    seen: list[Case] = []

    def fails(case: Case) -> bool:
        seen.append(case)
        return len(seen) % 2 == 0

    shrink(CASE, fails, tries=7)
    assert len(seen) == len(set(seen)) == 7


def add_instead(project: Path) -> None:
    """A unit that adds what it should subtract."""
    source = project / "rtl" / "bnn_add.sv"
    text = source.read_text() if source.is_file() else ""
    if text:
        changed = text.replace("sum = sum - term1", "sum = sum + term1")
        assert changed != text
        source.write_text(changed)


@pytest.mark.slow
def test_a_fault_in_hardware_is_kept_as_a_fixture(tmp_path: Path) -> None:
    net = replace(SMALLEST.net, shape=(2, 3, 3), input_bits=8, left_out=(2,), seed=6)
    case = replace(SMALLEST, net=net, parallel=True)
    with pytest.raises(AssertionError) as caught:
        check_or_shrink(case, tmp_path, add_instead)
    kept = tmp_path / "smallest"
    assert any(str(kept) in note and "fixtures/regressions" in note for note in caught.value.__notes__)
    about = (kept / "case.yaml").read_text()
    assert "parallel=False" in about
    assert "seed: 6" in about
    assert any(node.op_type == "Sub" for node in onnx.load(kept / "net.onnx").graph.node)
    with pytest.raises(AssertionError):
        check_case(kept, tmp_path / "again", add_instead)
    check_case(kept, tmp_path / "mended")
