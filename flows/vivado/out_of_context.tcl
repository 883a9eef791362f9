# SPDX-License-Identifier: Apache-2.0
# Synthesises, places and routes the accelerator by itself, for its area and clock: no pins, no board.
#
#   vivado -mode batch -source out_of_context.tcl [-tclargs part=PART clock_mhz=MHZ source=hls]
#
# Reports in build/ooc: utilization.rpt, timing.rpt; the routed design: accelerator.dcp.

cd [file dirname [file normalize [info script]]]
source common.tcl

set out build/ooc
file delete -force $out
file mkdir $out

set constraints [open $out/clock.xdc w]
puts $constraints "create_clock -name clock -period $clock_ns \[get_ports $clock_port\]"
close $constraints

read_verilog -sv $accelerator_files
if {[llength $memory_files]} { read_mem $memory_files }
read_xdc -mode out_of_context $out/clock.xdc
synth_design -top accelerator -part $part -mode out_of_context
opt_design
place_design
phys_opt_design
route_design
report_utilization -file $out/utilization.rpt
report_timing_summary -file $out/timing.rpt
write_checkpoint -force $out/accelerator.dcp
exit
