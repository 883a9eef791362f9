// Watches one ready/valid stream in simulation and says at the end what it saw.
//
// Simulation only: the compiler instantiates it under the define BNN_MONITOR, beside the stream and without touching it.
// Where the run was given +bnn_streams=FILE, each monitor appends one line, a JSON object, to that file:
//
//   {"name": "fc1", "transfers": 100, "stalled_cycles": 3, "starved_cycles": 20, "max_occupancy": 2,
//    "valid": 0, "ready": 1}
//
// Stalled: a beat was offered and not taken. Starved: one would have been taken and none was there. The last two are the
// state in which the stream stood when the run ended, which tells a deadlock's cause.

`default_nettype none

module bnn_stream_monitor #(
  // The stream's name in the report; letters, digits and "_" only, as it is printed into JSON as it is.
  parameter Name = "stream"
) (
  input wire        clk_i,
  input wire        rst_ni,
  input wire        valid_i,
  input wire        ready_i,
  // Beats in the queue that feeds the stream.
  input wire [31:0] level_i
);

  reg [63:0] transfers;
  reg [63:0] stalled;
  reg [63:0] starved;
  reg [31:0] max_level;

  always @(posedge clk_i) begin
    if (valid_i & ready_i)  transfers <= transfers + 1;
    if (valid_i & ~ready_i) stalled <= stalled + 1;
    if (~valid_i & ready_i) starved <= starved + 1;
    if (level_i > max_level) max_level <= level_i;
    if (!rst_ni) begin
      transfers <= '0;
      stalled   <= '0;
      starved   <= '0;
      max_level <= '0;
    end
  end

  string  path;
  integer file;
  final begin
    if ($value$plusargs("bnn_streams=%s", path)) begin
      file = $fopen(path, "a");
      $fwrite(file, "{\"name\": \"%s\", \"transfers\": %0d, \"stalled_cycles\": %0d, \"starved_cycles\": %0d, ",
              Name, transfers, stalled, starved);
      $fwrite(file, "\"max_occupancy\": %0d, \"valid\": %0d, \"ready\": %0d}\n", max_level, valid_i, ready_i);
      $fclose(file);
    end
  end

endmodule

`default_nettype wire
