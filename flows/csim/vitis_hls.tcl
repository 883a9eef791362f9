# SPDX-License-Identifier: Apache-2.0
# For Vitis HLS 2022.2 up to the last version with the vitis_hls command. Run it in any folder:
#
#   vitis_hls -f vitis_hls.tcl                      C simulation, synthesis, the IP
#   vitis_hls -f vitis_hls.tcl -tclargs cosim       simulates what was synthesised as well, which takes long
#   vitis_hls -f vitis_hls.tcl -tclargs part=PART clock_mhz=MHZ     instead of those in settings.tcl
#
# The result lies in vitis_hls/ beside this file: solution/syn/verilog, solution/impl/export.zip, reports in
# solution/syn/report.

set here [file dirname [file normalize [info script]]]
cd $here
source settings.tcl

set steps {}
if {[info exists argv]} { set steps $argv }
foreach step $steps {
    if {[regexp {^part=(.+)$} $step whole value]} { set part $value }
    if {[regexp {^clock_mhz=(.+)$} $step whole value]} { set clock_ns [format %.3f [expr {1000.0 / $value}]] }
}

open_project -reset vitis_hls
set_top accelerator
add_files top.cpp -cflags "-std=c++17"
add_files -tb testbench.cpp -cflags "-std=c++17"
add_files -tb ../vectors/input.bin
add_files -tb ../vectors/expected.bin

open_solution -reset -flow_target vivado solution
set_part $part
create_clock -period $clock_ns

csim_design
csynth_design
if {[lsearch -exact $steps cosim] >= 0} { cosim_design }
export_design -format ip_catalog -ipname accelerator -vendor bnnfpga
exit
