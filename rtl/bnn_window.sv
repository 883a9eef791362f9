// SPDX-License-Identifier: Apache-2.0
// The sliding window unit: sends, for each window, its pixels row by row, from a line buffer.
//
// Two machines share the line buffer. The writer takes a beat of the image whenever there is room. The reader sends one beat a
// cycle: it starts a window when the window's last pixel has come, and gives up the pixels that no later window needs with
// the window's last beat. Pixels outside the image are made up, so pads cost no input; windows of successive frames follow each
// other without a gap, and so do the lines of an image.
//
// The buffer is a ring. Addresses advance by constants: one for each loop that ends (channels, kernel columns, kernel rows,
// window columns, window rows), all modulo the ring's depth. What a window needs and gives up is worked out one window
// ahead.

`default_nettype none

module bnn_window #(
  // The image.
  parameter int unsigned Rows            = 4,
  parameter int unsigned Columns         = 4,
  // Elements of an input beat, input beats of a pixel, bits of an element.
  parameter int unsigned InputLanes      = 1,
  parameter int unsigned Chunks          = 1,
  parameter int unsigned ElementBits     = 1,
  parameter int unsigned KernelRows      = 3,
  parameter int unsigned KernelColumns   = 3,
  parameter int unsigned StrideRows      = 1,
  parameter int unsigned StrideColumns   = 1,
  parameter int unsigned DilationRows    = 1,
  parameter int unsigned DilationColumns = 1,
  parameter int unsigned PadTop          = 0,
  parameter int unsigned PadLeft         = 0,
  // Windows of a frame.
  parameter int unsigned WindowRows      = 2,
  parameter int unsigned WindowColumns   = 2,
  // Pixels of an output beat: one, a part of a kernel row that divides it, or whole kernel rows. More than one needs Chunks 1.
  parameter int unsigned Taps            = 1,
  // 1: a flag above the elements for each pixel of a beat says that it lies outside.
  parameter int unsigned Flags           = 0,
  // The code of elements outside.
  parameter int unsigned Fill            = 0,
  // Beats that the line buffer holds.
  parameter int unsigned Depth           = 16,
  // Beats that the output queue holds.
  parameter int unsigned QueueDepth      = 3,
  // "block" or "distributed".
  parameter              MemoryKind      = "distributed"
) (
  input  wire                                                          clk_i,
  input  wire                                                          rst_ni,
  input  wire [InputLanes*ElementBits-1:0]                             s_tdata_i,
  input  wire                                                          s_tvalid_i,
  output wire                                                          s_tready_o,
  output wire [Taps*InputLanes*ElementBits+(Flags!=0?Taps:0)-1:0]      m_tdata_o,
  output wire                                                          m_tvalid_o,
  input  wire                                                          m_tready_i
);

  if (Taps > 1 && Chunks > 1) begin : gen_check_chunks
    $error("bnn_window: several pixels a beat need whole pixels in the input beats");
  end
  if (KernelColumns % Taps != 0 && Taps % KernelColumns != 0) begin : gen_check_taps
    $error("bnn_window: the pixels of a beat must be part of a kernel row or whole kernel rows");
  end

  localparam int unsigned Width = InputLanes * ElementBits;
  localparam int unsigned OutputWidth = Taps * Width + (Flags != 0 ? Taps : 0);

  // Pixels of a beat: TapRows kernel rows of TapColumns pixels; steps of the kernel loops.
  localparam int unsigned TapColumns = Taps < KernelColumns ? Taps : KernelColumns;
  localparam int unsigned TapRows = Taps / TapColumns;
  localparam int unsigned StepColumns = KernelColumns / TapColumns;
  localparam int unsigned StepRows = KernelRows / TapRows;

  localparam int unsigned AddressBits = Depth > 1 ? $clog2(Depth) : 1;
  localparam int unsigned LevelBits = $clog2(Depth + 1);

  // Distances in the ring, in beats, each reduced modulo the depth (Depth*n is added where the number is negative).
  localparam int PixelStep = int'(Chunks * DilationColumns * TapColumns);
  localparam int RowStep = int'(Chunks * DilationRows * TapRows * Columns);
  localparam int Pixel0 = -(int'(Chunks * (PadTop * Columns + PadLeft)));
  // From the last beat of a pixel, of a kernel row, of a window, of a row of windows, of a frame, to the next beat.
  localparam int JumpColumn = PixelStep - int'(Chunks - 1);
  localparam int JumpRow = RowStep - int'(StepColumns - 1) * PixelStep - int'(Chunks - 1);
  localparam int InWindow = int'(StepRows - 1) * RowStep + int'(StepColumns - 1) * PixelStep + int'(Chunks - 1);
  localparam int JumpWindow = int'(Chunks * StrideColumns) - InWindow;
  localparam int InRow = int'((WindowColumns - 1) * StrideColumns * Chunks);
  localparam int JumpWindowRow = int'(Chunks * StrideRows * Columns) - InRow - InWindow;
  localparam int InFrame = int'((WindowRows - 1) * StrideRows * Columns * Chunks) + InRow + InWindow;
  localparam int JumpFrame = int'(Rows * Columns * Chunks) - InFrame;

  localparam int D = int'(Depth);
  localparam [AddressBits:0] AddColumn = (AddressBits+1)'(((JumpColumn % D) + D) % D);
  localparam [AddressBits:0] AddRow = (AddressBits+1)'(((JumpRow % D) + D) % D);
  localparam [AddressBits:0] AddWindow = (AddressBits+1)'(((JumpWindow % D) + D) % D);
  localparam [AddressBits:0] AddWindowRow = (AddressBits+1)'(((JumpWindowRow % D) + D) % D);
  localparam [AddressBits:0] AddFrame = (AddressBits+1)'(((JumpFrame % D) + D) % D);
  localparam [AddressBits:0] AddChunk = (AddressBits+1)'(1 % D);
  localparam [AddressBits-1:0] FirstAddress = AddressBits'(((Pixel0 % D) + D) % D);
  localparam [AddressBits:0] Modulus = (AddressBits+1)'(Depth);

  // Signed numbers that hold every row and column that a window touches, and a stride more.
  localparam int unsigned Far =
    Rows + Columns + PadTop + PadLeft + KernelRows * DilationRows + KernelColumns * DilationColumns + StrideRows + StrideColumns
    + WindowRows * StrideRows + WindowColumns * StrideColumns;
  localparam int unsigned PlaceBits = $clog2(Far + 1) + 1;
  localparam int unsigned BeatsBits = $clog2(Rows * Columns * Chunks + 1) + 2;

  // Loop counters of the reader.

  localparam int unsigned ChunkBits = Chunks > 1 ? $clog2(Chunks) : 1;
  localparam int unsigned ColumnBits = StepColumns > 1 ? $clog2(StepColumns) : 1;
  localparam int unsigned RowBits = StepRows > 1 ? $clog2(StepRows) : 1;
  localparam int unsigned WindowColumnBits = WindowColumns > 1 ? $clog2(WindowColumns) : 1;
  localparam int unsigned WindowRowBits = WindowRows > 1 ? $clog2(WindowRows) : 1;

  reg [ChunkBits-1:0]        chunk;
  reg [ColumnBits-1:0]       kernel_column;
  reg [RowBits-1:0]          kernel_row;
  reg [WindowColumnBits-1:0] window_column;
  reg [WindowRowBits-1:0]    window_row;

  wire last_chunk         = chunk == ChunkBits'(Chunks - 1);
  wire last_kernel_column = last_chunk & (kernel_column == ColumnBits'(StepColumns - 1));
  wire last_beat          = last_kernel_column & (kernel_row == RowBits'(StepRows - 1));
  wire last_of_row        = window_column == WindowColumnBits'(WindowColumns - 1);
  wire last_window        = last_of_row & (window_row == WindowRowBits'(WindowRows - 1));
  wire first_beat         = (chunk == '0) & (kernel_column == '0) & (kernel_row == '0);

  // Row and column in the image of the beat's first pixel, and of the window's first pixel.
  reg signed [PlaceBits-1:0] row;
  reg signed [PlaceBits-1:0] column;
  reg signed [PlaceBits-1:0] window_top;
  reg signed [PlaceBits-1:0] window_left;
  localparam signed [PlaceBits-1:0] Top = -(PlaceBits'(PadTop));
  localparam signed [PlaceBits-1:0] Left = -(PlaceBits'(PadLeft));

  wire signed [PlaceBits-1:0] next_left = last_of_row ? Left : window_left + PlaceBits'(StrideColumns);
  wire signed [PlaceBits-1:0] next_top  = last_window ? Top : last_of_row ? window_top + PlaceBits'(StrideRows) : window_top;

  reg [AddressBits-1:0] address;
  reg [AddressBits:0]   add;
  always @* begin
    if (!last_chunk) add = AddChunk;
    else if (!last_kernel_column) add = AddColumn;
    else if (!last_beat) add = AddRow;
    else if (!last_of_row) add = AddWindow;
    else if (!last_window) add = AddWindowRow;
    else add = AddFrame;
  end
  wire [AddressBits:0] sum = {1'b0, address} + add;
  wire [AddressBits:0] wrapped = sum >= Modulus ? sum - Modulus : sum;

  // Beats that a window needs, counted from the oldest that is kept, and those that it gives up: functions of the place of
  // the window and of the one behind it.

  function automatic signed [BeatsBits-1:0] clip(input signed [PlaceBits-1:0] place, input signed [PlaceBits-1:0] most);
    clip = place < 0 ? '0 : place > most ? BeatsBits'(most) : BeatsBits'(place);
  endfunction

  localparam signed [PlaceBits-1:0] LastRow = PlaceBits'(Rows - 1);
  localparam signed [PlaceBits-1:0] LastColumn = PlaceBits'(Columns - 1);
  localparam signed [PlaceBits-1:0] AllRows = PlaceBits'(Rows);
  localparam signed [PlaceBits-1:0] AllColumns = PlaceBits'(Columns);
  localparam signed [PlaceBits-1:0] SpanRows = PlaceBits'(DilationRows * (KernelRows - 1));
  localparam signed [PlaceBits-1:0] SpanColumns = PlaceBits'(DilationColumns * (KernelColumns - 1));
  localparam signed [PlaceBits-1:0] OneRow = PlaceBits'(StrideRows);
  localparam signed [BeatsBits-1:0] Line = BeatsBits'(Columns);
  localparam signed [BeatsBits-1:0] Frame = BeatsBits'(Rows * Columns);
  localparam signed [BeatsBits-1:0] Beats = BeatsBits'(Chunks);

  // A multiple of a constant is a sum of shifted numbers, which no tool takes for a multiplier.
  function automatic signed [BeatsBits-1:0] times(input signed [BeatsBits-1:0] number, input [BeatsBits-1:0] constant);
    integer b;
    begin
      times = '0;
      for (b = 0; b < BeatsBits; b = b + 1) begin
        if (constant[b]) times = times + (number << b);
      end
    end
  endfunction

  // Pixels before the first one that a window, or a later one, needs.
  function automatic signed [BeatsBits-1:0] oldest(
    input signed [PlaceBits-1:0] top,
    input signed [PlaceBits-1:0] left
  );
    reg signed [BeatsBits-1:0] pixels;
    begin
      pixels = times(clip(top, AllRows), Line) + clip(left, AllColumns);
      oldest = top + OneRow <= 0 ? '0 : pixels > Frame ? Frame : pixels;
    end
  endfunction

  function automatic signed [BeatsBits-1:0] newest(
    input signed [PlaceBits-1:0] top,
    input signed [PlaceBits-1:0] left
  );
    newest = times(clip(top + SpanRows, LastRow), Line) + clip(left + SpanColumns, LastColumn) + 1;
  endfunction

  // Of the window behind the present one.
  reg signed [PlaceBits-1:0] ahead_top;
  reg signed [PlaceBits-1:0] ahead_left;
  reg [WindowColumnBits-1:0] ahead_column;
  reg [WindowRowBits-1:0]    ahead_row;

  wire ahead_of_row = ahead_column == WindowColumnBits'(WindowColumns - 1);
  wire ahead_last   = ahead_of_row & (ahead_row == WindowRowBits'(WindowRows - 1));
  wire signed [PlaceBits-1:0] beyond_left = ahead_of_row ? Left : ahead_left + PlaceBits'(StrideColumns);
  wire signed [PlaceBits-1:0] beyond_top  =
    ahead_last ? Top : ahead_of_row ? ahead_top + OneRow : ahead_top;
  wire signed [BeatsBits-1:0] ahead_oldest  = oldest(ahead_top, ahead_left);
  wire signed [BeatsBits-1:0] beyond_oldest = ahead_last ? Frame : oldest(beyond_top, beyond_left);
  wire signed [BeatsBits-1:0] ahead_newest  = newest(ahead_top, ahead_left);
  // What is given up must have come.
  wire signed [BeatsBits-1:0] ahead_need    =
    times((ahead_newest > beyond_oldest ? ahead_newest : beyond_oldest) - ahead_oldest, Beats);

  reg [LevelBits-1:0] need;
  reg [LevelBits-1:0] leave;
  reg                 primed;

  // The line buffer.

  reg [LevelBits-1:0]   level;
  reg                   full;
  reg [AddressBits-1:0] write_address;

  wire has_room;
  wire write = s_tvalid_i & s_tready_o;
  assign s_tready_o = ~full;
  wire go = primed & has_room & (~first_beat | (level >= need));

  wire [LevelBits-1:0] given_up = go & last_beat ? leave : '0;
  wire [LevelBits-1:0] next_level = level + LevelBits'(write) - given_up;

  always @(posedge clk_i) begin
    level <= next_level;
    full  <= next_level == LevelBits'(Depth);
    if (write) write_address <= write_address == AddressBits'(Depth - 1) ? '0 : write_address + 1'b1;
    if (go) begin
      address <= wrapped[AddressBits-1:0];
      chunk   <= last_chunk ? '0 : chunk + 1'b1;
      if (last_chunk) begin
        kernel_column <= last_kernel_column ? '0 : kernel_column + 1'b1;
        column <= last_beat ? next_left
                  : last_kernel_column ? window_left
                  : column + PlaceBits'(DilationColumns * TapColumns);
      end
      if (last_kernel_column) begin
        kernel_row <= last_beat ? '0 : kernel_row + 1'b1;
        row <= last_beat ? next_top : row + PlaceBits'(DilationRows * TapRows);
      end
      if (last_beat) begin
        window_column <= last_of_row ? '0 : window_column + 1'b1;
        if (last_of_row) window_row <= last_window ? '0 : window_row + 1'b1;
        window_left <= next_left;
        window_top  <= next_top;
      end
    end
    if (~primed | (go & last_beat)) begin
      need  <= LevelBits'(ahead_need);
      leave <= LevelBits'(times(beyond_oldest - ahead_oldest, Beats));
      ahead_column <= ahead_of_row ? '0 : ahead_column + 1'b1;
      if (ahead_of_row) ahead_row <= ahead_last ? '0 : ahead_row + 1'b1;
      ahead_left <= beyond_left;
      ahead_top  <= beyond_top;
    end
    primed <= 1'b1;
    if (!rst_ni) begin
      level         <= '0;
      full          <= 1'b0;
      write_address <= '0;
      address       <= FirstAddress;
      chunk         <= '0;
      kernel_column <= '0;
      kernel_row    <= '0;
      window_column <= '0;
      window_row    <= '0;
      row           <= Top;
      column        <= Left;
      window_top    <= Top;
      window_left   <= Left;
      ahead_top     <= Top;
      ahead_left    <= Left;
      ahead_column  <= '0;
      ahead_row     <= '0;
      primed        <= 1'b0;
    end
  end

  // Datapath: a memory for each pixel of a beat, all with the same contents.

  reg                   sent;
  wire [OutputWidth-1:0] beat;

  always @(posedge clk_i) sent <= go & rst_ni;

  for (genvar t = 0; t < Taps; t = t + 1) begin : gen_tap
    localparam int Ahead = int'(Chunks * ((t / TapColumns) * DilationRows * Columns + (t % TapColumns) * DilationColumns));
    localparam [AddressBits:0] Distance = (AddressBits+1)'(Ahead % D);
    wire [AddressBits:0] tap_sum = {1'b0, address} + Distance;
    wire [AddressBits:0] tap_address = tap_sum >= Modulus ? tap_sum - Modulus : tap_sum;
    wire unused_carry = tap_address[AddressBits];
    wire signed [PlaceBits-1:0] tap_row = row + PlaceBits'((t / TapColumns) * DilationRows);
    wire signed [PlaceBits-1:0] tap_column = column + PlaceBits'((t % TapColumns) * DilationColumns);

    reg [Width-1:0] data;
    reg             outside;
    if (MemoryKind == "block") begin : gen_block
      (* ram_style = "block" *)
      reg [Width-1:0] line [0:Depth-1];
      always @(posedge clk_i) begin
        if (write) line[write_address] <= s_tdata_i;
        data <= line[tap_address[AddressBits-1:0]];
      end
    end else begin : gen_distributed
      (* ram_style = "distributed" *)
      reg [Width-1:0] line [0:Depth-1];
      always @(posedge clk_i) begin
        if (write) line[write_address] <= s_tdata_i;
        data <= line[tap_address[AddressBits-1:0]];
      end
    end
    always @(posedge clk_i) outside <= tap_row < 0 | tap_row >= AllRows | tap_column < 0 | tap_column >= AllColumns;
    assign beat[t*Width+:Width] = outside ? {InputLanes{ElementBits'(Fill)}} : data;
    if (Flags != 0) begin : gen_flag
      assign beat[Taps*Width+t] = outside;
    end
  end

  bnn_output_queue #(
    .Width(OutputWidth),
    .Depth(QueueDepth)
  ) output_queue (
    .clk_i,
    .rst_ni,
    .room_o   (has_room),
    .reserve_i(go),
    .data_i   (beat),
    .valid_i  (sent),
    .m_tdata_o,
    .m_tvalid_o,
    .m_tready_i
  );

  wire unused = &{1'b0, wrapped[AddressBits], ahead_need};

endmodule

`default_nettype wire
