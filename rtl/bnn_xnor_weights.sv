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
  // File of the weights, with a word for each pass and step; "" for none, as in lint.
  parameter              File        = "",
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

  localparam int unsigned Words = Passes * Steps;

`ifdef SYNTHESIS
  bnn_rom #(
    .Width(PE * SIMD),
    .Words(Words),
    .AddressBits(AddressBits),
    .Kind(Kind),
    .File(File)
  ) memory (
    .clk_i,
    .address_i,
    .data_o(word_o)
  );
`else
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
  initial begin
    // 0, which no tool knows before the simulation: Verilator would unroll these loops to a statement for each bit.
    start = 32'($time);
    if (File != "") begin
      $readmemh(File, words, 0, Words - 1);
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
  reg [PE*SIMD-1:0] data;
  always @(posedge clk_i) data <= words[address_i];
  assign word_o = data;
`endif

endmodule

`default_nettype wire
