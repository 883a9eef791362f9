// SPDX-License-Identifier: Apache-2.0
// A read-only memory in several banks, with a multiplexer behind their registers.
//
// Synthesis makes deep memories of block RAMs of fewer words where these are fuller, and selects one of them in front of the
// register: with what a block RAM takes already, that is too late for a fast clock. Banks that have just one block RAM for
// each bit are selected when the words are there.

`default_nettype none

module bnn_rom_banks #(
  // Bits of a word; at least 1.
  parameter int unsigned Width       = 8,
  // Words; at least 1.
  parameter int unsigned Words       = 1,
  // Words of each bank but the last one, a power of two less than Words; or 0 for one bank.
  parameter int unsigned BankWords   = 0,
  // Bits of an address; at least 1, and enough for Words.
  parameter int unsigned AddressBits = 1,
  // "block" or "distributed".
  parameter              Kind        = "block",
  // Cycles from an address to its word, 1 to 3; see bnn_rom. 4, for several banks: a register behind the choice of one, too.
  parameter int unsigned Stages      = 1,
  // The file, or with several banks the start of the names of their files, which end in "000.mem", "001.mem" and so on.
  parameter              File        = "",
  // For one bank, its lookup tables; see bnn_rom.
  parameter              Luts        = 1'b0
) (
  input  wire                   clk_i,
  input  wire [AddressBits-1:0] address_i,
  output wire [Width-1:0]       data_o
);

  localparam int unsigned Banks = BankWords != 0 ? (Words + BankWords - 1) / BankWords : 1;
  if (BankWords != 0 && (BankWords >= Words || 2 ** $clog2(BankWords) != BankWords || Banks > 1000)) begin : gen_check_banks
    $error("bnn_rom_banks: BankWords must be 0, or a power of two less than Words and enough for at most 1000 banks");
  end
  if (BankWords != 0 && $bits(Luts) > 1) begin : gen_check_luts
    $error("bnn_rom_banks: Luts need one bank");
  end

  if (Stages > (BankWords != 0 ? 4 : 3)) begin : gen_check_stages
    $error("bnn_rom_banks: Stages must be at most 3 with one bank, else 4");
  end

  if (BankWords == 0) begin : gen_one
    bnn_rom #(
      .Width(Width),
      .Words(Words),
      .AddressBits(AddressBits),
      .Kind(Kind),
      .Stages(Stages),
      .File(File),
      .Luts(Luts)
    ) memory (
      .clk_i,
      .address_i,
      .data_o
    );
  end else begin : gen_several
    localparam int unsigned PlaceBits = $clog2(BankWords);
    localparam int unsigned BankBits = Banks > 1 ? $clog2(Banks) : 1;
    localparam int unsigned OfBank = Stages > 3 ? 3 : Stages;

    wire [Banks*Width-1:0] words;
    for (genvar b = 0; b < Banks; b = b + 1) begin : gen_bank
      localparam int unsigned Held = b < Banks - 1 ? BankWords : Words - b * BankWords;
      localparam int unsigned HeldBits = Held > 1 ? $clog2(Held) : 1;
      // "007.mem": ASCII digits begin at 48.
      localparam [7*8-1:0] Suffix = {8'(48 + b / 100), 8'(48 + b / 10 % 10), 8'(48 + b % 10), ".mem"};
      bnn_rom #(
        .Width(Width),
        .Words(Held),
        .AddressBits(HeldBits),
        .Kind(Kind),
        .Stages(OfBank),
        .File({File, Suffix})
      ) memory (
        .clk_i,
        .address_i(address_i[HeldBits-1:0]),
        .data_o   (words[b*Width+:Width])
      );
    end

    reg [OfBank*BankBits-1:0] banks;
    always @(posedge clk_i) banks <= (OfBank * BankBits)'({banks, BankBits'(address_i >> PlaceBits)});
    wire [Width-1:0] chosen = words[32'(banks[(OfBank-1)*BankBits+:BankBits])*Width+:Width];
    if (Stages == OfBank) begin : gen_chosen
      assign data_o = chosen;
    end else begin : gen_last_register
      // Registers of banks that lie far apart are then near them, as only the choice is behind them.
      reg [Width-1:0] last;
      always @(posedge clk_i) last <= chosen;
      assign data_o = last;
    end
  end

endmodule

`default_nettype wire
