# SPDX-License-Identifier: Apache-2.0
# A system for a Zynq board: processing system, AXI DMA, the accelerator; to a bitstream that PYNQ loads.
#
#   vivado -mode batch -source bitstream.tcl [-tclargs board=BOARD clock_mhz=MHZ source=hls jobs=N]
#
# Result: build/accelerator.bit and build/accelerator.hwh. Reports: build/utilization.rpt, build/timing.rpt.

cd [file dirname [file normalize [info script]]]
source common.tcl

lassign [board_row $board] board_name part board_part_name ps_kind fastest_mhz carrier
if {$clock_mhz > $fastest_mhz} { fail "$board_name has no clock of $clock_mhz MHz, at most $fastest_mhz" }

# The newest version of the board files that this Vivado has.
set board_part [lindex [lsort -dictionary [get_board_parts -quiet $board_part_name:*]] end]
if {$board_part eq ""} {
    fail "this Vivado has no board files for $board_name ($board_part_name): install them from its vendor, or with\
        Tools, Vivado Store, Boards"
}

set whole_system 1
source package_ip.tcl

file delete -force build/system build/accelerator.bit build/accelerator.hwh build/utilization.rpt build/timing.rpt
create_project -force -part $part system build/system
set_property board_part $board_part [current_project]
if {$carrier ne "-"} {
    set_property board_connections [split $carrier =] [current_project]
}
set_property ip_repo_paths build/ip [current_project]
update_ip_catalog

# -- The block design ---------------------------------------------------------------------------------------------------

create_bd_design system
if {$ps_kind eq "zynq"} {
    set ps [create_bd_cell -type ip -vlnv xilinx.com:ip:processing_system7 ps]
    apply_bd_automation -rule xilinx.com:bd_rule:processing_system7 \
        -config {make_external "FIXED_IO, DDR" apply_board_preset "1" Master "Disable" Slave "Disable"} $ps
    set_property -dict [list \
        CONFIG.PCW_USE_M_AXI_GP0 1 \
        CONFIG.PCW_USE_S_AXI_HP0 1 \
        CONFIG.PCW_EN_CLK0_PORT 1 \
        CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ $clock_mhz] $ps
    set clock ps/FCLK_CLK0
    set reset ps/FCLK_RESET0_N
    set control ps/M_AXI_GP0
    set memory ps/S_AXI_HP0
    set ps_clocks {ps/M_AXI_GP0_ACLK ps/S_AXI_HP0_ACLK}
    set address_bits 32
} else {
    set ps [create_bd_cell -type ip -vlnv xilinx.com:ip:zynq_ultra_ps_e ps]
    apply_bd_automation -rule xilinx.com:bd_rule:zynq_ultra_ps_e -config {apply_board_preset "1"} $ps
    set_property -dict [list \
        CONFIG.PSU__USE__M_AXI_GP0 1 \
        CONFIG.PSU__USE__M_AXI_GP1 0 \
        CONFIG.PSU__USE__M_AXI_GP2 0 \
        CONFIG.PSU__USE__S_AXI_GP2 1 \
        CONFIG.PSU__FPGA_PL0_ENABLE 1 \
        CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ $clock_mhz] $ps
    set clock ps/pl_clk0
    set reset ps/pl_resetn0
    set control ps/M_AXI_HPM0_FPD
    set memory ps/S_AXI_HP0_FPD
    set ps_clocks {ps/maxihpm0_fpd_aclk ps/saxihp0_fpd_aclk}
    set address_bits 40
}

# PYNQ finds the DMA by its name. Lengths of up to 2^26 - 1 bytes, no descriptors.
set dma [create_bd_cell -type ip -vlnv xilinx.com:ip:axi_dma dma]
set_property -dict [list \
    CONFIG.c_include_sg 0 \
    CONFIG.c_sg_length_width 26 \
    CONFIG.c_addr_width $address_bits \
    CONFIG.c_m_axi_mm2s_data_width 64 \
    CONFIG.c_m_axi_s2mm_data_width 64 \
    CONFIG.c_m_axis_mm2s_tdata_width $input_word_bits \
    CONFIG.c_s_axis_s2mm_tdata_width $output_word_bits \
    CONFIG.c_mm2s_burst_size 16 \
    CONFIG.c_s2mm_burst_size 16] $dma
create_bd_cell -type ip -vlnv bnnfpga:bnnfpga:accelerator_dma:1.0 accelerator
create_bd_cell -type ip -vlnv xilinx.com:ip:proc_sys_reset resets
set registers [create_bd_cell -type ip -vlnv xilinx.com:ip:smartconnect registers]
set_property -dict {CONFIG.NUM_SI 1 CONFIG.NUM_MI 1} $registers
set transfers [create_bd_cell -type ip -vlnv xilinx.com:ip:smartconnect transfers]
set_property -dict {CONFIG.NUM_SI 2 CONFIG.NUM_MI 1} $transfers

foreach {from to} [list \
    $control registers/S00_AXI \
    registers/M00_AXI dma/S_AXI_LITE \
    dma/M_AXI_MM2S transfers/S00_AXI \
    dma/M_AXI_S2MM transfers/S01_AXI \
    transfers/M00_AXI $memory \
    dma/M_AXIS_MM2S accelerator/s_axis \
    accelerator/m_axis dma/S_AXIS_S2MM] {
    connect_bd_intf_net [get_bd_intf_pins $from] [get_bd_intf_pins $to]
}
foreach pin [concat $ps_clocks {
    resets/slowest_sync_clk registers/aclk transfers/aclk accelerator/aclk
    dma/s_axi_lite_aclk dma/m_axi_mm2s_aclk dma/m_axi_s2mm_aclk
}] {
    connect_bd_net [get_bd_pins $clock] [get_bd_pins $pin]
}
connect_bd_net [get_bd_pins $reset] [get_bd_pins resets/ext_reset_in]
foreach pin {registers/aresetn transfers/aresetn accelerator/aresetn dma/axi_resetn} {
    connect_bd_net [get_bd_pins resets/peripheral_aresetn] [get_bd_pins $pin]
}
assign_bd_address
validate_bd_design
save_bd_design

# -- The bitstream ------------------------------------------------------------------------------------------------------

set design build/system/system.srcs/sources_1/bd/system/system.bd
make_wrapper -files [get_files $design] -top -import
set_property top system_wrapper [current_fileset]
update_compile_order -fileset sources_1
launch_runs impl_1 -to_step write_bitstream -jobs $jobs
wait_on_run impl_1
if {[get_property PROGRESS [get_runs impl_1]] ne "100%"} {
    fail "Vivado did not get to a bitstream; see build/system/system.runs/impl_1/runme.log"
}
open_run impl_1
report_utilization -file build/utilization.rpt
report_timing_summary -file build/timing.rpt
file copy -force build/system/system.runs/impl_1/system_wrapper.bit build/accelerator.bit
set handoffs [glob -nocomplain build/system/system.*/sources_1/bd/system/hw_handoff/system.hwh]
if {![llength $handoffs]} { fail "Vivado left no system.hwh" }
file copy -force [lindex $handoffs 0] build/accelerator.hwh
exit
