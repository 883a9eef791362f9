"""Verilog in the form in which Vitis HLS leaves it, in the harness of the project's own RTL."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest

import bnnfpga
from bnnfpga.base.errors import UserError
from bnnfpga.cli.main import app
from bnnfpga.cli.terminal import run
from tests.support.builds import images_for
from tests.support.heads import heads_net
from tests.support.nets import DenseNet

SIDE = ("TKEEP", "TSTRB", "TLAST")
# What every module of Vitis HLS has: an inverted reset, and a state with an initial value that is set after no time.
STATE = """
 reg    ap_rst_n_inv;
(* fsm_encoding = "none" *) reg   [0:0] ap_CS_fsm;
reg   [0:0] ap_NS_fsm;
initial begin
#0 ap_CS_fsm = 1'd1;
end
always @ (posedge ap_clk) begin
    if (ap_rst_n_inv == 1'b1) begin
        ap_CS_fsm <= 1'd1;
    end else begin
        ap_CS_fsm <= ap_NS_fsm;
    end
end
always @ (*) begin
    case (ap_CS_fsm)
        1'd1 : begin
            ap_NS_fsm = 1'd1;
        end
        default : begin
            ap_NS_fsm = 'bx;
        end
    endcase
end
always @ (*) begin
    ap_rst_n_inv = ~ap_rst_n;
end
""".splitlines()


def outputs_of(project: bnnfpga.Project) -> list[str]:
    """The names of its output ports."""
    count = len(project.outputs)
    return ["m_axis"] if count == 1 else [f"m{index}_axis" for index in range(count)]


def write_as_hls(project: bnnfpga.Project, folder: Path, side: tuple[str, ...] = SIDE, control: str = "") -> Path:
    """The project's own RTL with the ports, files and memories that Vitis HLS gives its own."""
    folder.mkdir(parents=True)
    names = {path.name: path.stem + ".dat" for path in (project.folder / "memories").iterdir()}
    for path in (project.folder / "memories").iterdir():
        (folder / names[path.name]).write_bytes(path.read_bytes())
    for path in (project.folder / "rtl").iterdir():
        text = path.read_text()
        if path.stem == "accelerator":
            text = re.sub(r"\bmodule accelerator\b", "module accelerator_dataflow", text)
            for old, new in names.items():
                text = text.replace(f'"{old}"', f'"./{new}"')
        (folder / f"accelerator_{path.stem}.v").write_text(text)
    given = project.input_stream.beat_bytes
    made = {name: output.stream.beat_bytes for name, output in zip(outputs_of(project), project.outputs, strict=True)}
    widths = {"TDATA": 8, "TKEEP": 1, "TSTRB": 1}
    declared = ["input   ap_clk;", "input   ap_rst_n;", *([f"input   {control};"] if control else [])]
    sides = [("s_axis", given, "input", "output"), *((name, count, "output", "input") for name, count in made.items())]
    for stream, count, way, back in sides:
        kept = [name for name in side if name != "TLAST" or stream == "s_axis"] + ["TLAST"] * (stream in made)
        for name in ["TDATA", *kept]:
            bits = f"[{widths[name] * count - 1}:0] " if name in widths else ""
            declared.append(f"{way}  {bits}{stream}_{name};")
        declared += [f"{way}   {stream}_TVALID;", f"{back}   {stream}_TREADY;"]
    ports = [line.split()[-1].rstrip(";") for line in declared]
    ties = [
        f"assign {stream}_{name} = {{{count}{{1'b1}}}};"
        for stream, count in made.items()
        for name in side
        if name != "TLAST"
    ]
    body = "\n".join(
        [
            "`timescale 1 ns / 1 ps ",
            '(* CORE_GENERATION_INFO="accelerator,hls_ip_2022_2",HLS_SYN_CLOCK=4.2 *)',
            "module accelerator (",
            ",\n".join(f"        {port}" for port in ports),
            ");",
            "",
            *declared,
            "",
            *ties,
            *STATE,
            "accelerator_dataflow dataflow_U(.aclk(ap_clk), .aresetn(ap_rst_n),",
            *(f"    .{s}_{n.lower()}({s}_{n})," for s in ("s_axis", *made) for n in ("TDATA", "TVALID", "TREADY")),
            ",\n".join(f"    .{stream}_tlast({stream}_TLAST)" for stream in made) + ");",
            "endmodule //accelerator",
        ]
    )
    (folder / "accelerator.v").write_text(body)
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> bnnfpga.Project:
    folder = tmp_path_factory.mktemp("project")
    net = DenseNet((39, 16, 6), seed=5).write(folder)
    return bnnfpga.compile(net, folder / "project", input="uint8", input_scale="1/255", cycles=40)


@pytest.mark.parametrize("side", [SIDE, ()], ids=["all", "none"])
def test_its_integers_are_compared(project: bnnfpga.Project, tmp_path: Path, side: tuple[str, ...]) -> None:
    verilog = write_as_hls(project, tmp_path / "vitis" / "solution" / "syn" / "verilog", side)
    x = images_for(project, 24)
    own = project.simulate(x)
    for place in (verilog, tmp_path / "vitis"):
        result = project.simulate(x, rtl_from=place)
        assert result.mismatches == 0
        np.testing.assert_array_equal(result.outputs, own.outputs)
        # It is that accelerator, so it has its cycles; but nobody has predicted them.
        assert (result.cycles, result.latency_cycles) == (own.cycles, own.latency_cycles)
        assert result.predicted_initiation_interval is None
    stalled = project.simulate(x, rtl_from=verilog, stall_seed=3)
    assert stalled.mismatches == 0
    assert (stalled.cycles or 0) > (own.cycles or 0)


def test_several_outputs(tmp_path: Path) -> None:
    onnx.save(heads_net("scores", "cells"), tmp_path / "heads.onnx")
    project = bnnfpga.compile(tmp_path / "heads.onnx", tmp_path / "project")
    x = images_for(project, 6)
    verilog = write_as_hls(project, tmp_path / "verilog")
    result = project.simulate(x, rtl_from=verilog)
    assert result.mismatches == 0
    for made, wanted in zip(result.outputs, project.simulate(x, backend="emulator").outputs, strict=True):
        np.testing.assert_array_equal(made, wanted)
    top = verilog / "accelerator.v"
    top.write_text(top.read_text().replace("m1_axis_TLAST", "m1_axis_TUSER"))
    with pytest.raises(UserError, match="no port m1_axis_TLAST"):
        project.simulate(x, rtl_from=verilog)


def test_a_wrong_table_is_found(project: bnnfpga.Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verilog = write_as_hls(project, tmp_path / "verilog")
    table = sorted(verilog.glob("*weights.dat"))[0]
    flip = str.maketrans("0123456789abcdef", "fedcba9876543210")
    table.write_text(table.read_text().translate(flip))
    np.save(tmp_path / "x.npy", images_for(project, 24))
    command = ["simulate", str(project.folder), "--images", str(tmp_path / "x.npy"), "--rtl-from", str(verilog)]
    assert run(app, [*command, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["mismatches"] > 0
    assert run(app, command) == 1
    assert "differ" in capsys.readouterr().out
    table.unlink()
    assert run(app, command) == 2
    assert table.name in capsys.readouterr().err


def test_what_is_not_this_accelerator_is_refused(project: bnnfpga.Project, tmp_path: Path) -> None:
    x = images_for(project, 3)

    def refused(place: Path, says: str) -> None:
        with pytest.raises(UserError, match=says):
            project.simulate(x, rtl_from=place)

    refused(tmp_path, "there is no Verilog of Vitis HLS")
    refused(write_as_hls(project, tmp_path / "started", control="ap_start"), "control ports")
    place = write_as_hls(project, tmp_path / "other")
    top = place / "accelerator.v"
    text = top.read_text()
    width = 8 * project.outputs[0].stream.beat_bytes
    top.write_text(text.replace(f"output  [{width - 1}:0] m_axis_TDATA", f"output  [{width + 7}:0] m_axis_TDATA"))
    refused(place, f"its port m_axis_TDATA has {width + 8} bits, the project's {width}")
    top.write_text(text.replace("m_axis_TLAST", "m_axis_TUSER"))
    refused(place, "no port m_axis_TLAST")
    top.write_text(text.replace("module accelerator ", "module another "))
    refused(place, "0 of its files define the module 'accelerator'")
    with pytest.raises(UserError, match="backend rtl, without stream counters"):
        project.simulate(x, backend="emulator", rtl_from=place)
