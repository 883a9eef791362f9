// SPDX-License-Identifier: Apache-2.0
// Passes on the pixels that lie in the kept rows and columns of an image and drops the others: counters, and a queue.
//
// A beat that is dropped needs no place in the queue, so it never waits for one.

`default_nettype none

module bnn_crop #(
  // Bits of a beat; at least 1.
  parameter int unsigned      Width       = 8,
  // Rows of the input image; at least 1.
  parameter int unsigned      Rows        = 2,
  // Its columns, or groups of columns where a beat has several pixels; at least 1.
  parameter int unsigned      Columns     = 2,
  // Beats of a pixel; at least 1.
  parameter int unsigned      Chunks      = 1,
  // A bit for each row and for each column, the first lowest: whether it is kept; of each, at least one is.
  parameter [Rows-1:0]        KeptRows    = '1,
  parameter [Columns-1:0]     KeptColumns = '1
) (
  input  wire             clk_i,
  input  wire             rst_ni,
  input  wire [Width-1:0] s_tdata_i,
  input  wire             s_tvalid_i,
  output wire             s_tready_o,
  output wire [Width-1:0] m_tdata_o,
  output wire             m_tvalid_o,
  input  wire             m_tready_i
);

  if (Width < 1 || Rows < 1 || Columns < 1 || Chunks < 1) begin : gen_check_sizes
    $error("bnn_crop: Width, Rows, Columns and Chunks must be at least 1");
  end
  if (KeptRows == '0 || KeptColumns == '0) begin : gen_check_kept
    $error("bnn_crop: at least one row and one column must be kept");
  end

  localparam int unsigned ChunkBits = Chunks > 1 ? $clog2(Chunks) : 1;
  localparam int unsigned ColumnBits = Columns > 1 ? $clog2(Columns) : 1;
  localparam int unsigned RowBits = Rows > 1 ? $clog2(Rows) : 1;

  // The beat that comes next.
  reg [RowBits-1:0]    row;
  reg [ColumnBits-1:0] column;
  reg [ChunkBits-1:0]  chunk;

  wire last_chunk  = chunk == ChunkBits'(Chunks - 1);
  wire last_column = column == ColumnBits'(Columns - 1);
  wire last_row    = row == RowBits'(Rows - 1);

  wire in_row;
  if (&KeptRows) begin : gen_all_rows
    assign in_row = 1'b1;
    wire unused = &{1'b0, row};
  end else begin : gen_rows
    reg kept [0:Rows-1];
    integer r;
    initial for (r = 0; r < Rows; r = r + 1) kept[r] = KeptRows[r];
    assign in_row = kept[row];
  end

  wire in_column;
  if (&KeptColumns) begin : gen_all_columns
    assign in_column = 1'b1;
  end else begin : gen_columns
    reg kept [0:Columns-1];
    integer c;
    initial for (c = 0; c < Columns; c = c + 1) kept[c] = KeptColumns[c];
    assign in_column = kept[column];
  end

  wire keep = in_row & in_column;
  wire queue_ready;
  assign s_tready_o = queue_ready | ~keep;
  wire go = s_tvalid_i & s_tready_o;

  always @(posedge clk_i) begin
    if (go) begin
      chunk <= last_chunk ? '0 : chunk + 1'b1;
      if (last_chunk) begin
        column <= last_column ? '0 : column + 1'b1;
        if (last_column) row <= last_row ? '0 : row + 1'b1;
      end
    end
    if (!rst_ni) begin
      chunk  <= '0;
      column <= '0;
      row    <= '0;
    end
  end

  bnn_fifo #(
    .Width(Width),
    .Depth(2)
  ) queue (
    .clk_i,
    .rst_ni,
    .s_tdata_i,
    .s_tvalid_i(s_tvalid_i & keep),
    .s_tready_o(queue_ready),
    .m_tdata_o,
    .m_tvalid_o,
    .m_tready_i
  );

endmodule

`default_nettype wire
