// SPDX-License-Identifier: Apache-2.0
// A read-only memory with a registered output, filled from a hex file.
//
// The style attribute must be a constant of the text, so each kind has a memory of its own. The register makes block RAM
// possible and is the first stage of every pipeline that reads one. A block RAM takes most of a fast clock's period until its
// word is there, and deep memories are several block RAMs with a multiplexer: a second register keeps this time apart from
// the logic that reads the word. A third one, for the address, is for wide memories, whose block RAMs lie far apart. A simulation
// delays the address instead of the word, since that may be thousands of bits.
//
// Two bits of up to 32 words are functions of the same five inputs, which one lookup table of a Xilinx device has. Logic
// synthesis finds no such pairs, so they are written out, from the words as a parameter.

`default_nettype none

module bnn_rom #(
  // Bits of a word; at least 1.
  parameter int unsigned Width       = 8,
  // Words; at least 1.
  parameter int unsigned Words       = 1,
  // Bits of an address; at least 1, and enough for Words.
  parameter int unsigned AddressBits = 1,
  // "block" for block RAM, "distributed" for lookup tables.
  parameter              Kind        = "block",
  // Cycles from an address to its word: 1, 2 with a second register behind the memory, 3 with one for the address as well.
  parameter int unsigned Stages      = 1,
  // $readmemh file with Words words; "" for none, as in lint.
  parameter              File        = "",
  // For Xilinx devices and at most 32 words, the same as lookup tables: pairs of tables of 32 bits, of which bit i is that of
  // address i; above them, for each bit of a word, rounded up to four, 16 bits: 0 if it is 0, 1 if it is 1, else 2 more than the
  // number of its table. Else one bit, and synthesis reads the file.
  parameter              Luts        = 1'b0
) (
  input  wire                   clk_i,
  input  wire [AddressBits-1:0] address_i,
  output wire [Width-1:0]       data_o
);

  if (Width < 1 || Words < 1 || AddressBits < 1 || AddressBits < $clog2(Words)) begin : gen_check_sizes
    $error("bnn_rom: Width, Words and AddressBits must be at least 1, and AddressBits enough for Words");
  end

  if (Stages < 1 || Stages > 3) begin : gen_check_stages
    $error("bnn_rom: Stages must be 1, 2 or 3");
  end

  localparam HasLuts = $bits(Luts) > 1;
  localparam int unsigned Quarters = (Width + 3) / 4;
  localparam int unsigned Pairs = $bits(Luts) / 64 > Quarters ? $bits(Luts) / 64 - Quarters : 1;
  if (HasLuts && ($bits(Luts) != 64 * (Pairs + Quarters) || Words > 32 || AddressBits > 5)) begin : gen_check_luts
    $error("bnn_rom: Luts must have pairs of tables and a place for each bit of a word, of no more than 32 words");
  end

  // The address of the memory, and the register behind it.
  wire [AddressBits-1:0] address;
  reg  [Width-1:0]       word;
`ifdef SYNTHESIS
  localparam int unsigned Early = Stages == 3 ? 1 : 0;
  localparam Paired = HasLuts;
`else
  localparam int unsigned Early = Stages - 1;
  localparam Paired = 1'b0;
`endif
  if (Early == 0) begin : gen_address
    assign address = address_i;
  end else begin : gen_address_registers
    // Each memory has its own, near it, although others may be equal.
    (* keep *)
    reg [Early*AddressBits-1:0] earlier;
    always @(posedge clk_i) earlier <= (Early * AddressBits)'({earlier, address_i});
    assign address = earlier[(Early-1)*AddressBits+:AddressBits];
  end
  if (Stages == 1 || Early == Stages - 1) begin : gen_word
    assign data_o = word;
  end else begin : gen_second_register
    reg [Width-1:0] second;
    always @(posedge clk_i) second <= word;
    assign data_o = second;
  end

  if (Paired) begin : gen_pairs
    wire [2*Pairs+1:0] read;
    wire [  Width-1:0] chosen;
    assign read[1:0] = 2'b10;
    for (genvar i = 0; i < Pairs; i = i + 1) begin : gen_pair
      bnn_lut6 #(
        .Table(Luts[64*i+:64])
      ) lut (
        .inputs_i({1'b1, 5'(address)}),
        .o6_o    (read[2*i+3]),
        .o5_o    (read[2*i+2])
      );
    end
    for (genvar i = 0; i < Width; i = i + 1) begin : gen_bit
      localparam [15:0] Place = Luts[64*Pairs+16*i+:16];
      assign chosen[i] = read[Place];
    end
    always @(posedge clk_i) word <= chosen;
  end else if (Kind == "block") begin : gen_block
    (* rom_style = "block" *)
    reg [Width-1:0] words [0:Words-1];
    initial begin
      if (File != "") $readmemh(File, words, 0, Words - 1);
    end
    always @(posedge clk_i) word <= words[address];
  end else if (Kind == "distributed") begin : gen_distributed
    // Yosys and Vivado have different names for the same thing.
`ifdef YOSYS
    (* rom_style = "logic" *)
`else
    (* rom_style = "distributed" *)
`endif
    reg [Width-1:0] words [0:Words-1];
    initial begin
      if (File != "") $readmemh(File, words, 0, Words - 1);
    end
    always @(posedge clk_i) word <= words[address];
  end else begin : gen_check_kind
    $error("bnn_rom: Kind (MemoryKind of the unit around it) must be \"block\" or \"distributed\"");
  end

endmodule

`default_nettype wire
