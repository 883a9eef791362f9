# SPDX-License-Identifier: Apache-2.0
# Packages the accelerator with its bridge to a DMA as IP: bnnfpga:bnnfpga:accelerator_dma:1.0, in build/ip.
#
#   vivado -mode batch -source package_ip.tcl [-tclargs part=PART source=hls]

cd [file dirname [file normalize [info script]]]
source common.tcl

file delete -force build/ip
file mkdir build
create_project -force -part $part package build/package
add_files -norecurse [concat $accelerator_files $memory_files [lsort [glob bnn_*.sv]] [list $wrapper]]
set_property top accelerator_dma [current_fileset]
update_compile_order -fileset sources_1

ipx::package_project -root_dir build/ip -vendor bnnfpga -library bnnfpga -taxonomy /UserIP -import_files -force
set core [ipx::current_core]
set_property name accelerator_dma $core
set_property version 1.0 $core
set_property display_name "Accelerator $name" $core
set_property auto_family_support_level level_2 $core
ipx::create_xgui_files $core
ipx::update_checksums $core
ipx::check_integrity $core
ipx::save_core $core
close_project

# bitstream.tcl goes on.
if {![info exists whole_system]} { exit }
