// SPDX-License-Identifier: Apache-2.0
// A read-only memory in one bank, or in two with a multiplexer behind their registers.
//
// Synthesis makes a memory whose words are no power of two from block RAMs of few words and selects one of them before the
// register: with what a block RAM takes already, that is too late for a fast clock. Two banks, the first of which has a power
// of two words, take no more block RAMs, and are selected when the words are there.

`default_nettype none

module bnn_rom_banks #(
  // Bits of a word; at least 1.
  parameter int unsigned Width       = 8,
  // Words; at least 1.
  parameter int unsigned Words       = 1,
  // Words of the first bank: 0 for one bank, or a power of two less than Words and at least half of them.
  parameter int unsigned FirstWords  = 0,
  // Bits of an address; at least 1, and enough for Words.
  parameter int unsigned AddressBits = 1,
  // "block" or "distributed".
  parameter              Kind        = "block",
  // Cycles from an address to its word, 1 or 2; see bnn_rom.
  parameter int unsigned Stages      = 1,
  // The file, or with two banks the start of the names of their files: "000.mem" and "001.mem" follow.
  parameter              File        = ""
) (
  input  wire                   clk_i,
  input  wire [AddressBits-1:0] address_i,
  output wire [Width-1:0]       data_o
);

  if (FirstWords == 0) begin : gen_one
    bnn_rom #(
      .Width(Width),
      .Words(Words),
      .AddressBits(AddressBits),
      .Kind(Kind),
      .Stages(Stages),
      .File(File)
    ) memory (
      .clk_i,
      .address_i,
      .data_o
    );
  end else if (FirstWords >= Words || Words - FirstWords > FirstWords || 2 ** $clog2(FirstWords) != FirstWords) begin : gen_check_banks
    $error("bnn_rom_banks: FirstWords must be 0, or a power of two less than Words and at least half of them");
  end else begin : gen_two
    localparam int unsigned FirstBits = FirstWords > 1 ? $clog2(FirstWords) : 1;
    localparam int unsigned SecondBits = Words - FirstWords > 1 ? $clog2(Words - FirstWords) : 1;
    wire [Width-1:0] first;
    wire [Width-1:0] second;
    bnn_rom #(
      .Width(Width),
      .Words(FirstWords),
      .AddressBits(FirstBits),
      .Kind(Kind),
      .Stages(Stages),
      .File({File, "000.mem"})
    ) first_bank (
      .clk_i,
      .address_i(address_i[FirstBits-1:0]),
      .data_o   (first)
    );
    bnn_rom #(
      .Width(Width),
      .Words(Words - FirstWords),
      .AddressBits(SecondBits),
      .Kind(Kind),
      .Stages(Stages),
      .File({File, "001.mem"})
    ) second_bank (
      .clk_i,
      .address_i(address_i[SecondBits-1:0]),
      .data_o   (second)
    );
    reg [Stages-1:0] in_second;
    always @(posedge clk_i) in_second <= Stages'({in_second, address_i[$clog2(FirstWords)]});
    assign data_o = in_second[Stages-1] ? second : first;
  end

endmodule

`default_nettype wire
