"""Preparing Verilog that Vitis HLS generated from a project's `hls/` for the harness of the project's own RTL."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from bnnfpga.base.errors import UserError
from bnnfpga.codegen.ports import output_names
from bnnfpga.codegen.templating import render
from bnnfpga.host.project_data import ProjectData

_TOP = "accelerator"
_CORE = "vitis_hls_accelerator"
_SUBFOLDERS = ("solution/syn/verilog", "hls/syn/verilog", "syn/verilog")
_AGAIN = "run Vitis HLS in the project's hls/ again, and name the folder with its Verilog: syn/verilog"


def stage_hls_rtl(project: ProjectData, source: Path, folder: Path) -> None:
    """Write the sources of the simulator into the empty `folder`: `rtl/`, `sim/`, and `memories/` to run in.

    Parameters
    ----------
    project
        The project whose C++ was synthesised.
    source
        The folder with Vitis HLS' Verilog (`*.v`, with `*.dat`), or its work folder.
    folder
        The folder to fill.

    Raises
    ------
    UserError
        If there is no Verilog, or its top level is not this accelerator's.
    """
    place = next(
        (path for path in (source, *(source / subfolder for subfolder in _SUBFOLDERS)) if list(path.glob("*.v"))), None
    )
    if place is None:
        raise UserError("there is no Verilog of Vitis HLS", where=str(source), hint=_AGAIN)
    texts = {path.name: path.read_text(errors="replace") for path in sorted(place.glob("*.v"))}
    definition = re.compile(rf"^(\s*module\s+){_TOP}\b", re.MULTILINE)
    tops = [name for name, text in texts.items() if definition.search(text)]
    if len(tops) != 1:
        raise UserError(f"{len(tops)} of its files define the module '{_TOP}'", where=str(place), hint=_AGAIN)
    top = texts[tops[0]]
    ports = read_ports(top[definition.search(top).start() :])  # type: ignore[union-attr]
    _check_ports(project, ports, place / tops[0])
    # The top level of the harness has that name.
    texts[tops[0]] = definition.sub(rf"\g<1>{_CORE}", top)

    for name in ("rtl", "memories"):
        (folder / name).mkdir()
    for name, text in texts.items():
        # The wrapper's file is accelerator.sv.
        (folder / "rtl" / f"hls_{name}").write_text(text)
    for path in sorted(place.glob("*.dat")):
        shutil.copy(path, folder / "memories")
    shutil.copytree(project.folder / "sim", folder / "sim")
    wrapper = render(
        "rtl/hls_accelerator.sv.j2",
        top=_CORE,
        ports=ports,
        input_bytes=project.input_stream.beat_bytes,
        input_beats=project.input_stream.beats,
        outputs=list(zip(output_names(len(project.outputs)), project.outputs, strict=True)),
    )
    (folder / "rtl" / "accelerator.sv").write_text(wrapper)


def read_ports(text: str) -> dict[str, int]:
    """Parse the widths of a module's ports by name; `text` begins with the module."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text.partition("endmodule")[0], flags=re.DOTALL)
    declared = re.findall(r"\b(?:input|output)\s+(?:(?:wire|reg)\s+)?(?:\[\s*(\d+)\s*:\s*0\s*\]\s*)?(\w+)", text)
    return {name: int(high or 0) + 1 for high, name in declared}


def _check_ports(project: ProjectData, ports: dict[str, int], file: Path) -> None:
    expected = {"ap_clk": 1, "ap_rst_n": 1}
    outputs = zip(output_names(len(project.outputs)), project.outputs, strict=True)
    sides = [("s_axis", project.input_stream), *((name, output.stream) for name, output in outputs)]
    for side, stream in sides:
        expected |= {f"{side}_TDATA": 8 * stream.beat_bytes, f"{side}_TVALID": 1, f"{side}_TREADY": 1}
    expected |= {f"{side}_TLAST": 1 for side, _ in sides[1:]}
    if "ap_start" in ports:
        raise UserError(
            "it has control ports (ap_start), so it does not run freely",
            where=str(file),
            hint="the top function needs INTERFACE ap_ctrl_none port=return, as hls/top.cpp has it",
        )
    for name, width in expected.items():
        if name not in ports:
            raise UserError(f"its top level has no port {name}", where=str(file), hint=_AGAIN)
        if ports[name] != width:
            raise UserError(
                f"its port {name} has {ports[name]} bits, the project's {width}",
                where=str(file),
                hint="it was made of another project, or of another version of it",
            )
