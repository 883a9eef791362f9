"""Units that read each vector in several passes: beats narrower than a step, one bank and two, words in registers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pytest

from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.numbers.integers import IntegerType
from tests.support.unit_test import UnitTest

BIPOLAR, UINT2 = IntegerType.bipolar(), IntegerType.interval(0, 3)
RNG = np.random.default_rng(0)


def unit(
    mw: int,
    mh: int,
    pe: int,
    simd: int,
    lanes: int | None = None,
    *,
    type: IntegerType = BIPOLAR,
    positions: tuple[int, ...] = (),
    kernel: tuple[int, int] = (1, 1),
) -> MatrixVector:
    weights = RNG.choice([-1, 1], (mh, mw))
    return MatrixVector("unit", weights, type, positions, pe=pe, simd=simd, kernel=kernel, source_lanes=lanes)


class TestNarrowBeats(UnitTest):
    """As many lanes as the producer has; the external input comes every cycle, or with gaps."""

    kind: ClassVar[str] = "matrix_vector"
    units: ClassVar[Mapping[str, Operator]] = {
        "two banks": unit(20, 6, 2, 4, 2, positions=(3,)),
        "more beats than steps": unit(15, 4, 2, 5, 1, type=UINT2),
        "one bank": unit(27, 4, 2, 3, positions=(2, 2), kernel=(3, 3)),
        "registers": unit(12, 4, 2, 12, 2, positions=(4,)),
        "as many beats as passes": unit(12, 6, 2, 12, 4, positions=(4,)),
    }


@pytest.mark.parametrize(("lanes", "taken"), [(1, 1), (2, 2), (3, 3), (6, 6), (8, 12), (12, 12), (24, 12), (None, 12)])
def test_lanes_that_make_up_a_step_are_taken(lanes: int | None, taken: int) -> None:
    assert unit(24, 4, 2, 12, lanes).input_lanes == taken
    assert unit(24, 4, 4, 12, lanes).input_lanes == 12
