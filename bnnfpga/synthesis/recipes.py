"""What Yosys runs on a unit, by FPGA family: its own synthesis script, with one of two mappers for the LUTs.

`abc` minimises area as well as depth and takes seconds; `abc9` knows the cells' delays and is often better on small
units, but much worse, and slow, on some large ones. The end of each script is written out where the script itself no
longer offers `abc`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

TOP = "unit"
"""The module that is synthesised."""
ABC9_CELLS = 1500
"""Netlists of fewer cells by `abc` are also mapped by `abc9`: a bound by size, the same on every machine."""


@dataclass(frozen=True)
class Recipe:
    """Commands in front of the mapping of LUTs, and the mapping itself by the mapper's name."""

    front: tuple[str, ...]
    mappers: Mapping[str, tuple[str, ...]]


def _script(script: str, abc: Callable[[str], tuple[str, ...]]) -> Recipe:
    script = f"{script} -top {TOP}"
    return Recipe((f"{script} -run begin:map_luts",), {"abc": abc(script), "abc9": (f"{script} -run map_luts:check",)})


def _xilinx(family: str) -> Recipe:
    ending = (
        "opt_expr -mux_undef -noclkinv",
        "abc -luts 2:2,3,6:5,10,20",
        "opt_merge",
        "clean",
        "techmap -map +/xilinx/lut_map.v -map +/xilinx/cells_map.v -D LUT_WIDTH=6",
        "xilinx_dffopt",
        "opt_lut_ins -tech xilinx",
        "clean",
    )
    # Without -nosrl, queues and pipelines of registers become shift registers, one LUT each.
    return _script(f"synth_xilinx -family {family} -flatten -noiopad -noclkbuf -nosrl", lambda _: ending)


def _lattice(script: str) -> tuple[str, ...]:
    return (f"{script} -noabc9 -run map_luts:check",)


def _ice40(script: str) -> tuple[str, ...]:
    return (
        "techmap -map +/ice40/latches_map.v",
        "abc -lut 4",
        "ice40_wrapcarry -unwrap",
        "techmap -map +/ice40/ff_map.v",
        "clean",
        "opt_lut -tech ice40",
        f"{script} -run map_cells:check",
    )


def _without_lut_memories(recipe: Recipe) -> Recipe:
    """For a family whose LUTs are no memories: those that ask for them become registers."""
    return Recipe(('setattr -set ram_style "logic" a:ram_style=distributed', *recipe.front), recipe.mappers)


def _gowin(script: str) -> tuple[str, ...]:
    return ("sort", "abc -lut 4:8", "clean", f"{script} -run map_cells:check")


RECIPES: Mapping[str, Recipe] = {
    "xc7": _xilinx("xc7"),
    "xcup": _xilinx("xcup"),
    "ecp5": _script("synth_ecp5", _lattice),
    "ice40": _without_lut_memories(_script("synth_ice40", _ice40)),
    "gowin": _script("synth_gowin -noiopads", _gowin),
}
"""By family; the families of `cells.LIBRARIES`."""


def reading(files: list[str]) -> list[str]:
    """Commands that read a unit's files, of which the first is its top, and elaborate it."""
    top, *library = files
    deferred = [f"read_verilog -sv -defer {' '.join(library)}"] if library else []
    return [*deferred, f"read_verilog -sv {top}", f"hierarchy -top {TOP}"]


TIMED_FILE = "timed.v"
TIMED = """
module TRELLIS_FF (output Q, input CLK, LSR, CE, DI, M);
  parameter GSR = "ENABLED";
  parameter CEMUX = "1";
  parameter CLKMUX = "CLK";
  parameter LSRMUX = "LSR";
  parameter SRMODE = "LSR_OVER_CE";
  parameter REGSET = "RESET";
  parameter LSRMODE = "LSR";
  parameter _TECHMAP_CONSTMSK_LSR_ = 0;
  wire _TECHMAP_FAIL_ = SRMODE == "ASYNC" || _TECHMAP_CONSTMSK_LSR_;
  TRELLIS_FF #(.CLKMUX(CLKMUX), .CEMUX(CEMUX)) _TECHMAP_REPLACE_ (.Q(Q), .CLK(CLK), .LSR(1'b0), .CE(CE), .DI(DI));
  TRELLIS_FF #(.CLKMUX(CLKMUX)) reset (.Q(), .CLK(CLK), .LSR(1'b0), .CE(1'b1), .DI(LSR));
endmodule
module LUT6_2 (output O6, O5, input I0, I1, I2, I3, I4, I5);
  parameter [63:0] INIT = 0;
  localparam [63:0] ON0 = (INIT ^ (INIT >> 1)) & 64'h5555555555555555;
  localparam [63:0] ON1 = (INIT ^ (INIT >> 2)) & 64'h3333333333333333;
  localparam [63:0] ON2 = (INIT ^ (INIT >> 4)) & 64'h0f0f0f0f0f0f0f0f;
  localparam [63:0] ON3 = (INIT ^ (INIT >> 8)) & 64'h00ff00ff00ff00ff;
  localparam [63:0] ON4 = (INIT ^ (INIT >> 16)) & 64'h0000ffff0000ffff;
  localparam [63:0] ON5 = (INIT ^ (INIT >> 32)) & 64'h00000000ffffffff;
  LUT6 #(.INIT(INIT)) _TECHMAP_REPLACE_ (.O(O6), .I0(|ON0 ? I0 : 1'b0), .I1(|ON1 ? I1 : 1'b0), .I2(|ON2 ? I2 : 1'b0),
    .I3(|ON3 ? I3 : 1'b0), .I4(|ON4 ? I4 : 1'b0), .I5(|ON5 ? I5 : 1'b0));
  LUT5 #(.INIT(INIT[31:0])) half (.O(O5), .I0(|ON0[31:0] ? I0 : 1'b0), .I1(|ON1[31:0] ? I1 : 1'b0),
    .I2(|ON2[31:0] ? I2 : 1'b0), .I3(|ON3[31:0] ? I3 : 1'b0), .I4(|ON4[31:0] ? I4 : 1'b0));
endmodule
"""
"""A file for `writing`: cells whose delays Yosys 0.70 does not know, as others with the same delays.

A LUT with two outputs is two LUTs. No half has an input that it does not depend on: in adders of three, that would be
a path through all carries. A register's synchronous reset is the data of a register beside it: `sta` takes it for a
path through the register, and never ends where a register takes part in its own reset.
"""


def writing(name: str) -> list[str]:
    """Commands that write the netlist and its timing: `name.json`, the same as `name.v`, and `name.sta`."""
    return [
        f"select {TOP}",
        f"write_json -noscopeinfo -selected {name}.json",
        f"write_verilog -noattr -selected {name}.v",
        "select -clear",
        f"techmap -map {TIMED_FILE} t:LUT6_2 t:TRELLIS_FF",
        f"tee -q -o {name}.sta sta",
    ]
