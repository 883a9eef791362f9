// SPDX-License-Identifier: Apache-2.0
// Nearest-neighbour upsampling: repeats each row of pixels, and in each of its copies each pixel.
//
// A writer and a reader share a line buffer, which is a ring. The writer takes a beat whenever there is room. The reader
// sends one beat per cycle: it waits only for beats that it sends for the first time, and frees a beat when it sends it for
// the last time, so rows and frames follow each other without a gap.

`default_nettype none

module bnn_upsample #(
  // Bits of a beat; at least 1.
  parameter int unsigned Width          = 8,
  // Pixels of an input row; at least 1.
  parameter int unsigned Columns        = 4,
  // Beats of a pixel; at least 1.
  parameter int unsigned Chunks         = 1,
  // How often rows are sent: for each row, the first lowest, the number of its last copy, counted from 0. RowEntries is the
  // number of rows, or 1 for an entry that serves all; RowCopyBits at least 1.
  parameter int unsigned RowEntries     = 1,
  parameter int unsigned RowCopyBits    = 1,
  parameter [RowEntries*RowCopyBits-1:0] RowLastCopies = '1,
  // The same of the pixels of a row. ColumnEntries is Columns or 1.
  parameter int unsigned ColumnEntries  = 1,
  parameter int unsigned ColumnCopyBits = 1,
  parameter [ColumnEntries*ColumnCopyBits-1:0] ColumnLastCopies = '1,
  // Beats that the line buffer holds; at least those that are sent again: a row, or a pixel where only pixels are.
  parameter int unsigned Depth          = 6,
  // Beats that the output queue holds; at least 2, and 3 for one beat per cycle.
  parameter int unsigned QueueDepth     = 3,
  // "block" or "distributed".
  parameter              MemoryKind     = "distributed"
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

  if (Width < 1 || Columns < 1 || Chunks < 1 || RowEntries < 1 || RowCopyBits < 1 || ColumnCopyBits < 1) begin : gen_check_sizes
    $error("bnn_upsample: Width, Columns, Chunks, RowEntries, RowCopyBits and ColumnCopyBits must be at least 1");
  end
  if (ColumnEntries != 1 && ColumnEntries != Columns) begin : gen_check_columns
    $error("bnn_upsample: ColumnEntries must be Columns or 1");
  end
  if (Depth < (RowLastCopies != '0 ? Columns * Chunks : Chunks)) begin : gen_check_depth
    $error("bnn_upsample: Depth must hold what is sent again, a row or a pixel");
  end

  localparam int unsigned AddressBits = Depth > 1 ? $clog2(Depth) : 1;
  localparam int unsigned LevelBits = $clog2(Depth + 1);
  localparam int unsigned ChunkBits = Chunks > 1 ? $clog2(Chunks) : 1;
  localparam int unsigned ColumnBits = Columns > 1 ? $clog2(Columns) : 1;
  localparam int unsigned LineBits = RowEntries > 1 ? $clog2(RowEntries) : 1;

  // The beat that is sent next: its line of the image where lines differ, which of the line's copies this is, its pixel,
  // which of the pixel's copies this is, its place in the pixel.
  reg [LineBits-1:0]       line_number;
  reg [RowCopyBits-1:0]    row;
  reg [ColumnBits-1:0]     column;
  reg [ColumnCopyBits-1:0] copy;
  reg [ChunkBits-1:0]      chunk;

  wire [RowCopyBits-1:0] row_last;
  if (RowEntries == 1) begin : gen_even_rows
    assign row_last = RowLastCopies;
  end else begin : gen_rows
    reg [RowCopyBits-1:0] last_copies [0:RowEntries-1];
    integer r;
    initial for (r = 0; r < RowEntries; r = r + 1) last_copies[r] = RowLastCopies[r*RowCopyBits+:RowCopyBits];
    assign row_last = last_copies[line_number];
  end

  wire [ColumnCopyBits-1:0] copy_last;
  if (ColumnEntries == 1) begin : gen_even_columns
    assign copy_last = ColumnLastCopies;
  end else begin : gen_columns
    reg [ColumnCopyBits-1:0] last_copies [0:ColumnEntries-1];
    integer c;
    initial for (c = 0; c < ColumnEntries; c = c + 1) last_copies[c] = ColumnLastCopies[c*ColumnCopyBits+:ColumnCopyBits];
    assign copy_last = last_copies[column];
  end

  wire last_chunk  = chunk == ChunkBits'(Chunks - 1);
  wire last_copy   = copy == copy_last;
  wire last_column = column == ColumnBits'(Columns - 1);
  wire last_row    = row == row_last;
  wire last_line   = line_number == LineBits'(RowEntries - 1);
  wire is_first    = (row == '0) & (copy == '0);
  wire is_last     = last_row & last_copy;

  // The ring: the beats in it, and those of them that have not been sent yet.
  reg [LevelBits-1:0]   level;
  reg [LevelBits-1:0]   fresh;
  reg                   full;
  reg [AddressBits-1:0] write_address;
  reg [AddressBits-1:0] address;

  wire has_room;
  assign s_tready_o = ~full;
  wire write = s_tvalid_i & s_tready_o;
  wire go    = has_room & (~is_first | (fresh != '0));

  // Steps in the ring: to the next beat, or back to the first one of the pixel or of the row.
  localparam [AddressBits:0] Modulus = (AddressBits+1)'(Depth);
  localparam [AddressBits:0] Next = (AddressBits+1)'(1 % Depth);
  localparam [AddressBits:0] ToPixel = (AddressBits+1)'((Depth - (Chunks - 1) % Depth) % Depth);
  localparam [AddressBits:0] ToRow = (AddressBits+1)'((Depth - (Columns * Chunks - 1) % Depth) % Depth);
  wire again_pixel = last_chunk & ~last_copy;
  wire again_row   = last_chunk & last_copy & last_column & ~last_row;
  wire [AddressBits:0] sum = {1'b0, address} + (again_pixel ? ToPixel : again_row ? ToRow : Next);
  wire [AddressBits:0] wrapped = sum >= Modulus ? sum - Modulus : sum;

  wire [LevelBits-1:0] next_level = level + LevelBits'(write) - LevelBits'(go & is_last);

  always @(posedge clk_i) begin
    level <= next_level;
    full  <= next_level == LevelBits'(Depth);
    fresh <= fresh + LevelBits'(write) - LevelBits'(go & is_first);
    if (write) write_address <= write_address == AddressBits'(Depth - 1) ? '0 : write_address + 1'b1;
    if (go) begin
      address <= wrapped[AddressBits-1:0];
      chunk   <= last_chunk ? '0 : chunk + 1'b1;
      if (last_chunk) begin
        copy <= last_copy ? '0 : copy + 1'b1;
        if (last_copy) begin
          column <= last_column ? '0 : column + 1'b1;
          if (last_column) row <= last_row ? '0 : row + 1'b1;
          if (last_column & last_row) line_number <= last_line ? '0 : line_number + 1'b1;
        end
      end
    end
    if (!rst_ni) begin
      level         <= '0;
      fresh         <= '0;
      full          <= 1'b0;
      write_address <= '0;
      address       <= '0;
      chunk         <= '0;
      copy          <= '0;
      column        <= '0;
      row           <= '0;
      line_number   <= '0;
    end
  end

  wire [Width-1:0] data;
  reg              sent;
  always @(posedge clk_i) sent <= go & rst_ni;

  bnn_line_memory #(
    .Width(Width),
    .Words(Depth),
    .AddressBits(AddressBits),
    .Kind(MemoryKind)
  ) line (
    .clk_i,
    .write_i        (write),
    .write_address_i(write_address),
    .data_i         (s_tdata_i),
    .address_i      (address),
    .data_o         (data)
  );

  bnn_output_queue #(
    .Width(Width),
    .Depth(QueueDepth)
  ) output_queue (
    .clk_i,
    .rst_ni,
    .room_o   (has_room),
    .reserve_i(go),
    .data_i   (data),
    .valid_i  (sent),
    .m_tdata_o,
    .m_tvalid_o,
    .m_tready_i
  );

  wire unused = wrapped[AddressBits];

endmodule

`default_nettype wire
