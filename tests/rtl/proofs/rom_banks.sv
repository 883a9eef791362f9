// A memory in three banks: a word comes as many cycles after its address as there are stages. Words are any.

module proof #(
  parameter int unsigned Stages = 2, Words = 5
) (
  input wire clk,
  input wire [2:0] address,
  output wire bad, read
);
  wire [2*Words-1:0] content = $anyconst;
  wire [3:0] bank0 = content[3:0], bank1 = content[7:4];
  wire [2*(Words-4)-1:0] bank2 = content[2*Words-1:8];
  wire [1:0] data;
  bnn_rom_banks #(
    .Width(2),
    .Words(Words),
    .BankWords(2),
    .AddressBits(3),
    .Kind("block"),
    .Stages(Stages)
  ) dut (
    .clk_i    (clk),
    .address_i(address),
    .data_o   (data)
  );

  reg [3*Stages-1:0] earlier;
  reg [Stages-1:0] asked = 0;
  always @(posedge clk) begin
    earlier <= {earlier, address};
    asked <= {asked, address < Words};
  end
  wire [2:0] place = earlier[3*Stages-1-:3];
  wire [1:0] wanted = content >> 2 * place;
  assign bad = asked[Stages-1] & data != wanted;
  assign read = asked[Stages-1] & place == Words - 1;
endmodule
