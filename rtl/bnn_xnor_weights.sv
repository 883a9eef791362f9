// SPDX-License-Identifier: Apache-2.0
// The weights of an xnor unit: the words of bnn_xnor_sums or, with parts, of bnn_padded_xnor_sums where hardware is made, plain
// weights in simulation.
//
// The file is the same. A simulation counts equal bits in whole words, which is faster than the logic that hardware is made
// of, so it decodes the memory once when it begins.

`default_nettype none

module bnn_xnor_weights #(
  // Sums per cycle; at least 1.
  parameter int unsigned PE          = 2,
  // Inputs per cycle; at least 1.
  parameter int unsigned SIMD        = 4,
  // Parts of a word in which parities begin anew; 0 if they run on in a pass, or a divisor of SIMD.
  parameter int unsigned Parts       = 0,
  // Words of a pass, and passes; at least 1.
  parameter int unsigned Steps       = 2,
  parameter int unsigned Passes      = 1,
  // Bits of an address; at least 1, and enough for all words.
  parameter int unsigned AddressBits = 1,
  // Bits of an initial value; at least 1.
  parameter int unsigned InitialBits = 4,
  // Lowest bit of all initial values, unless they come from a file.
  parameter int unsigned Lowest      = 0,
  // Kind of the memory: "block" or "distributed".
  parameter              Kind        = "block",
  // Cycles from an address to its word, 1 to 4; see bnn_rom_banks.
  parameter int unsigned Stages      = 1,
  // Words of a bank of the memory, or 0 for one; see bnn_rom_banks.
  parameter int unsigned BankWords   = 0,
  // File of the weights, with a word for each pass and step, or the start of the names of the banks' files; "" for none, as in
  // lint.
  parameter              File        = "",
  // The words as lookup tables, see bnn_rom.
  parameter              Luts        = 1'b0,
  // File of the initial values, with a word for each pass; "" for none.
  parameter              Initial     = ""
) (
  input  wire                   clk_i,
  input  wire [AddressBits-1:0] address_i,
  output wire [PE*SIMD-1:0]     word_o
);

  if (PE < 1 || SIMD < 1 || Steps < 1 || Passes < 1 || InitialBits < 1) begin : gen_check_sizes
    $error("bnn_xnor_weights: PE, SIMD, Steps, Passes and InitialBits must be at least 1");
  end
  if (Kind == "block") begin : gen_block
  end else if (Kind == "distributed") begin : gen_distributed
  end else begin : gen_check_kind
    $error("bnn_xnor_weights: Kind (MemoryKind of the unit around it) must be \"block\" or \"distributed\"");
  end

  if (Stages < 1 || Stages > (BankWords != 0 ? 4 : 3)) begin : gen_check_stages
    $error("bnn_xnor_weights: Stages (WeightStages of the unit around it) must be at least 1, and at most 3, with banks 4");
  end

  localparam int unsigned Words = Passes * Steps;

`ifdef SYNTHESIS
  bnn_rom_banks #(
    .Width(PE * SIMD),
    .Words(Words),
    .BankWords(BankWords),
    .AddressBits(AddressBits),
    .Kind(Kind),
    .Stages(Stages),
    .File(File),
    .Luts(Luts)
  ) memory (
    .clk_i,
    .address_i,
    .data_o(word_o)
  );
`else
  localparam int unsigned Banks = BankWords != 0 ? (Words + BankWords - 1) / BankWords : 1;
  localparam int unsigned NameLength = $bits(File) / 8 + 7;
  wire unused_luts = &{1'b0, Luts};
  reg [PE*SIMD-1:0]        words          [0:Words-1];
  reg [PE*InitialBits-1:0] initial_values [0:Passes-1];
  reg [PE*SIMD-1:0]        word;
  reg                      parity;
  localparam int unsigned PartCount = Parts > 0 ? Parts : 1;
  integer n;
  integer s;
  integer p;
  integer i;
  integer start;
  reg [8*NameLength-1:0] name;
  initial begin
    // 0, which no tool knows before the simulation: Verilator would unroll these loops to a statement for each bit.
    start = 32'($time);
    if (File != "") begin
      if (BankWords == 0) begin
        $readmemh(File, words, 0, Words - 1);
      end else begin
        for (n = start; n < Banks; n = n + 1) begin
          // "007.mem": ASCII digits begin at 48.
          name = {File, 8'(48 + n / 100), 8'(48 + n / 10 % 10), 8'(48 + n % 10), ".mem"};
          $readmemh(name, words, n * BankWords, n == Banks - 1 ? Words - 1 : (n + 1) * BankWords - 1);
        end
      end
      if (Initial != "") $readmemh(Initial, initial_values, 0, Passes - 1);
      for (n = start; n < Passes; n = n + 1) begin
        for (p = start; p < PE; p = p + 1) begin
          parity = Initial != "" ? initial_values[n][p*InitialBits] : Lowest != 0;
          for (s = start; s < Steps; s = s + 1) begin
            word = words[n*Steps+s];
            for (i = start; i < SIMD; i = i + 1) begin
              if (Parts > 0 && i % (SIMD / PartCount) == 0) parity = 1'b0;
              // Where the parity changes, the weight is -1.
              word[p*SIMD+i] = ~(word[p*SIMD+i] ^ parity);
              parity = parity ^ ~word[p*SIMD+i];
            end
            words[n*Steps+s] = word;
          end
        end
      end
    end
  end
  wire [AddressBits-1:0] address;
  if (Stages == 1) begin : gen_now
    assign address = address_i;
  end else begin : gen_later
    reg [(Stages-1)*AddressBits-1:0] earlier;
    always @(posedge clk_i) earlier <= ((Stages - 1) * AddressBits)'({earlier, address_i});
    assign address = earlier[(Stages-2)*AddressBits+:AddressBits];
  end
  reg [PE*SIMD-1:0] data;
  always @(posedge clk_i) data <= words[address];
  assign word_o = data;
`endif

endmodule

`default_nettype wire
