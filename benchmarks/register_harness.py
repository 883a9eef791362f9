"""A module behind registers: what is placed and routed to find the fastest clock of a unit or of an accelerator."""

from __future__ import annotations

import re

TOP = "behind_registers"
_PORT = re.compile(r"^ *(input|output) +wire +(?:logic +)?(?:\[(\d+):0\] +)?(\w+)", re.MULTILINE)
_CLOCKS = {"clk", "aclk"}
_RESETS = {"reset_n", "aresetn"}


def register_harness(text: str, module: str) -> str:
    """A top level, named `TOP`, around a module whose ports `text` declares one per line.

    Inputs come from a shift register, outputs go into registers and from there, in turn, to a pin: so modules of any
    width fit the pins of any part, and every path of the module starts and ends in a register beside it.
    """
    header = re.search(rf"^module {module}\b.*?^\);", text, re.MULTILINE | re.DOTALL)
    if header is None:
        raise ValueError(f"the text has no module {module}")
    ports = [(way, int(high or 0) + 1, name) for way, high, name in _PORT.findall(header[0])]
    wires, offsets = [], {"input": 0, "output": 0}
    for way, width, name in ports:
        if name in _CLOCKS | _RESETS:
            wires.append(f"    .{name}({'clk' if name in _CLOCKS else 'reset_n_q'})")
            continue
        wires.append(f"    .{name}({way}s[{offsets[way]}+:{width}])")
        offsets[way] += width
    taken, sent = offsets["input"], offsets["output"]
    connections = ",\n".join(wires)
    return f"""module {TOP} (
  input  wire clk,
  input  wire reset_n,
  input  wire pin_i,
  output wire pin_o
);
  reg reset_n_q;
  reg pin_q;
  reg [{taken - 1}:0] inputs;
  reg [{sent - 1}:0] outputs_q;
  reg [{sent - 1}:0] shifted;
  reg [9:0] count;
  wire [{sent - 1}:0] outputs;
  always @(posedge clk) begin
    reset_n_q <= reset_n;
    pin_q     <= pin_i;
    inputs    <= {taken}'({{inputs, pin_q}});
    outputs_q <= outputs;
    count     <= count + 1'b1;
    shifted   <= count == '0 ? outputs_q : shifted >> 1;
  end
  assign pin_o = shifted[0];
  {module} module_behind_registers (
{connections}
  );
endmodule
"""
