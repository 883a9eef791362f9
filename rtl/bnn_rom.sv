// SPDX-License-Identifier: Apache-2.0
// A read-only memory with a registered output, filled from a hex file.

`default_nettype none

module bnn_rom #(
  parameter int unsigned Width    = 8,
  parameter int unsigned Words    = 1,
  parameter int unsigned AddressBits = 1,
  // "block" for block RAM, else lookup tables.
  parameter              Kind     = "block",
  // The file, one word a line; none for a module that is read by itself.
  parameter              File     = ""
) (
  input  wire                   clk_i,
  input  wire [AddressBits-1:0] address_i,
  output reg  [Width-1:0]       data_o
);

  if (Kind == "block") begin : gen_block
    (* rom_style = "block" *)
    reg [Width-1:0] words [0:Words-1];
    initial begin
      if (File != "") $readmemh(File, words, 0, Words - 1);
    end
    always @(posedge clk_i) data_o <= words[address_i];
  end else begin : gen_distributed
    // The same thing has two names.
`ifdef YOSYS
    (* rom_style = "logic" *)
`else
    (* rom_style = "distributed" *)
`endif
    reg [Width-1:0] words [0:Words-1];
    initial begin
      if (File != "") $readmemh(File, words, 0, Words - 1);
    end
    always @(posedge clk_i) data_o <= words[address_i];
  end

endmodule

`default_nettype wire
