"""Reports in the vendors' form, and what is read from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnnfpga.base.errors import UserError
from bnnfpga.synthesis.reports import Area, Timing, read_csynth, read_timing, read_utilization

SERIES_7 = """
1. Slice Logic
--------------

+----------------------------+------+-------+------------+-----------+-------+
|          Site Type         | Used | Fixed | Prohibited | Available | Util% |
+----------------------------+------+-------+------------+-----------+-------+
| Slice LUTs*                | 1204 |     0 |          0 |     53200 |  2.26 |
|   LUT as Logic             | 1190 |     0 |          0 |     53200 |  2.24 |
|   LUT as Memory            |   14 |     0 |          0 |     17400 |  0.08 |
| Slice Registers            | 2077 |     0 |          0 |    106400 |  1.95 |
|   Register as Flip Flop    | 2077 |     0 |          0 |    106400 |  1.95 |
| F7 Muxes                   |    3 |     0 |          0 |     26600 |  0.01 |
+----------------------------+------+-------+------------+-----------+-------+

2. Memory
---------

+-------------------+------+-------+------------+-----------+-------+
|     Site Type     | Used | Fixed | Prohibited | Available | Util% |
+-------------------+------+-------+------------+-----------+-------+
| Block RAM Tile    |  3.5 |     0 |          0 |       140 |  2.50 |
|   RAMB36/FIFO*    |    2 |     0 |          0 |       140 |  1.43 |
|   RAMB18          |    3 |     0 |          0 |       280 |  1.07 |
+-------------------+------+-------+------------+-----------+-------+

| DSPs      |    4 |     0 |          0 |       220 |  1.82 |
"""
ULTRASCALE = """
| CLB LUTs                   | 12040 |     0 |          0 |    117120 | 10.28 |
| CLB Registers              | 20771 |     0 |          0 |    234240 |  8.87 |
| Block RAM Tile             |     7 |     0 |          0 |       144 |  4.86 |
| DSPs                       |     0 |     0 |          0 |      1248 |  0.00 |
"""
TIMING = """
------------------------------------------------------------------------------------------------
| Design Timing Summary
| ---------------------
------------------------------------------------------------------------------------------------

    WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)  \
THS Failing Endpoints  THS Total Endpoints     WPWS(ns)     TPWS(ns)  TPWS Failing Endpoints  TPWS Total Endpoints
    -------      -------  ---------------------  -------------------      -------      -------  \
---------------------  -------------------     --------     --------  ----------------------  --------------------
     {wns}        0.000                      0                 4103        {whs}        0.000   \
                   0                 4103        3.750        0.000                       0                  2078

------------------------------------------------------------------------------------------------
| Clock Summary
------------------------------------------------------------------------------------------------

Clock  Waveform(ns)         Period(ns)      Frequency(MHz)
-----  ------------         ----------      --------------
clock  {{0.000 5.000}}        10.000          100.000
"""
CSYNTH = """<?xml version="1.0"?>
<profile>
  <UserAssignments><unit>ns</unit><TargetClockPeriod>10.00</TargetClockPeriod></UserAssignments>
  <PerformanceEstimates>
    <SummaryOfTimingAnalysis><unit>ns</unit><EstimatedClockPeriod>6.250</EstimatedClockPeriod></SummaryOfTimingAnalysis>
  </PerformanceEstimates>
  <AreaEstimates>
    <Resources><BRAM_18K>12</BRAM_18K><FF>3021</FF><LUT>4402</LUT><URAM>0</URAM><DSP>1</DSP></Resources>
    <AvailableResources><BRAM_18K>280</BRAM_18K><FF>106400</FF><LUT>53200</LUT></AvailableResources>
  </AreaEstimates>
</profile>
"""


def put(folder: Path, text: str) -> Path:
    path = folder / "report"
    path.write_text(text)
    return path


def test_utilization(tmp_path: Path) -> None:
    assert read_utilization(put(tmp_path, SERIES_7)) == Area(1204, 2077, 7, 4)
    assert read_utilization(put(tmp_path, ULTRASCALE)) == Area(12040, 20771, 14, 0)


def test_a_missing_row_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no row Slice Registers or CLB Registers"):
        read_utilization(put(tmp_path, SERIES_7.replace("Slice Registers", "Slice Latches")))
    with pytest.raises(UserError, match="cannot read the tool's report"):
        read_utilization(tmp_path / "none")


@pytest.mark.parametrize(
    ("wns", "whs", "expected"),
    [
        ("2.000", "0.031", Timing(125.0, True)),
        ("0.000", "0.000", Timing(100.0, True)),
        ("-2.500", "0.031", Timing(80.0, False)),
        ("2.000", "-0.010", Timing(125.0, False)),
        ("NA", "NA", Timing(None, False)),
    ],
)
def test_timing(tmp_path: Path, wns: str, whs: str, expected: Timing) -> None:
    assert read_timing(put(tmp_path, TIMING.format(wns=wns, whs=whs))) == expected


@pytest.mark.parametrize("text", ["", TIMING.partition("    -------")[0], TIMING.format(wns="x", whs="0")])
def test_a_timing_report_that_is_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match="timing summary"):
        read_timing(put(tmp_path, text))


def test_csynth(tmp_path: Path) -> None:
    assert read_csynth(put(tmp_path, CSYNTH)) == (Area(4402, 3021, 12, 1), Timing(160.0, True))
    slow = CSYNTH.replace("6.250", "12.50")
    assert read_csynth(put(tmp_path, slow))[1] == Timing(80.0, False)


@pytest.mark.parametrize("text", ["", "<profile>", "<profile/>", CSYNTH.replace(">4402<", ">many<")])
def test_a_csynth_that_is_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_csynth(put(tmp_path, text))
