"""The table of `make durations`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.durations import main, seconds_by_file, table

REPORT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest">
<testcase classname="tests.hls.test_units" name="test_one[a]" time="1.5" />
<testcase classname="tests.hls.test_units.TestMore" name="test_two" time="{more}" />
<testcase classname="tests.test_cli" name="test_three" time="0.25"><skipped message="why">where</skipped></testcase>
</testsuite></testsuites>
"""


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "tests.xml"
    path.write_text(REPORT.format(more="2.0"))
    return path


def test_a_file_has_the_time_of_all_its_tests(report: Path) -> None:
    assert seconds_by_file(report) == {"tests.hls.test_units": 3.5, "tests.test_cli": 0.25}


def test_the_slowest_stands_first(report: Path) -> None:
    lines = [line.split() for line in table(seconds_by_file(report))]
    assert lines == [
        ["3.8", "s", "in", "2", "files"],
        ["3.5", "s", "tests.hls.test_units"],
        ["0.2", "s", "tests.test_cli"],
    ]


def test_what_changed_most_stands_first() -> None:
    lines = [line.split() for line in table({"a": 2.0, "b": 9.0, "new": 4.0}, {"a": 7.0, "b": 9.0, "old": 3.0})]
    assert [line[-1] for line in lines[1:]] == ["a", "new", "old", "b"]
    assert [line[2] for line in lines] == ["-4.0", "-5.0", "+4.0", "-3.0", "+0.0"]


def test_command(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = report.with_name("base.xml")
    base.write_text(REPORT.format(more="0.5"))
    assert main([str(report), str(base)]) == 0
    assert "+1.5 s  tests.hls.test_units" in capsys.readouterr().out
    assert main([str(report.with_name("absent.xml"))]) == 2
    assert "make test" in capsys.readouterr().err
