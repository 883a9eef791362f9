// SPDX-License-Identifier: Apache-2.0
// Watches one ready/valid stream in simulation and reports what it saw.
//
// For simulation only: the compiler instantiates it under the macro BNN_MONITOR, beside the stream and without touching it.
// With +bnn_streams=FILE, each monitor appends one line, a JSON object, to that file at the end of the run:
//
//   {"name": "fc1", "transfers": 100, "stalled_cycles": 3, "starved_cycles": 20, "max_occupancy": 2,
//    "valid": 0, "ready": 1}
//
// Stalled: a beat was offered and not accepted (back-pressure). Starved: one would have been accepted and none was offered.
// The last two are the state of the stream when the run ended, which shows the cause of a deadlock.
//
// With +bnn_beats=FOLDER, each monitor writes FOLDER/NAME.beats, a record for each beat, little-endian: the
// cycle in which the beat was accepted and the one from which it was offered, 64 bits each, then the beat, padded with zeros
// to 32-bit words. Cycles count from the first clock edge after reset. A beat that was offered and never accepted comes last,
// with all bits of the first cycle set.

`default_nettype none

module bnn_stream_monitor #(
  // The stream's name in the report: letters, digits and "_", for it is printed into JSON as it is.
  parameter Name = "stream",
  // Bits of a beat; at least 1.
  parameter int unsigned Width = 1
) (
  input wire             clk_i,
  input wire             rst_ni,
  input wire             valid_i,
  input wire             ready_i,
  input wire [Width-1:0] data_i,
  // Beats in the queue that feeds the stream.
  input wire [31:0]      level_i
);

  if (Width < 1) begin : gen_check_width
    $error("bnn_stream_monitor: Width must be at least 1");
  end

  localparam int unsigned Words = (Width + 31) / 32;

  reg [63:0] transfers;
  reg [63:0] stalled;
  reg [63:0] starved;
  reg [31:0] max_level;
  reg [63:0] cycle;
  // Since when the beat that waits has been offered.
  reg [63:0] since;
  reg        waiting;

  wire [63:0] offered = waiting ? since : cycle;

  string  path;
  integer file;
  string  folder;
  integer beats;

  initial begin
    beats = 0;
    if ($value$plusargs("bnn_beats=%s", folder)) beats = $fopen($sformatf("%s/%s.beats", folder, Name), "wb");
  end

  always @(posedge clk_i) begin
    if (valid_i & ready_i)  transfers <= transfers + 1;
    if (valid_i & ~ready_i) stalled <= stalled + 1;
    if (~valid_i & ready_i) starved <= starved + 1;
    if (level_i > max_level) max_level <= level_i;
    if (valid_i & ready_i & rst_ni) begin
      if (beats != 0) $fwrite(beats, "%u", {(32*Words)'(data_i), offered, cycle});
    end
    cycle   <= cycle + 1;
    since   <= offered;
    waiting <= valid_i & ~ready_i;
    if (!rst_ni) begin
      transfers <= '0;
      stalled   <= '0;
      starved   <= '0;
      max_level <= '0;
      cycle     <= '0;
      waiting   <= 1'b0;
    end
  end

  final begin
    if ($value$plusargs("bnn_streams=%s", path)) begin
      file = $fopen(path, "a");
      $fwrite(file, "{\"name\": \"%s\", \"transfers\": %0d, \"stalled_cycles\": %0d, \"starved_cycles\": %0d, ",
              Name, transfers, stalled, starved);
      $fwrite(file, "\"max_occupancy\": %0d, \"valid\": %0d, \"ready\": %0d}\n", max_level, valid_i, ready_i);
      $fclose(file);
    end
    if (beats != 0) begin
      if (valid_i) $fwrite(beats, "%u", {(32*Words)'(data_i), offered, ~64'd0});
      $fclose(beats);
    end
  end

endmodule

`default_nettype wire
