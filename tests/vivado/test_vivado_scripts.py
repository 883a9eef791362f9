"""What Vivado would be told: the Tcl of a project runs in a real tclsh, and its record is held against the design."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

import bnnfpga
from bnnfpga.base.assets import asset
from tests.support.nets import DenseNet
from tests.support.tcl import Recording, record

COMMANDS = [
    "read_verilog",
    "read_mem",
    "read_xdc",
    "synth_design",
    "opt_design",
    "place_design",
    "phys_opt_design",
    "route_design",
    "report_utilization",
    "report_timing_summary",
    "write_checkpoint",
    "create_project",
    "close_project",
    "add_files",
    "set_property",
    "current_fileset",
    "update_compile_order",
    "ipx::package_project",
    "ipx::create_xgui_files",
    "ipx::update_checksums",
    "ipx::check_integrity",
    "ipx::save_core",
    "current_project",
    "update_ip_catalog",
    "create_bd_design",
    "apply_bd_automation",
    "connect_bd_intf_net",
    "connect_bd_net",
    "assign_bd_address",
    "validate_bd_design",
    "save_bd_design",
    "make_wrapper",
    "wait_on_run",
    "open_run",
]
ANSWERS = {
    "get_board_parts": "return [lmap version {:1.2 :1.10} {string map [list :* $version] [lindex $args end]}]",
    "ipx::current_core": "return core",
    "create_bd_cell": "return [lindex $args end]",
    "get_bd_intf_pins": "return [lindex $args end]",
    "get_bd_pins": "return [lindex $args end]",
    "get_files": "return [lindex $args end]",
    "get_runs": "return [lindex $args end]",
    "get_property": "return 100%",
    "launch_runs": """
        file mkdir build/system/system.runs/impl_1 build/system/system.gen/sources_1/bd/system/hw_handoff
        close [open build/system/system.runs/impl_1/system_wrapper.bit w]
        close [open build/system/system.gen/sources_1/bd/system/hw_handoff/system.hwh w]""",
}
BOARDS = [
    line.split()[0]
    for line in (asset("flows") / "vivado" / "boards.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    model = DenseNet((39, 8, 6), weight_scale=0.1, bias=True, seed=4).write(folder)
    bnnfpga.compile(model, folder / "a project", clock_mhz=160, input="uint8", input_scale="1/255", cycles=20)
    return folder / "a project"


def run(project: Path, work: Path, script: str, *arguments: str, answers: dict[str, str] = ANSWERS) -> Recording:
    recording = record(project / "vivado" / script, work, COMMANDS, arguments, answers)
    check_paths(recording, project / "vivado")
    return recording


def check_paths(recording: Recording, folder: Path) -> None:
    """Every path is relative, and what is read exists beside the script or was made by it."""
    for call in recording.calls:
        for word in " ".join(call[1:]).split():
            assert word == "/UserIP" or not word.startswith(("/", "~")), call
            assert str(folder.parent) not in word
            if re.search(r"\.(sv|v|mem|dat|xdc)$", word):
                assert (folder / word).is_file(), word


def ports(text: str) -> dict[str, int]:
    """Widths of a Verilog module's ports, by name."""
    found = re.findall(r"^  (?:input|output)\s+wire\s+(?:\[(\d+):0\]\s*)?(\w+),?$", text, re.MULTILINE)
    return {name: int(high or 0) + 1 for high, name in found}


def test_out_of_context(project: Path, tmp_path: Path) -> None:
    made = run(project, tmp_path, "out_of_context.tcl")
    assert made.status == 0, made.errors
    order = ["read_verilog", "read_mem", "read_xdc", "synth_design", "place_design", "route_design"]
    assert [name for name in made.names if name in order] == order
    assert made.names.index("route_design") < made.names.index("report_timing_summary")
    assert made.names[-1] == "exit"
    assert made.of("synth_design") == [["-top", "accelerator", "-part", "xc7z020clg400-1", "-mode", "out_of_context"]]
    constraint = (project / "vivado" / "build" / "ooc" / "clock.xdc").read_text()
    assert constraint == "create_clock -name clock -period 6.250 [get_ports aclk]\n"
    assert "aclk" in ports((project / "rtl" / "accelerator.sv").read_text())
    # Every module that the design needs, and every memory.
    read = made.of("read_verilog")[0][-1].split()
    assert {Path(name).name for name in read} == {path.name for path in (project / "rtl").iterdir()}
    memories = made.of("read_mem")[0][0].split()
    assert {Path(name).name for name in memories} == {path.name for path in (project / "memories").iterdir()}


def test_settings_are_overridden(project: Path, tmp_path: Path) -> None:
    made = run(project, tmp_path, "out_of_context.tcl", "board=zcu104", "clock_mhz=300")
    assert made.of("synth_design")[0][3] == "xczu7ev-ffvc1156-2-e"
    assert "-period 3.333 " in (project / "vivado" / "build" / "ooc" / "clock.xdc").read_text()
    made = run(project, tmp_path, "out_of_context.tcl", "part=xc7a35tcpg236-1")
    assert made.of("synth_design")[0][3] == "xc7a35tcpg236-1"


@pytest.mark.parametrize(
    ("script", "argument", "says"),
    [
        ("out_of_context.tcl", "prat=x", "'prat=x' is none of part="),
        ("out_of_context.tcl", "board=arty", "no board 'arty' in boards.txt, only: pynq-z1, pynq-z2, ultra96-v2"),
        ("out_of_context.tcl", "source=vhdl", "source is rtl or hls, not 'vhdl'"),
        ("out_of_context.tcl", "source=hls", "Vitis HLS has made nothing"),
        ("bitstream.tcl", "clock_mhz=1000", "pynq-z2 has no clock of 1000 MHz, at most 250"),
    ],
)
def test_mistakes_are_named(project: Path, tmp_path: Path, script: str, argument: str, says: str) -> None:
    made = run(project, tmp_path, script, argument)
    assert made.status == 1
    assert says in made.errors
    assert not made.of("synth_design")
    assert not made.of("create_project")


def test_missing_board_files_are_named(project: Path, tmp_path: Path) -> None:
    made = run(project, tmp_path, "bitstream.tcl", answers={**ANSWERS, "get_board_parts": "return {}"})
    assert made.status == 1
    assert "no board files for pynq-z2 (tul.com.tw:pynq-z2:part0)" in made.errors
    assert not made.of("create_project")


def test_a_failed_run_gives_no_bitstream(project: Path, tmp_path: Path) -> None:
    made = run(project, tmp_path, "bitstream.tcl", answers={**ANSWERS, "get_property": "return 40%"})
    assert made.status == 1
    assert "did not get to a bitstream" in made.errors
    assert not (project / "vivado" / "build" / "accelerator.bit").exists()


def test_the_ip(project: Path, tmp_path: Path) -> None:
    made = run(project, tmp_path, "package_ip.tcl")
    assert made.status == 0, made.errors
    check_ip(made, project, sorted((project / "rtl").iterdir()), "accelerator_dma.v")
    assert made.names[-2:] == ["close_project", "exit"]


def check_ip(made: Recording, project: Path, sources: Sequence[Path], wrapper: str) -> None:
    added = made.of("add_files")[0][-1].split()
    assert {Path(name).name for name in added} >= {path.name for path in sources} | {"bnn_batches.sv", wrapper}
    assert len(added) == len(set(added))
    assert ["top", "accelerator_dma"] in [call[:2] for call in made.of("set_property")]
    (packaged,) = made.of("ipx::package_project")
    assert packaged[packaged.index("-root_dir") + 1] == "build/ip"
    vlnv = [packaged[packaged.index(part) + 1] for part in ("-vendor", "-library")]
    properties = {call[0]: call[1] for call in made.of("set_property") if call[-1] == "core"}
    assert [*vlnv, properties["name"], properties["version"]] == ["bnnfpga", "bnnfpga", "accelerator_dma", "1.0"]
    assert "ipx::save_core" in made.names


def test_the_ip_of_the_hls(project: Path, tmp_path: Path) -> None:
    verilog = project / "hls" / "vitis_hls" / "solution" / "syn" / "verilog"
    verilog.mkdir(parents=True)
    try:
        (verilog / "accelerator.v").touch()
        (verilog / "accelerator_layer_rom.dat").touch()
        made = run(project, tmp_path, "package_ip.tcl", "source=hls")
        assert made.status == 0, made.errors
        check_ip(made, project, sorted(verilog.iterdir()), "accelerator_dma_hls.v")
        assert not any("rtl/" in name for name in made.of("add_files")[0][-1].split())
        made = run(project, tmp_path, "out_of_context.tcl", "source=hls")
        assert "[get_ports ap_clk]" in (project / "vivado" / "build" / "ooc" / "clock.xdc").read_text()
    finally:
        for path in sorted((project / "hls" / "vitis_hls").rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()


@pytest.mark.parametrize("board", BOARDS)
def test_the_system(project: Path, tmp_path: Path, board: str) -> None:
    made = run(project, tmp_path, "bitstream.tcl", f"board={board}")
    assert made.status == 0, made.errors
    assert (project / "vivado" / "build" / "accelerator.bit").is_file()
    assert (project / "vivado" / "build" / "accelerator.hwh").is_file()
    cells = {call[-1]: call[call.index("-vlnv") + 1] for call in made.of("create_bd_cell")}
    zynq = board.startswith("pynq")
    assert cells["ps"] == f"xilinx.com:ip:{'processing_system7' if zynq else 'zynq_ultra_ps_e'}"
    assert cells["accelerator"] == "bnnfpga:bnnfpga:accelerator_dma:1.0"
    # The newest board files: 1.10 is later than 1.2.
    chosen = [call[1] for call in made.of("set_property") if call[0] == "board_part"]
    assert len(chosen) == 1
    assert chosen[0].endswith(":1.10")
    assert any(call[0] == "board_connections" for call in made.of("set_property")) == (board == "kv260")

    settings = dict(
        pair
        for call in made.of("set_property")
        if call[0] == "-dict"
        for pair in zip(call[1].split()[::2], call[1].split()[1::2], strict=True)
    )
    frequency = "CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ" if zynq else "CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ"
    assert settings[frequency] == "160"
    wrapper = ports((project / "vivado" / "accelerator_dma.v").read_text())
    assert settings["CONFIG.c_m_axis_mm2s_tdata_width"] == str(wrapper["s_axis_tdata"])
    assert settings["CONFIG.c_s_axis_s2mm_tdata_width"] == str(wrapper["m_axis_tdata"])
    assert wrapper["s_axis_tdata"] != wrapper["m_axis_tdata"]
    assert settings["CONFIG.c_include_sg"] == "0"

    # Each interface joins exactly one other, and the streams go from the DMA through the accelerator and back.
    joined = made.of("connect_bd_intf_net")
    assert len({pin for pair in joined for pin in pair}) == 2 * len(joined)
    assert ["dma/M_AXIS_MM2S", "accelerator/s_axis"] in joined
    assert ["accelerator/m_axis", "dma/S_AXIS_S2MM"] in joined
    # Every cell has its clock and, but for the processing system, its reset; no pin is driven twice.
    nets = made.of("connect_bd_net")
    sinks = [sink for _, sink in nets]
    assert len(sinks) == len(set(sinks))
    assert {sink.split("/")[0] for _, sink in nets} == set(cells)
    for cell in ("registers", "transfers", "accelerator"):
        assert {f"{cell}/aclk", f"{cell}/aresetn"} <= set(sinks)
    assert {"aclk", "aresetn"} <= set(wrapper)
    assert all(pin.split("/")[0] in cells for pair in joined + nets for pin in pair)
    names = made.names
    assert names.index("assign_bd_address") < names.index("validate_bd_design") < names.index("make_wrapper")
    assert names.index("ipx::save_core") < names.index("create_bd_design")
    assert [name for name in names if name == "exit"] == ["exit"]


def test_the_bridge_fits_the_accelerator(project: Path) -> None:
    description = json.loads((project / "project.json").read_text())
    inner = ports((project / "rtl" / "accelerator.sv").read_text())
    for name in ("accelerator_dma.v", "accelerator_dma_hls.v"):
        text = (project / "vivado" / name).read_text()
        outer = ports(text)
        parameters = {key: int(value) for key, value in re.findall(r"\.(\w+)\((\d+)\)", text)}
        sides = ((description["input"], "s_axis", "Input"), (description["outputs"][0], "m_axis", "Output"))
        for side, stream, wire in sides:
            beat = side["stream"]["beat_bytes"]
            assert inner[f"{stream}_tdata"] == 8 * beat
            assert parameters[f"{wire}Bytes"] == beat
            word = parameters[f"{wire}WordBytes"]
            assert outer[f"{stream}_tdata"] == 8 * word
            assert outer[f"{stream}_tkeep"] == word
            assert 0 <= word * parameters[f"{wire}Words"] - beat < word
        assert parameters["InputBeats"] == description["input"]["stream"]["beats"]
