"""`bnnfpga synth`: with the tools absent, and with stand-ins that run the project's Tcl and leave reports."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

import bnnfpga
from bnnfpga.cli.main import app
from bnnfpga.cli.terminal import run
from tests.support.nets import DenseNet
from tests.synthesis.test_reports import CSYNTH, SERIES_7, TIMING

ROOT = Path(__file__).parents[2]
STAND_IN = """#!{python}
import pathlib, sys
sys.path.insert(0, {root!r})
arguments = sys.argv[1:]
if "-version" in arguments or "--version" in arguments:
    print("****** stand-in v{version} (64-bit)")
    sys.exit({version_status})
pathlib.Path({log!r}).write_text("\\n".join(arguments))
{body}
"""
TCL = """
from tests.support.tcl import record
from tests.vivado.test_vivado_scripts import ANSWERS, COMMANDS
work = pathlib.Path({work!r})
write = "set f [open [lindex $args end] w]; set g [open {{%s}}]; puts $f [read $g]; close $f; close $g"
answers = {{**ANSWERS}}
for name in ("utilization", "timing"):
    command = "report_utilization" if name == "utilization" else "report_timing_summary"
    answers[command] = write % (work / f"{{name}}.txt")
made = record(
    pathlib.Path(arguments[arguments.index("-source") + 1]).resolve(), work, COMMANDS,
    arguments[arguments.index("-tclargs") + 1 :], answers
)
print(made.errors)
sys.exit(made.status)
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    bnnfpga.compile(DenseNet((12, 8, 6), seed=4).write(folder), folder / "project", clock_mhz=160, cycles=20)
    return folder / "project"


@pytest.fixture
def project(compiled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(compiled, tmp_path / "a project"))


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with tclsh and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    if (tclsh := shutil.which("tclsh")) is not None:
        (folder / "tclsh").symlink_to(tclsh)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def stand_in(folder: Path, name: str, body: str, version: str = "2023.2", version_status: int = 0) -> Path:
    """A program; returns the file that will hold the arguments that it gets."""
    log = folder / f"{name}.arguments"
    text = STAND_IN.format(
        python=sys.executable, root=str(ROOT), version=version, version_status=version_status, log=str(log), body=body
    )
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)
    return log


def synth(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, dict[str, object]]:
    status = run(app, ["synth", *map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("flow", "tool", "command"),
    [
        ("vivado-ooc", "Vivado", "vivado -mode batch -nojournal -nolog -source out_of_context.tcl"),
        ("vivado", "Vivado", "vivado -mode batch -nojournal -nolog -source bitstream.tcl"),
        ("vitis", "Vitis HLS", "vitis_hls -f vitis_hls.tcl"),
    ],
)
def test_a_missing_tool_is_named(
    project: Path, tools: Path, capsys: pytest.CaptureFixture[str], flow: str, tool: str, command: str
) -> None:
    before = sorted(project.rglob("*"))
    status, told = synth(capsys, project, "--flow", flow, "--clock-mhz", "125")
    assert status == 2
    error = told["error"]
    assert isinstance(error, dict)
    assert error["message"] == f"{tool} is not on the PATH; {tool} 2022.2 or later is needed, and nothing was run"
    folder = "hls" if flow == "vitis" else "vivado"
    assert f"cd 'a project/{folder}' && {command} -tclargs " in error["hint"]
    assert error["hint"].endswith("clock_mhz=125")
    assert sorted(project.rglob("*")) == before
    script = error["hint"].partition("-source " if folder == "vivado" else "-f ")[2].split()[0]
    assert (project / folder / script).is_file()


@pytest.mark.parametrize(
    ("version", "status", "says"),
    [("2021.1", 0, "is 2021.1, 2022.2 is the first that serves"), ("2023.2", 1, "does not tell its version")],
)
def test_a_tool_that_does_not_serve(
    project: Path, tools: Path, capsys: pytest.CaptureFixture[str], version: str, status: int, says: str
) -> None:
    log = stand_in(tools, "vivado", "", version, status)
    code, told = synth(capsys, project, "--flow", "vivado-ooc")
    assert code == 2
    assert says in str(told["error"])
    assert not log.exists()


def reports(folder: Path) -> str:
    (folder / "utilization.txt").write_text(SERIES_7)
    (folder / "timing.txt").write_text(TIMING.format(wns="2.000", whs="0.031"))
    return TCL.format(work=str(folder))


@pytest.mark.parametrize("flow", ["vivado-ooc", "vivado"])
def test_vivado(project: Path, tools: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], flow: str) -> None:
    if not (tools / "tclsh").exists():
        pytest.skip("there is no tclsh")
    stand_in(tools, "vivado", reports(tmp_path))
    status, told = synth(capsys, project, "--flow", flow, "--board", "zcu104")
    assert status == 0, told
    seconds = told.pop("seconds")
    assert isinstance(seconds, float)
    assert seconds > 0
    bitstream = told.pop("bitstream")
    assert bitstream == (str(project / "vivado" / "build" / "accelerator.bit") if flow == "vivado" else None)
    assert told.pop("units") == []
    assert {key: value for key, value in told.items() if value is not None} == {
        "flow": flow,
        "tool": "Vivado 2023.2",
        "part": "xczu7ev-ffvc1156-2-e",
        "clock_mhz": 160.0,
        "lut": 1204,
        "ff": 2077,
        "bram18": 7,
        "dsp": 4,
        "fmax_mhz": 125.0,
        "timing_met": True,
    }
    record = (tmp_path / "record.txt").read_text()
    assert "xczu7ev-ffvc1156-2-e" in record
    assert run(app, ["synth", str(project), "--flow", flow]) == 0
    table = capsys.readouterr().out
    assert "125.0 MHz" in table
    assert "xc7z020clg400-1" in table


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("vitis_hls", "vitis_hls/solution/syn/report"),
        ("v++", "vitis/hls/syn/report"),
    ],
)
def test_vitis(
    project: Path, tools: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, place: str
) -> None:
    log = stand_in(
        tools,
        command,
        f"p = pathlib.Path({place!r}); p.mkdir(parents=True); (p / 'csynth.xml').write_text({CSYNTH!r})",
    )
    status, told = synth(capsys, project, "--flow", "vitis", "--part", "xck26-sfvc784-2LV-c", "--clock-mhz", "200")
    assert status == 0, told
    assert (told["tool"], told["lut"], told["fmax_mhz"]) == ("Vitis HLS 2023.2", 4402, 160.0)
    arguments = log.read_text().split("\n")
    if command == "vitis_hls":
        assert arguments[-2:] == ["part=xck26-sfvc784-2LV-c", "clock_mhz=200"]
    else:
        settings = (project / "hls" / arguments[arguments.index("--config") + 1]).read_text().splitlines()
        assert "part=xck26-sfvc784-2LV-c" in settings
        assert "clock=5ns" in settings
        assert len(settings) == len((project / "hls" / "hls_config.cfg").read_text().splitlines())


def test_a_failure_shows_the_tools_error(project: Path, tools: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stand_in(tools, "vivado", "print('INFO: begins'); print('ERROR: [Common 17-345] no licence'); sys.exit(1)")
    status, told = synth(capsys, project, "--flow", "vivado-ooc")
    assert status == 2
    assert "vivado failed: ERROR: [Common 17-345] no licence" in str(told["error"])


def test_old_reports_are_not_taken_for_new(project: Path, tools: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = project / "vivado" / "build" / "ooc"
    folder.mkdir(parents=True)
    (folder / "utilization.rpt").write_text(SERIES_7)
    (folder / "timing.rpt").write_text(TIMING.format(wns="2.000", whs="0.031"))
    stand_in(tools, "vivado", "")
    status, told = synth(capsys, project, "--flow", "vivado-ooc")
    assert status == 2
    assert "ended without build/ooc/utilization.rpt" in str(told["error"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--flow", "vivado", "--part", "xc7z020clg400-1"], "a bitstream is for a board"),
        (["--flow", "vivado-ooc", "--board", "arty"], "'arty' is not a board"),
        (["--flow", "vivado", "--clock-mhz", "300"], "pynq-z2 has no clock of 300 MHz"),
        (["--flow", "vivado-ooc", "--clock-mhz", "0"], "not a clock frequency"),
        (["--flow", "vivado-ooc", "--part", "a b"], "'a b' is not a part"),
        (["--flow", "vivado-ooc", "--part", "a", "--board", "kv260"], "a part and a board"),
        (["--flow", "xst"], "xst"),
    ],
)
def test_mistakes(
    project: Path, tools: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    status, told = synth(capsys, project, *arguments)
    assert status == 2
    assert says in str(told["error"])


def test_a_project_without_scripts(project: Path, tools: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(project / "vivado")
    status, told = synth(capsys, project, "--flow", "vivado-ooc")
    assert status == 2
    assert "compile the model again" in str(told["error"])


def test_a_family_that_vivado_does_not_know(tmp_path: Path, tools: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = DenseNet((12, 8, 6), seed=4).write(tmp_path)
    folder = bnnfpga.compile(model, tmp_path / "project", cycles=20, family="ecp5").folder
    assert not (folder / "vivado").exists()
    assert not (folder / "driver").exists()
    assert "vivado" not in (folder / "README.md").read_text()
    status, told = synth(capsys, folder, "--flow", "vivado")
    assert status == 2
    assert "built for ecp5, which Vivado does not know" in str(told["error"])


def test_a_beat_that_hls_cannot_have(tmp_path: Path, tools: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = DenseNet((200, 8, 6), seed=4).write(tmp_path)
    bnnfpga.compile(net, tmp_path / "wide", input="uint8", input_scale="1/255", cycles=1)
    log = stand_in(tools, "vitis_hls", "")
    status, told = synth(capsys, tmp_path / "wide", "--flow", "vitis")
    assert status == 2
    assert "a beat of the input has 1600 bits, in HLS it has at most 1024" in str(told["error"])
    assert not log.exists()
