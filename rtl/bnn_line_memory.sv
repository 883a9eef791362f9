// SPDX-License-Identifier: Apache-2.0
// The memory of a line buffer: a write and a read in each cycle, with a registered output.
//
// Shift registers that are read at any place (SRL) would be no smaller: for 64 bits on a 7-series FPGA, 32 beats take 64 LUTs of
// these and 44 here, 96 beats 192 and 199, 128 beats 256 and 242.
//
// The style attribute must be a constant of the text, so each kind has a memory of its own.

`default_nettype none

module bnn_line_memory #(
  // Bits of a word; at least 1.
  parameter int unsigned Width       = 8,
  // Words; at least 1.
  parameter int unsigned Words       = 16,
  // Bits of an address; at least 1, and enough for Words.
  parameter int unsigned AddressBits = 4,
  // "block" for block RAM, "distributed" for lookup tables.
  parameter              Kind        = "distributed",
  // Cycles from an address to its word: 1, or 2 with a second register, for block RAM, whose output is late.
  parameter int unsigned Stages      = 1
) (
  input  wire                   clk_i,
  input  wire                   write_i,
  input  wire [AddressBits-1:0] write_address_i,
  input  wire [Width-1:0]       data_i,
  input  wire [AddressBits-1:0] address_i,
  output wire [Width-1:0]       data_o
);

  if (Width < 1 || Words < 1 || AddressBits < 1 || AddressBits < $clog2(Words)) begin : gen_check_sizes
    $error("bnn_line_memory: Width, Words and AddressBits must be at least 1, and AddressBits enough for Words");
  end
  if (Stages < 1 || Stages > 2) begin : gen_check_stages
    $error("bnn_line_memory: Stages must be 1 or 2");
  end

  reg [Width-1:0] word;

  if (Kind == "block") begin : gen_block
    // A word is never read and written at once, but for one that is not used.
    (* ram_style = "block", no_rw_check *)
    reg [Width-1:0] words [0:Words-1];
    always @(posedge clk_i) begin
      if (write_i) words[write_address_i] <= data_i;
      word <= words[address_i];
    end
  end else if (Kind == "distributed") begin : gen_distributed
    (* ram_style = "distributed" *)
    reg [Width-1:0] words [0:Words-1];
    always @(posedge clk_i) begin
      if (write_i) words[write_address_i] <= data_i;
      word <= words[address_i];
    end
  end else begin : gen_check_kind
    $error("bnn_line_memory: Kind (MemoryKind of the unit around it) must be \"block\" or \"distributed\"");
  end

  if (Stages == 2) begin : gen_second_register
    reg [Width-1:0] second;
    always @(posedge clk_i) second <= word;
    assign data_o = second;
  end else begin : gen_one_register
    assign data_o = word;
  end

endmodule

`default_nettype wire
