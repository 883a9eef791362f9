// A queue of four beats that adds to each the number of its ones, and a mask from a memory file.

`default_nettype none

module tiny_queue #(
  parameter int unsigned Width = 8
) (
  input  wire             clk_i,
  input  wire             rst_ni,
  input  wire [Width-1:0] s_tdata_i,
  input  wire             s_tvalid_i,
  output wire             s_tready_o,
  output wire [Width-1:0] m_tdata_o,
  output wire             m_tvalid_o,
  input  wire             m_tready_i,
  output wire [31:0]      level_o
);

  reg [Width-1:0] mask [0:0];
  initial $readmemh("mask.mem", mask);

  reg [Width-1:0] beats [0:3];
  reg [1:0]       write_slot;
  reg [1:0]       read_slot;
  reg [2:0]       level;

  wire push = s_tvalid_i & s_tready_o;
  wire pop  = m_tvalid_o & m_tready_i;
  assign s_tready_o = level != 3'd4;
  assign m_tvalid_o = level != 3'd0;
  assign m_tdata_o  = beats[read_slot];
  assign level_o    = {29'd0, level};

  always @(posedge clk_i) begin
    if (push) begin
      beats[write_slot] <= (s_tdata_i ^ mask[0]) + Width'($countones(s_tdata_i));
      write_slot <= write_slot + 2'd1;
    end
    if (pop) read_slot <= read_slot + 2'd1;
    level <= level + 3'(push) - 3'(pop);
    if (!rst_ni) begin
      write_slot <= '0;
      read_slot  <= '0;
      level      <= '0;
    end
  end

endmodule

`default_nettype wire
