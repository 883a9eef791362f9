"""Comparing the golden model of a file with the file itself."""

from __future__ import annotations

from pathlib import Path

from bnnfpga.frontend.clean import clean
from bnnfpga.frontend.reading.read import read_source
from bnnfpga.golden.check import FileReading
from bnnfpga.golden.file_check import check_file
from bnnfpga.golden.golden_model import GoldenModel
from bnnfpga.numbers.arithmetic import Floats


def reading_of(path: Path, x: Floats) -> FileReading:
    """The findings of comparing a file with its golden model on images, float32 (images, *input shape)."""
    proto = read_source(path).proto
    return check_file(proto, GoldenModel(clean(proto)), x)


def assert_confirmed(path: Path, x: Floats) -> FileReading:
    """Check that the file confirms its golden model completely."""
    reading = reading_of(path, x)
    assert reading.difference is None
    assert not reading.unchecked
    assert reading.decisions
    return reading
