"""FPGAs as data."""

from __future__ import annotations

import json

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
    assert find_part("hx8k").resources["bram18"] == 7


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
    # Not a GW1N-1.
    with pytest.raises(UserError, match="not a known part"):
        find_part("gw1n-1p5")


def test_the_list_of_parts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, ["parts", "--json"]) == 0
    listed = {part["name"]: part for part in json.loads(capsys.readouterr().out)["parts"]}
    assert listed["xck26"]["resources"]["dsp"] == 1248
    assert run(app, ["parts"]) == 0
    assert "xck26" in capsys.readouterr().out
