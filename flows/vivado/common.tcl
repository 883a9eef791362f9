# SPDX-License-Identifier: Apache-2.0
# What all scripts here begin with: the settings of this accelerator, what the caller changes, the sources.
#
# Vivado 2022.2 or later runs them, in any folder; what follows -tclargs overrides settings.tcl:
#
#   part=PART         the FPGA                      board=BOARD   one of boards.txt, and its FPGA
#   clock_mhz=MHZ     the clock                     source=hls    what Vitis HLS made, instead of rtl/
#   jobs=N            runs at a time
#
# All paths are relative to this folder. Results lie in build/.

if {[info exists settings_read]} { return }
set settings_read 1

proc fail {message} {
    puts stderr "error: $message"
    exit 1
}

# The row of boards.txt for a name.
proc board_row {name} {
    set file [open boards.txt]
    set lines [split [read $file] "\n"]
    close $file
    set names {}
    foreach line $lines {
        if {[string match "#*" $line] || [string trim $line] eq ""} { continue }
        set row [regexp -all -inline {\S+} $line]
        if {[lindex $row 0] eq $name} { return $row }
        lappend names [lindex $row 0]
    }
    fail "there is no board '$name' in boards.txt, only: [join $names {, }]"
}

set source rtl
set jobs 2
source settings.tcl
set overrides {}
if {[info exists argv]} { set overrides $argv }
foreach override $overrides {
    if {![regexp {^(part|board|clock_mhz|source|jobs)=(.+)$} $override whole key value]} {
        fail "'$override' is none of part=, board=, clock_mhz=, source=, jobs="
    }
    set $key $value
    if {$key eq "board"} { set part [lindex [board_row $value] 1] }
}
set clock_ns [format %.3f [expr {1000.0 / $clock_mhz}]]

switch -- $source {
    rtl {
        set accelerator_files [lsort [glob ../rtl/*.sv]]
        set memory_files [lsort [glob -nocomplain ../memories/*.mem]]
        set wrapper accelerator_dma.v
        set clock_port aclk
    }
    hls {
        # vitis_hls.tcl and hls_config.cfg each leave it in a place of their own.
        set made {}
        foreach place {../hls/vitis_hls/solution/syn/verilog ../hls/vitis/hls/syn/verilog} {
            if {[llength [glob -nocomplain $place/*.v]]} { set made $place }
        }
        if {$made eq ""} { fail "Vitis HLS has made nothing in ../hls yet; run it there first" }
        set accelerator_files [lsort [glob $made/*.v]]
        set memory_files [lsort [glob -nocomplain $made/*.dat]]
        set wrapper accelerator_dma_hls.v
        set clock_port ap_clk
    }
    default { fail "source is rtl or hls, not '$source'" }
}
