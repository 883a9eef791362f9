"""FPGAs as data."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.cli.main import app
from bnnfpga.cli.terminal import run
from bnnfpga.dataflow.fabrics import FAMILIES
from bnnfpga.synthesis.boards import boards
from bnnfpga.tuning.part import find_part, known_parts


def test_every_family_has_parts_and_every_board_has_one() -> None:
    assert {part.family for part in known_parts().values()} == set(FAMILIES)
    for board in boards().values():
        assert board.part.startswith(find_part(board.part).name)


def test_a_part_with_package_and_speed_grade() -> None:
    part = find_part("XC7A35TCPG236-1")
    assert (part.name, part.family) == ("xc7a35t", "xc7")
    assert part.resources == {"lut": 20800, "ff": 41600, "bram18": 100, "dsp": 90}
    assert find_part("hx8k").resources["bram18"] == 32


@pytest.mark.parametrize(
    ("name", "lut", "ff", "block_rams", "kbit", "dsp"),
    [
        ("xc7z020", 53200, 106400, 140, 36, 220),
        ("xc7a100t", 63400, 126800, 135, 36, 240),
        ("xc7s6", 3752, 7504, 5, 36, 10),
        ("xczu3eg", 70560, 141120, 216, 36, 360),
        ("xck26", 117120, 234240, 144, 36, 1248),
        ("lfe5u-25f", 24288, 24288, 56, 18, 28),
        ("lfe5u-85f", 83640, 83640, 208, 18, 156),
        ("hx8k", 7680, 7680, 32, 4, 0),
        ("up5k", 5280, 5280, 30, 4, 8),
        ("gw1nr-9", 8640, 6480, 26, 18, 40),
        ("gw2a-18", 20736, 15552, 46, 18, 96),
    ],
)
def test_parts_have_what_is_published(name: str, lut: int, ff: int, block_rams: int, kbit: int, dsp: int) -> None:
    part = find_part(name)
    assert (part.block_rams, part.block_ram_bits) == (block_rams, 1024 * kbit)
    assert part.resources == {"lut": lut, "ff": ff, "bram18": block_rams * (2 if kbit == 36 else 1), "dsp": dsp}


_FLIP_FLOPS = {
    "xc7": Fraction(2),
    "xcup": Fraction(2),
    "ecp5": Fraction(1),
    "ice40": Fraction(1),
    "gowin": Fraction(3, 4),
}
"""Of a family's logic, for each LUT."""


def test_figures_fit_how_a_family_is_built() -> None:
    for part in known_parts().values():
        have = part.resources
        assert have["ff"] == _FLIP_FLOPS[part.family] * have["lut"], part.name
        assert have["lut"] % (4 if part.family.startswith("xc") else 2) == 0, part.name


def test_what_stands_beside_the_accelerator_is_kept() -> None:
    part = find_part("xc7z020")
    budget = part.budget(0.5)
    assert budget == {kind: part.resources[kind] // 2 - part.reserved[kind] for kind in part.resources}
    assert all(count >= 0 for count in find_part("gw1n-1").budget(0.1).values())
    for share in (0.0, 1.5, float("nan")):
        with pytest.raises(UserError, match="is not a share"):
            part.budget(share)


def test_an_unknown_part_has_near_names() -> None:
    with pytest.raises(UserError, match="did you mean xc7z020") as caught:
        find_part("xc7z02")
    assert "bnnfpga/tuning/parts" in str(caught.value.hint)
    assert "`bnnfpga parts` lists them" in str(caught.value.hint)
    # Not a GW1N-1.
    with pytest.raises(UserError, match="not a known part"):
        find_part("gw1n-1p5")


def test_the_list_of_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["parts", "--json"]) == 0
    listed = {part["name"]: part for part in json.loads(capsys.readouterr().out)["parts"]}
    assert listed["xck26"]["resources"]["dsp"] == 1248
    assert (listed["hx8k"]["block_rams"], listed["hx8k"]["block_ram_bits"]) == (32, 4096)
    assert run(app, ["parts"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["xck26"].split() == ["xck26", "xcup", "117,120", "234,240", "288", "1,248", "144", "of", "36", "kbit"]
    assert lines["hx8k"].endswith("32 of 4 kbit")
