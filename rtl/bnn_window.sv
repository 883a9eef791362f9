// SPDX-License-Identifier: Apache-2.0
// The sliding window unit: sends, for each window, its pixels row by row, from a line buffer.
//
// A writer and a reader share the line buffer. The writer takes a beat of the image whenever there is room. The reader sends
// one beat per cycle: it starts a window when the window's last pixel has arrived and, with the window's last beat, frees the
// beats that no later window needs. Pixels outside the image are generated, so padding costs no input cycles; windows of
// successive frames follow each other without a gap, and so do the lines of an image. Where a beat has several windows, all
// of this holds for them together.
//
// A unit is as many channels of a pixel as an output beat has of each of its pixels. The buffer is a ring of input beats. A
// place in it is a beat and a unit of that beat. Places advance by constants, one for each loop that ends (units of a pixel,
// kernel columns, kernel rows, window columns, window rows), all modulo the ring. Loops
// (bnn_window_loops) run one step ahead, and how many beats a window needs and frees comes from tables (bnn_window_level): so
// a step depends on registers, and no arithmetic lies before it.

`default_nettype none

module bnn_window #(
  // Rows and columns of the image; at least 1.
  parameter int unsigned Rows            = 4,
  parameter int unsigned Columns         = 4,
  // Elements of a unit; at least 1.
  parameter int unsigned Part            = 1,
  // Units of a pixel; at least 1.
  parameter int unsigned Chunks          = 1,
  // Units of an input beat: a divisor of Chunks, or those of whole pixels in a number that divides Columns.
  parameter int unsigned InputUnits      = 1,
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
  // Pixels of a window in an output beat, with a unit of each: a divisor of KernelColumns, or whole kernel rows, as many as
  // divide KernelRows. Where a pixel has several units, the next beats have the other units of the same pixels.
  parameter int unsigned Taps            = 1,
  // Windows of an output beat: a divisor of WindowColumns; more than 1 only where Taps is all pixels of a window and Chunks 1.
  parameter int unsigned Windows         = 1,
  // 0, or 1 for a flag for each pixel of a beat, above the elements, that says that it lies outside the image.
  parameter int unsigned Flags           = 0,
  // The code of the elements outside; less than 2 ** ElementBits.
  parameter int unsigned Fill            = 0,
  // Beats that the line buffer holds; at least all that a window needs, and a few more for the writer not to wait.
  parameter int unsigned Depth           = 16,
  // Beats of the memory that it is in; at least Depth. With a power of two, addresses need no comparison.
  parameter int unsigned Slots           = 16,
  // What a beat of windows needs and releases; see bnn_window_level.
  parameter int unsigned FirstNeed       = 11,
  parameter int unsigned RowKinds        = 1,
  parameter int unsigned KindBits        = 1,
  parameter [WindowRows*KindBits-1:0] RowKind = '0,
  parameter int unsigned ColumnEntries   = 1,
  parameter int unsigned ColumnStepBits  = 1,
  parameter [ColumnEntries*2*ColumnStepBits-1:0] ColumnSteps = '1,
  parameter int unsigned RowStepBits     = 4,
  parameter [WindowRows*2*RowStepBits-1:0] RowSteps = 'hBB33,
  // 0, or 1 for a register behind the line buffer.
  parameter int unsigned ReadStages      = 0,
  // Beats that the output queue holds; at least 2, and 3 + ReadStages for one beat per cycle.
  parameter int unsigned QueueDepth      = 3,
  // "block" or "distributed".
  parameter              MemoryKind      = "distributed",
  // Inputs of the family's LUTs: 6 or 4.
  parameter int unsigned LutInputs       = 6
) (
  input  wire                                                            clk_i,
  input  wire                                                            rst_ni,
  input  wire [InputUnits*Part*ElementBits-1:0]                          s_tdata_i,
  input  wire                                                            s_tvalid_i,
  output wire                                                            s_tready_o,
  output wire [Windows*Taps*Part*ElementBits+(Flags!=0?Windows*Taps:0)-1:0] m_tdata_o,
  output wire                                                            m_tvalid_o,
  input  wire                                                            m_tready_i
);

  if (Rows < 1 || Columns < 1 || Part < 1 || Chunks < 1 || InputUnits < 1 || ElementBits < 1) begin : gen_check_image
    $error("bnn_window: Rows, Columns, Part, Chunks, InputUnits and ElementBits must be at least 1");
  end
  if (KernelRows < 1 || KernelColumns < 1 || StrideRows < 1 || StrideColumns < 1 || DilationRows < 1 || DilationColumns < 1)
  begin : gen_check_kernel
    $error("bnn_window: rows and columns of Kernel, Stride and Dilation must be at least 1");
  end
  if (WindowRows < 1 || WindowColumns < 1 || Taps < 1 || Windows < 1 || Depth < 1 || Slots < Depth) begin : gen_check_windows
    $error("bnn_window: WindowRows, WindowColumns, Taps, Windows and Depth must be at least 1, and Slots at least Depth");
  end
  if (Flags > 1 || Fill >> ElementBits != 0) begin : gen_check_fill
    $error("bnn_window: Flags must be 0 or 1, and Fill less than 2 ** ElementBits");
  end
  if (Windows > 1 && (Taps != KernelRows * KernelColumns || Chunks > 1)) begin : gen_check_whole
    $error("bnn_window: several windows per beat need all their pixels in it");
  end
  if (WindowColumns % Windows != 0 || (Chunks % InputUnits != 0 && (InputUnits % Chunks != 0 || Columns * Chunks % InputUnits != 0))) begin : gen_check_rows
    $error("bnn_window: the windows and pixels of a beat must divide a row of them, and parts of a pixel the pixel");
  end
  if (KernelColumns % Taps != 0 && (Taps % KernelColumns != 0 || KernelRows % (Taps / KernelColumns) != 0)) begin : gen_check_taps
    $error("bnn_window: the pixels of a beat must be a part of a kernel row that divides it, or of whole kernel rows");
  end

  localparam int unsigned Width = Part * ElementBits;
  localparam int unsigned OutputPixels = Windows * Taps;
  localparam int unsigned OutputWidth = OutputPixels * Width + (Flags != 0 ? OutputPixels : 0);

  // Pixels of a beat: TapRows kernel rows of TapColumns pixels; steps of the kernel loops.
  localparam int unsigned TapColumns = Taps < KernelColumns ? Taps : KernelColumns;
  localparam int unsigned TapRows = Taps / TapColumns;
  localparam int unsigned StepColumns = KernelColumns / TapColumns;
  localparam int unsigned StepRows = KernelRows / TapRows;

  // Windows that have beats of their own.
  localparam int unsigned BeatColumns = WindowColumns / Windows;
  localparam int unsigned WindowColumnBits = BeatColumns > 1 ? $clog2(BeatColumns) : 1;
  localparam int unsigned WindowRowBits = WindowRows > 1 ? $clog2(WindowRows) : 1;

  // The reader: a step sends a beat.

  wire                        first;
  wire [4:0]                  ends;
  wire [4:0]                  next_ends;
  wire [WindowColumnBits-1:0] next_column;
  wire [WindowRowBits-1:0]    next_row;

  wire has_room;
  wire enough;
  wire write = s_tvalid_i & s_tready_o;
  wire go    = has_room & (~first | enough);
  wire next_ends_row = next_column == WindowColumnBits'(BeatColumns - 1);

  bnn_window_loops #(
    .Chunks(Chunks),
    .KernelColumns(StepColumns),
    .KernelRows(StepRows),
    .WindowColumns(BeatColumns),
    .WindowRows(WindowRows),
    .ColumnBits(WindowColumnBits),
    .RowBits(WindowRowBits),
    .LutInputs(LutInputs)
  ) loops (
    .clk_i,
    .rst_ni,
    .step_i       (go),
    .first_o      (first),
    .ends_o       (ends),
    .next_ends_o  (next_ends),
    .next_column_o(next_column),
    .next_row_o   (next_row)
  );

  bnn_window_level #(
    .Depth(Depth),
    .WindowColumns(BeatColumns),
    .WindowRows(WindowRows),
    .ColumnBits(WindowColumnBits),
    .RowBits(WindowRowBits),
    .FirstNeed(FirstNeed),
    .RowKinds(RowKinds),
    .KindBits(KindBits),
    .RowKind(RowKind),
    .ColumnEntries(ColumnEntries),
    .ColumnStepBits(ColumnStepBits),
    .ColumnSteps(ColumnSteps),
    .RowStepBits(RowStepBits),
    .RowSteps(RowSteps)
  ) level (
    .clk_i,
    .rst_ni,
    .write_i        (write),
    .last_i         (go & ends[2]),
    .step_i         (go),
    .next_column_i  (next_column),
    .next_row_i     (next_row),
    .next_ends_row_i(next_ends_row),
    .ready_o        (s_tready_o),
    .enough_o       (enough)
  );

  // Distances in units.
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

  // The same as units of a beat and beats of the ring: reduced modulo the units of a beat and the ring.
  localparam int P = int'(InputUnits);
  localparam int S = int'(Slots);
  localparam int UnitsChunk = 1 % P;
  localparam int UnitsColumn = ((JumpColumn % P) + P) % P;
  localparam int UnitsRow = ((JumpRow % P) + P) % P;
  localparam int UnitsWindow = ((JumpWindow % P) + P) % P;
  localparam int UnitsWindowRow = ((JumpWindowRow % P) + P) % P;
  localparam int UnitsFrame = ((JumpFrame % P) + P) % P;
  localparam int BeatsChunk = (1 - UnitsChunk) / P % S;
  localparam int BeatsColumn = (((JumpColumn - UnitsColumn) / P % S) + S) % S;
  localparam int BeatsRow = (((JumpRow - UnitsRow) / P % S) + S) % S;
  localparam int BeatsWindow = (((JumpWindow - UnitsWindow) / P % S) + S) % S;
  localparam int BeatsWindowRow = (((JumpWindowRow - UnitsWindowRow) / P % S) + S) % S;
  localparam int BeatsFrame = (((JumpFrame - UnitsFrame) / P % S) + S) % S;

  localparam int unsigned AddressBits = Slots > 1 ? $clog2(Slots) : 1;
  localparam int unsigned LaneBits = InputUnits > 1 ? $clog2(InputUnits) : 1;
  // Whether a unit's number in its beat ever changes.
  localparam int unsigned Moves =
    (Chunks > 1 && UnitsChunk != 0) || (StepColumns > 1 && UnitsColumn != 0) || (StepRows > 1 && UnitsRow != 0)
    || (BeatColumns > 1 && UnitsWindow != 0) || (WindowRows > 1 && UnitsWindowRow != 0) || UnitsFrame != 0 ? 1 : 0;
  // The first step's.
  localparam int unsigned FirstStep =
    Chunks > 1 ? UnitsChunk : StepColumns > 1 ? UnitsColumn : StepRows > 1 ? UnitsRow : BeatColumns > 1 ? UnitsWindow :
    WindowRows > 1 ? UnitsWindowRow : UnitsFrame;
  localparam [AddressBits-1:0] FirstBeats = AddressBits'(
    Chunks > 1 ? BeatsChunk : StepColumns > 1 ? BeatsColumn : StepRows > 1 ? BeatsRow : BeatColumns > 1 ? BeatsWindow :
    WindowRows > 1 ? BeatsWindowRow : BeatsFrame);
  localparam [AddressBits:0] Ring = (AddressBits+1)'(Slots);

  wire [AddressBits-1:0] next_beats =
    !next_ends[0] ? AddressBits'(BeatsChunk) : !next_ends[1] ? AddressBits'(BeatsColumn) : !next_ends[2] ? AddressBits'(BeatsRow) :
    !next_ends[3] ? AddressBits'(BeatsWindow) : !next_ends[4] ? AddressBits'(BeatsWindowRow) : AddressBits'(BeatsFrame);
  wire [LaneBits-1:0] next_units =
    !next_ends[0] ? LaneBits'(UnitsChunk) : !next_ends[1] ? LaneBits'(UnitsColumn) : !next_ends[2] ? LaneBits'(UnitsRow) :
    !next_ends[3] ? LaneBits'(UnitsWindow) : !next_ends[4] ? LaneBits'(UnitsWindowRow) : LaneBits'(UnitsFrame);

  // Of the present step, and the same less the ring.
  reg [AddressBits-1:0] beats;
  reg [AddressBits:0]   beats_less;
  reg [AddressBits-1:0] write_address;
  reg [ReadStages:0]    sent;
  always @(posedge clk_i) begin
    if (write) write_address <= write_address == AddressBits'(Slots - 1) ? '0 : write_address + 1'b1;
    if (go) begin
      beats      <= next_beats;
      beats_less <= {1'b0, next_beats} - Ring;
    end
    sent <= (ReadStages+1)'({sent, go});
    if (!rst_ni) begin
      sent          <= '0;
      write_address <= '0;
      beats         <= FirstBeats;
      beats_less    <= {1'b0, FirstBeats} - Ring;
    end
  end

  // Datapath: a memory for each pixel that a beat touches, all with the same contents. The windows of a beat share pixels: the
  // columns that it touches lie in a row, Grid apart.

  localparam int unsigned Grid =
    Windows == 1 ? DilationColumns :
    TapColumns == 1 || DilationColumns % StrideColumns == 0 ? StrideColumns :
    StrideColumns % DilationColumns == 0 ? DilationColumns : 1;
  localparam int unsigned TouchedColumns = ((Windows - 1) * StrideColumns + (TapColumns - 1) * DilationColumns) / Grid + 1;
  localparam int unsigned Touched = TapRows * TouchedColumns;

  wire [Touched*Width-1:0] pixels;
  wire [Touched-1:0]       outside;

  // Row and column of the last step's first pixel, counted from the first that is touched.
  localparam int unsigned LastRow = (WindowRows - 1) * StrideRows + (StepRows - 1) * TapRows * DilationRows;
  localparam int unsigned LastColumn = (WindowColumns - Windows) * StrideColumns + (StepColumns - 1) * TapColumns * DilationColumns;
  localparam Padded =
    PadTop != 0 || PadLeft != 0 || LastRow + (TapRows - 1) * DilationRows >= Rows
    || LastColumn + (TouchedColumns - 1) * Grid >= Columns;

  if (Padded) begin : gen_border
    wire [Touched-1:0] early;
    bnn_window_border #(
      .Rows(Rows),
      .Columns(Columns),
      .PadTop(PadTop),
      .PadLeft(PadLeft),
      .TapRows(TapRows),
      .TapColumns(TouchedColumns),
      .TapRowStep(DilationRows),
      .TapColumnStep(Grid),
      .KernelRowStep(TapRows * DilationRows),
      .KernelColumnStep(TapColumns * DilationColumns),
      .WindowRowStep(StrideRows),
      .WindowColumnStep(Windows * StrideColumns),
      .LastRow(LastRow),
      .LastColumn(LastColumn)
    ) border (
      .clk_i,
      .rst_ni,
      .step_i   (go),
      .ends_i   (ends),
      .outside_o(early)
    );
    if (ReadStages != 0) begin : gen_late
      reg [Touched-1:0] kept;
      always @(posedge clk_i) kept <= early;
      assign outside = kept;
    end else begin : gen_early
      assign outside = early;
    end
  end else begin : gen_no_border
    wire unused_ends = &{1'b0, ends};
    assign outside = '0;
  end

  for (genvar i = 0; i < Touched; i = i + 1) begin : gen_tap
    localparam int Place = Pixel0 + int'(Chunks * ((i / TouchedColumns) * DilationRows * Columns + (i % TouchedColumns) * Grid));
    localparam int PlaceUnit = ((Place % P) + P) % P;
    wire [Width-1:0] pixel;
    bnn_window_tap #(
      .Width(Width),
      .InputUnits(InputUnits),
      .Slots(Slots),
      .AddressBits(AddressBits),
      .LaneBits(LaneBits),
      .FirstBeat((((Place - PlaceUnit) / P % S) + S) % S),
      .FirstUnit(PlaceUnit),
      .FirstStep(FirstStep),
      .Moves(Moves),
      .ReadStages(ReadStages),
      .MemoryKind(MemoryKind)
    ) tap (
      .clk_i,
      .rst_ni,
      .write_i        (write),
      .write_address_i(write_address),
      .beat_i         (s_tdata_i),
      .step_i         (go),
      .beats_i        (beats),
      .beats_less_i   (beats_less),
      .next_units_i   (next_units),
      .pixel_o        (pixel)
    );
    assign pixels[i*Width+:Width] = outside[i] ? {Part{ElementBits'(Fill)}} : pixel;
  end

  wire [OutputWidth-1:0] beat;
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
    .valid_i  (sent[ReadStages]),
    .m_tdata_o,
    .m_tvalid_o,
    .m_tready_i
  );

  wire unused = &{1'b0, pixels};

endmodule

`default_nettype wire
