// SPDX-License-Identifier: Apache-2.0
// The sliding window unit: sends, for each window, its pixels row by row, from a line buffer.
//
// A writer and a reader share the line buffer. The writer takes a beat of the image whenever there is room. The reader sends
// one beat per cycle: it starts a window when the window's last pixel has arrived and, with the window's last beat, frees the
// beats that no later window needs. Pixels outside the image are generated, so padding costs no input cycles; windows of
// successive frames follow each other without a gap, and so do the lines of an image. Where a beat has several windows, all
// of this holds for them together.
//
// The buffer is a ring of input beats. A place in it is a beat and a pixel of that beat. Places advance by constants, one for
// each loop that ends (channels, kernel columns, kernel rows, window columns, window rows), all modulo the ring's depth. How
// many beats a window needs and frees is computed one window ahead, which keeps that arithmetic off the reader's path.

`default_nettype none

module bnn_window #(
  // Rows and columns of the image; at least 1.
  parameter int unsigned Rows            = 4,
  parameter int unsigned Columns         = 4,
  // Elements of a pixel in a beat; at least 1.
  parameter int unsigned Part            = 1,
  // Beats of a pixel; at least 1.
  parameter int unsigned Chunks          = 1,
  // Pixels of an input beat; a divisor of Columns, and more than 1 only where Chunks is 1.
  parameter int unsigned InputPixels     = 1,
  // Bits of an element; at least 1.
  parameter int unsigned ElementBits     = 1,
  // The window; all at least 1.
  parameter int unsigned KernelRows      = 3,
  parameter int unsigned KernelColumns   = 3,
  parameter int unsigned StrideRows      = 1,
  parameter int unsigned StrideColumns   = 1,
  parameter int unsigned DilationRows    = 1,
  parameter int unsigned DilationColumns = 1,
  // Rows of padding above the image and columns on its left; 0 or more. Below and on the right there is as much as the windows
  // touch.
  parameter int unsigned PadTop          = 0,
  parameter int unsigned PadLeft         = 0,
  // Rows and columns of windows in a frame; at least 1.
  parameter int unsigned WindowRows      = 2,
  parameter int unsigned WindowColumns   = 2,
  // Pixels of a window in an output beat: a divisor of KernelColumns, or whole kernel rows, as many as divide KernelRows; more
  // than 1 only where Chunks is 1.
  parameter int unsigned Taps            = 1,
  // Windows of an output beat: a divisor of WindowColumns; more than 1 only where Taps is all pixels of a window.
  parameter int unsigned Windows         = 1,
  // 0, or 1 for a flag for each pixel of a beat, above the elements, that says that it lies outside the image.
  parameter int unsigned Flags           = 0,
  // The code of the elements outside; less than 2 ** ElementBits.
  parameter int unsigned Fill            = 0,
  // Beats that the line buffer holds; at least all that a window needs, and a few more for the writer not to wait.
  parameter int unsigned Depth           = 16,
  // Beats that the output queue holds; at least 2, and 3 for one beat per cycle.
  parameter int unsigned QueueDepth      = 3,
  // "block" or "distributed".
  parameter              MemoryKind      = "distributed"
) (
  input  wire                                                            clk_i,
  input  wire                                                            rst_ni,
  input  wire [InputPixels*Part*ElementBits-1:0]                         s_tdata_i,
  input  wire                                                            s_tvalid_i,
  output wire                                                            s_tready_o,
  output wire [Windows*Taps*Part*ElementBits+(Flags!=0?Windows*Taps:0)-1:0] m_tdata_o,
  output wire                                                            m_tvalid_o,
  input  wire                                                            m_tready_i
);

  if (Rows < 1 || Columns < 1 || Part < 1 || Chunks < 1 || InputPixels < 1 || ElementBits < 1) begin : gen_check_image
    $error("bnn_window: Rows, Columns, Part, Chunks, InputPixels and ElementBits must be at least 1");
  end
  if (KernelRows < 1 || KernelColumns < 1 || StrideRows < 1 || StrideColumns < 1 || DilationRows < 1 || DilationColumns < 1)
  begin : gen_check_kernel
    $error("bnn_window: rows and columns of Kernel, Stride and Dilation must be at least 1");
  end
  if (WindowRows < 1 || WindowColumns < 1 || Taps < 1 || Windows < 1 || Depth < 1) begin : gen_check_windows
    $error("bnn_window: WindowRows, WindowColumns, Taps, Windows and Depth must be at least 1");
  end
  if (Flags > 1 || Fill >> ElementBits != 0) begin : gen_check_fill
    $error("bnn_window: Flags must be 0 or 1, and Fill less than 2 ** ElementBits");
  end
  if (Taps * Windows * InputPixels > 1 && Chunks > 1) begin : gen_check_chunks
    $error("bnn_window: several pixels per beat need whole pixels in the beats");
  end
  if (Windows > 1 && Taps != KernelRows * KernelColumns) begin : gen_check_whole
    $error("bnn_window: several windows per beat need all their pixels in it");
  end
  if (WindowColumns % Windows != 0 || Columns % InputPixels != 0) begin : gen_check_rows
    $error("bnn_window: the windows and pixels of a beat must divide a row of them");
  end
  if (KernelColumns % Taps != 0 && (Taps % KernelColumns != 0 || KernelRows % (Taps / KernelColumns) != 0)) begin : gen_check_taps
    $error("bnn_window: the pixels of a beat must be a part of a kernel row that divides it, or of whole kernel rows");
  end

  localparam int unsigned Width = Part * ElementBits;
  localparam int unsigned InputWidth = InputPixels * Width;
  localparam int unsigned OutputPixels = Windows * Taps;
  localparam int unsigned OutputWidth = OutputPixels * Width + (Flags != 0 ? OutputPixels : 0);

  // Pixels of a beat: TapRows kernel rows of TapColumns pixels; steps of the kernel loops.
  localparam int unsigned TapColumns = Taps < KernelColumns ? Taps : KernelColumns;
  localparam int unsigned TapRows = Taps / TapColumns;
  localparam int unsigned StepColumns = KernelColumns / TapColumns;
  localparam int unsigned StepRows = KernelRows / TapRows;

  localparam int unsigned AddressBits = Depth > 1 ? $clog2(Depth) : 1;
  localparam int unsigned LevelBits = $clog2(Depth + 1);

  // Distances in pixels, or in beats where a pixel has several beats.
  localparam int PixelStep = int'(Chunks * DilationColumns * TapColumns);
  localparam int RowStep = int'(Chunks * DilationRows * TapRows * Columns);
  localparam int Pixel0 = -(int'(Chunks * (PadTop * Columns + PadLeft)));
  // From the last beat of a pixel, of a kernel row, of a window, of a row of windows, of a frame, to the next beat.
  localparam int JumpColumn = PixelStep - int'(Chunks - 1);
  localparam int JumpRow = RowStep - int'(StepColumns - 1) * PixelStep - int'(Chunks - 1);
  localparam int InWindow = int'(StepRows - 1) * RowStep + int'(StepColumns - 1) * PixelStep + int'(Chunks - 1);
  localparam int JumpWindow = int'(Chunks * Windows * StrideColumns) - InWindow;
  localparam int InRow = int'((WindowColumns - Windows) * StrideColumns * Chunks);
  localparam int JumpWindowRow = int'(Chunks * StrideRows * Columns) - InRow - InWindow;
  localparam int InFrame = int'((WindowRows - 1) * StrideRows * Columns * Chunks) + InRow + InWindow;
  localparam int JumpFrame = int'(Rows * Columns * Chunks) - InFrame;

  // The same as pixels of a beat and beats in the ring: reduced modulo the pixels of a beat and the depth.
  localparam int P = int'(InputPixels);
  localparam int D = int'(Depth);
  localparam int PixelsColumn = ((JumpColumn % P) + P) % P;
  localparam int PixelsRow = ((JumpRow % P) + P) % P;
  localparam int PixelsWindow = ((JumpWindow % P) + P) % P;
  localparam int PixelsWindowRow = ((JumpWindowRow % P) + P) % P;
  localparam int PixelsFrame = ((JumpFrame % P) + P) % P;
  localparam int FirstPixel = ((Pixel0 % P) + P) % P;
  localparam int BeatsColumn = (JumpColumn - PixelsColumn) / P;
  localparam int BeatsRow = (JumpRow - PixelsRow) / P;
  localparam int BeatsWindow = (JumpWindow - PixelsWindow) / P;
  localparam int BeatsWindowRow = (JumpWindowRow - PixelsWindowRow) / P;
  localparam int BeatsFrame = (JumpFrame - PixelsFrame) / P;
  localparam int FirstBeat = (Pixel0 - FirstPixel) / P;

  localparam int unsigned LaneBits = InputPixels > 1 ? $clog2(InputPixels) : 1;
  localparam [LaneBits:0] Lanes = (LaneBits+1)'(InputPixels);
  localparam [AddressBits:0] AddColumn = (AddressBits+1)'(((BeatsColumn % D) + D) % D);
  localparam [AddressBits:0] AddRow = (AddressBits+1)'(((BeatsRow % D) + D) % D);
  localparam [AddressBits:0] AddWindow = (AddressBits+1)'(((BeatsWindow % D) + D) % D);
  localparam [AddressBits:0] AddWindowRow = (AddressBits+1)'(((BeatsWindowRow % D) + D) % D);
  localparam [AddressBits:0] AddFrame = (AddressBits+1)'(((BeatsFrame % D) + D) % D);
  localparam [AddressBits:0] AddChunk = (AddressBits+1)'(1 % D);
  localparam [AddressBits-1:0] FirstAddress = AddressBits'(((FirstBeat % D) + D) % D);
  localparam [AddressBits:0] Modulus = (AddressBits+1)'(Depth);

  // Signed numbers that hold every row and column that a window touches, and one stride more.
  localparam int unsigned Far =
    Rows + Columns + PadTop + PadLeft + KernelRows * DilationRows + KernelColumns * DilationColumns + StrideRows + StrideColumns
    + WindowRows * StrideRows + WindowColumns * StrideColumns;
  localparam int unsigned PlaceBits = $clog2(Far + 1) + 1;
  localparam int unsigned BeatsBits = $clog2(Rows * Columns * Chunks + 1) + 2;

  // Loop counters of the reader.

  localparam int unsigned ChunkBits = Chunks > 1 ? $clog2(Chunks) : 1;
  localparam int unsigned ColumnBits = StepColumns > 1 ? $clog2(StepColumns) : 1;
  localparam int unsigned RowBits = StepRows > 1 ? $clog2(StepRows) : 1;
  localparam int unsigned BeatColumns = WindowColumns / Windows;
  localparam int unsigned WindowColumnBits = BeatColumns > 1 ? $clog2(BeatColumns) : 1;
  localparam int unsigned WindowRowBits = WindowRows > 1 ? $clog2(WindowRows) : 1;

  reg [ChunkBits-1:0]        chunk;
  reg [ColumnBits-1:0]       kernel_column;
  reg [RowBits-1:0]          kernel_row;
  reg [WindowColumnBits-1:0] window_column;
  reg [WindowRowBits-1:0]    window_row;

  wire last_chunk         = chunk == ChunkBits'(Chunks - 1);
  wire last_kernel_column = last_chunk & (kernel_column == ColumnBits'(StepColumns - 1));
  wire last_beat          = last_kernel_column & (kernel_row == RowBits'(StepRows - 1));
  wire last_of_row        = window_column == WindowColumnBits'(BeatColumns - 1);
  wire last_window        = last_of_row & (window_row == WindowRowBits'(WindowRows - 1));
  wire first_beat         = (chunk == '0) & (kernel_column == '0) & (kernel_row == '0);

  // Row and column in the image of the beat's first pixel, and of the window's first pixel.
  reg signed [PlaceBits-1:0] row;
  reg signed [PlaceBits-1:0] column;
  reg signed [PlaceBits-1:0] window_top;
  reg signed [PlaceBits-1:0] window_left;
  localparam signed [PlaceBits-1:0] Top = -(PlaceBits'(PadTop));
  localparam signed [PlaceBits-1:0] Left = -(PlaceBits'(PadLeft));

  reg [AddressBits-1:0] address;
  reg [LaneBits-1:0]    lane;

  // Beats that a window needs, counted from the oldest that is kept, and those that it frees: functions of the places of the
  // window and of the next one.

  function automatic signed [BeatsBits-1:0] clip(input signed [PlaceBits-1:0] place, input signed [PlaceBits-1:0] most);
    clip = place < 0 ? '0 : place > most ? BeatsBits'(most) : BeatsBits'(place);
  endfunction

  localparam signed [PlaceBits-1:0] LastRow = PlaceBits'(Rows - 1);
  localparam signed [PlaceBits-1:0] AllRows = PlaceBits'(Rows);
  localparam signed [PlaceBits-1:0] AllColumns = PlaceBits'(Columns);
  localparam signed [PlaceBits-1:0] SpanRows = PlaceBits'(DilationRows * (KernelRows - 1));
  localparam signed [PlaceBits-1:0] OneRow = PlaceBits'(StrideRows);
  // Beats of a row and of an image, as if a pixel had no more than one.
  localparam int unsigned LineBeats = Columns / InputPixels;
  localparam signed [PlaceBits-1:0] AllLine = PlaceBits'(LineBeats);
  localparam signed [PlaceBits-1:0] LastOfLine = PlaceBits'(LineBeats - 1);
  localparam signed [BeatsBits-1:0] Line = BeatsBits'(LineBeats);
  localparam signed [BeatsBits-1:0] Frame = BeatsBits'(Rows * LineBeats);
  // From the first to the last column of the windows of a beat, and to the first of the next, in beats and pixels.
  localparam int unsigned SpanColumns = (Windows - 1) * StrideColumns + DilationColumns * (KernelColumns - 1);
  localparam signed [PlaceBits-1:0] SpanBeats = PlaceBits'(SpanColumns / InputPixels);
  localparam [LaneBits:0] SpanPixels = (LaneBits+1)'(SpanColumns % InputPixels);
  localparam signed [PlaceBits-1:0] StrideBeats = PlaceBits'(Windows * StrideColumns / InputPixels);
  localparam [LaneBits:0] StridePixels = (LaneBits+1)'(Windows * StrideColumns % InputPixels);
  // A window's first column: a beat of its row, which may lie outside the image, and a pixel of that.
  localparam int LeftPixel = ((-(int'(PadLeft)) % P) + P) % P;
  localparam [LaneBits-1:0] LeftLane = LaneBits'(LeftPixel);
  localparam signed [PlaceBits-1:0] LeftBeat = PlaceBits'((-(int'(PadLeft)) - LeftPixel) / P);
  localparam signed [BeatsBits-1:0] Beats = BeatsBits'(Chunks);

  // A multiple of a constant, written as a sum of shifted numbers so that no tool infers a multiplier.
  function automatic signed [BeatsBits-1:0] times(input signed [BeatsBits-1:0] number, input [BeatsBits-1:0] constant);
    integer b;
    begin
      times = '0;
      for (b = 0; b < BeatsBits; b = b + 1) begin
        if (constant[b]) times = times + (number << b);
      end
    end
  endfunction

  // Beats before the first one that a window, or a later one, needs; `left` is the beat of its first column.
  function automatic signed [BeatsBits-1:0] oldest(
    input signed [PlaceBits-1:0] top,
    input signed [PlaceBits-1:0] left
  );
    reg signed [BeatsBits-1:0] passed;
    begin
      passed = times(clip(top, AllRows), Line) + clip(left, AllLine);
      oldest = top + OneRow <= 0 ? '0 : passed > Frame ? Frame : passed;
    end
  endfunction

  // Beats up to the last one that it needs; `right` is the beat of its last column.
  function automatic signed [BeatsBits-1:0] newest(
    input signed [PlaceBits-1:0] top,
    input signed [PlaceBits-1:0] right
  );
    newest = times(clip(top + SpanRows, LastRow), Line) + clip(right, LastOfLine) + 1;
  endfunction

  // Of the window after the present one.
  reg signed [PlaceBits-1:0] ahead_top;
  reg signed [PlaceBits-1:0] ahead_left;
  reg [LaneBits-1:0]         ahead_lane;
  reg [WindowColumnBits-1:0] ahead_column;
  reg [WindowRowBits-1:0]    ahead_row;

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

  wire [LevelBits-1:0] freed = go & last_beat ? leave : '0;
  wire [LevelBits-1:0] next_level = level + LevelBits'(write) - freed;

  // Those assigned with "=" are wires of this block. They are computed in it because Verilator then does so only when they are
  // needed: most cycles are not the last of a window.
  reg [AddressBits:0]        add;
  reg [LaneBits:0]           add_lanes;
  reg [LaneBits:0]           lane_sum;
  reg                        carry;
  reg [AddressBits:0]        address_sum;
  reg signed [PlaceBits-1:0] next_left;
  reg signed [PlaceBits-1:0] next_top;
  reg                        ahead_of_row;
  reg                        ahead_last;
  reg                        right_carry;
  reg [LaneBits:0]           beyond_sum;
  reg                        beyond_carry;
  reg signed [PlaceBits-1:0] beyond_left;
  reg signed [PlaceBits-1:0] beyond_top;
  reg signed [BeatsBits-1:0] ahead_oldest;
  reg signed [BeatsBits-1:0] beyond_oldest;
  reg signed [BeatsBits-1:0] ahead_newest;

  /* verilator lint_off BLKSEQ */
  always @(posedge clk_i) begin
    level <= next_level;
    full  <= next_level == LevelBits'(Depth);
    if (write) write_address <= write_address == AddressBits'(Depth - 1) ? '0 : write_address + 1'b1;
    if (go) begin
      if (!last_chunk) {add_lanes, add} = {(LaneBits+1)'(0), AddChunk};
      else if (!last_kernel_column) {add_lanes, add} = {(LaneBits+1)'(PixelsColumn), AddColumn};
      else if (!last_beat) {add_lanes, add} = {(LaneBits+1)'(PixelsRow), AddRow};
      else if (!last_of_row) {add_lanes, add} = {(LaneBits+1)'(PixelsWindow), AddWindow};
      else if (!last_window) {add_lanes, add} = {(LaneBits+1)'(PixelsWindowRow), AddWindowRow};
      else {add_lanes, add} = {(LaneBits+1)'(PixelsFrame), AddFrame};
      lane_sum = {1'b0, lane} + add_lanes;
      carry = lane_sum >= Lanes;
      address_sum = {1'b0, address} + add + (AddressBits+1)'(carry);
      lane    <= LaneBits'(carry ? lane_sum - Lanes : lane_sum);
      address <= AddressBits'(address_sum >= Modulus ? address_sum - Modulus : address_sum);

      chunk <= last_chunk ? '0 : chunk + 1'b1;
      if (last_chunk) begin
        kernel_column <= last_kernel_column ? '0 : kernel_column + 1'b1;
        column <= last_kernel_column ? window_left : column + PlaceBits'(DilationColumns * TapColumns);
      end
      if (last_kernel_column) begin
        kernel_row <= last_beat ? '0 : kernel_row + 1'b1;
        row <= row + PlaceBits'(DilationRows * TapRows);
      end
      if (last_beat) begin
        window_column <= last_of_row ? '0 : window_column + 1'b1;
        if (last_of_row) window_row <= last_window ? '0 : window_row + 1'b1;
        next_left = last_of_row ? Left : window_left + PlaceBits'(Windows * StrideColumns);
        next_top  = last_window ? Top : last_of_row ? window_top + PlaceBits'(StrideRows) : window_top;
        window_left <= next_left;
        window_top  <= next_top;
        column      <= next_left;
        row         <= next_top;
      end
    end
    if (~primed | (go & last_beat)) begin
      ahead_of_row = ahead_column == WindowColumnBits'(BeatColumns - 1);
      ahead_last   = ahead_of_row & (ahead_row == WindowRowBits'(WindowRows - 1));
      right_carry  = {1'b0, ahead_lane} + SpanPixels >= Lanes;
      beyond_sum   = {1'b0, ahead_lane} + StridePixels;
      beyond_carry = beyond_sum >= Lanes;
      beyond_left  = ahead_of_row ? LeftBeat : ahead_left + StrideBeats + $signed(PlaceBits'(beyond_carry));
      beyond_top   = ahead_last ? Top : ahead_of_row ? ahead_top + OneRow : ahead_top;
      ahead_oldest  = oldest(ahead_top, ahead_left);
      beyond_oldest = ahead_last ? Frame : oldest(beyond_top, beyond_left);
      ahead_newest  = newest(ahead_top, ahead_left + SpanBeats + $signed(PlaceBits'(right_carry)));
      // What is freed must have arrived.
      need  <= LevelBits'(times((ahead_newest > beyond_oldest ? ahead_newest : beyond_oldest) - ahead_oldest, Beats));
      leave <= LevelBits'(times(beyond_oldest - ahead_oldest, Beats));
      ahead_column <= ahead_of_row ? '0 : ahead_column + 1'b1;
      if (ahead_of_row) ahead_row <= ahead_last ? '0 : ahead_row + 1'b1;
      ahead_left <= beyond_left;
      ahead_lane <= ahead_of_row ? LeftLane : LaneBits'(beyond_carry ? beyond_sum - Lanes : beyond_sum);
      ahead_top  <= beyond_top;
    end
    primed <= 1'b1;
    if (!rst_ni) begin
      level         <= '0;
      full          <= 1'b0;
      write_address <= '0;
      address       <= FirstAddress;
      lane          <= LaneBits'(FirstPixel);
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
      ahead_left    <= LeftBeat;
      ahead_lane    <= LeftLane;
      ahead_column  <= '0;
      ahead_row     <= '0;
      primed        <= 1'b0;
    end
  end
  /* verilator lint_on BLKSEQ */

  // Datapath: a memory for each pixel that a beat touches, all with the same contents. The windows of a beat share pixels: the
  // columns that it touches lie in a row, Grid apart.

  reg                    sent;
  wire [OutputWidth-1:0] beat;

  always @(posedge clk_i) sent <= go & rst_ni;

  localparam int unsigned Grid =
    Windows == 1 ? DilationColumns :
    TapColumns == 1 || DilationColumns % StrideColumns == 0 ? StrideColumns :
    StrideColumns % DilationColumns == 0 ? DilationColumns : 1;
  localparam int unsigned TouchedColumns = ((Windows - 1) * StrideColumns + (TapColumns - 1) * DilationColumns) / Grid + 1;
  localparam int unsigned Touched = TapRows * TouchedColumns;

  wire [Touched*Width-1:0] pixels;
  reg  [Touched-1:0]       outside;

  for (genvar i = 0; i < Touched; i = i + 1) begin : gen_pixel
    localparam int unsigned Down = (i / TouchedColumns) * DilationRows;
    localparam int unsigned Across = (i % TouchedColumns) * Grid;
    localparam int unsigned Ahead = Chunks * (Down * Columns + Across);
    localparam [AddressBits:0] AddBeats = (AddressBits+1)'((Ahead / InputPixels) % Depth);
    localparam [LaneBits:0] AddPixels = (LaneBits+1)'(Ahead % InputPixels);
    wire [LaneBits:0] pixel_sum = {1'b0, lane} + AddPixels;
    wire pixel_carry = pixel_sum >= Lanes;
    wire [AddressBits:0] beat_sum = {1'b0, address} + AddBeats + (AddressBits+1)'(pixel_carry);
    wire [AddressBits:0] beat_address = beat_sum >= Modulus ? beat_sum - Modulus : beat_sum;
    wire signed [PlaceBits-1:0] pixel_row = row + PlaceBits'(Down);
    wire signed [PlaceBits-1:0] pixel_column = column + PlaceBits'(Across);

    reg [InputWidth-1:0] data;
    if (MemoryKind == "block") begin : gen_block
      (* ram_style = "block" *)
      reg [InputWidth-1:0] line [0:Depth-1];
      always @(posedge clk_i) begin
        if (write) line[write_address] <= s_tdata_i;
        data <= line[beat_address[AddressBits-1:0]];
      end
    end else if (MemoryKind == "distributed") begin : gen_distributed
      (* ram_style = "distributed" *)
      reg [InputWidth-1:0] line [0:Depth-1];
      always @(posedge clk_i) begin
        if (write) line[write_address] <= s_tdata_i;
        data <= line[beat_address[AddressBits-1:0]];
      end
    end else begin : gen_check_memory
      $error("bnn_window: MemoryKind must be \"block\" or \"distributed\"");
    end
    always @(posedge clk_i) begin
      outside[i] <= pixel_row < 0 | pixel_row >= AllRows | pixel_column < 0 | pixel_column >= AllColumns;
    end
    wire [Width-1:0] pixel;
    if (InputPixels > 1) begin : gen_choice
      wire [LaneBits:0] pixel_lane = pixel_carry ? pixel_sum - Lanes : pixel_sum;
      reg [LaneBits-1:0] chosen;
      always @(posedge clk_i) chosen <= pixel_lane[LaneBits-1:0];
      assign pixel = data[chosen*Width+:Width];
      wire unused_lane = pixel_lane[LaneBits];
    end else begin : gen_no_choice
      assign pixel = data;
    end
    assign pixels[i*Width+:Width] = outside[i] ? {Part{ElementBits'(Fill)}} : pixel;
    wire unused_carry = beat_address[AddressBits];
  end

  for (genvar o = 0; o < OutputPixels; o = o + 1) begin : gen_output
    localparam int unsigned Tap = o % Taps;
    localparam int unsigned From =
      (Tap / TapColumns) * TouchedColumns
      + ((o / Taps) * StrideColumns + (Tap % TapColumns) * DilationColumns) / Grid;
    assign beat[o*Width+:Width] = pixels[From*Width+:Width];
    if (Flags != 0) begin : gen_flag
      assign beat[OutputPixels*Width+o] = outside[From];
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

  wire unused = &{1'b0, pixels};

endmodule

`default_nettype wire
