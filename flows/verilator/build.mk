# SPDX-License-Identifier: Apache-2.0
# Builds the Verilated simulator of a compiled project. The one home of these rules: the project's own Makefile and
# bnnfpga both call them, the former without Python.
#
#   make -f sim/build.mk -j2 simulator      makes $(BUILD)/simulator
#   make -f sim/build.mk -j2 runtime        makes only what all simulators of this machine share
#
# PROJECT    the project folder, with rtl/ and sim/; any name, read through a staged copy
# BUILD      folder for what is made; RUNTIME likewise, for Verilator's runtime library. Names without spaces: a
#            relative name serves where the place itself has some
# VERILATOR  the command, 5.006 or later; CXX the compiler, C++17
# TRACE      none, vcd or fst: the waveforms that the simulator can write (fst needs zlib.h, and lz4.h from 5.04x on)
# MONITOR    1: every stream counts its stalled and starved cycles (+bnn_streams=FILE)

PROJECT ?= .
BUILD ?= build/simulator
RUNTIME ?= $(BUILD)/runtime
VERILATOR ?= verilator
TRACE ?= none
MONITOR ?= 0

ifeq ($(filter $(TRACE),none vcd fst),)
$(error TRACE is none, vcd or fst, not "$(TRACE)")
endif

VERILATOR_ROOT := $(shell "$(VERILATOR)" --getenv VERILATOR_ROOT)
ifeq ($(VERILATOR_ROOT),)
$(error no Verilator: "$(VERILATOR)" does not run (set VERILATOR=...))
endif
INCLUDE := $(VERILATOR_ROOT)/include

# Some compilers for ARM know only -mcpu.
NATIVE := $(shell "$(CXX)" -march=native -E -x c++ /dev/null >/dev/null 2>&1 && echo -march=native || echo -mcpu=native)

# -- Flags ---------------------------------------------------------------------------------------------------------------
# The library's units loop over all PEs inside one always block. Unrolled they become straight code on constant
# positions; left as loops they shift words of thousands of bits by variable amounts.
VERILATOR_FLAGS = --cc --top-module accelerator --prefix Vaccelerator -O3 --x-assign fast --x-initial fast --noassert \
  --unroll-count 8192 --unroll-stmts 200000 --timescale 1ns/1ns -Wno-fatal -Wno-lint -Wno-style
CPPFLAGS_COMMON = -std=c++17 -DVL_TIME_CONTEXT -DVM_TRACE=$(if $(filter none,$(TRACE)),0,1) \
  -I"$(INCLUDE)" -I"$(INCLUDE)/vltstd"
CPPFLAGS_MODEL = $(CPPFLAGS_COMMON) -I$(BUILD)/cpp -I$(BUILD)/source -include $(BUILD)/source/popcount.h
HOT_FLAGS = -O3 $(NATIVE)
COLD_FLAGS = -O0
LIBRARIES = -pthread

RUNTIME_OBJECTS = $(RUNTIME)/verilated.o $(RUNTIME)/verilated_threads.o
ifeq ($(TRACE),vcd)
VERILATOR_FLAGS += --trace
CPPFLAGS_MODEL += -DBNN_TRACE_VCD
RUNTIME_OBJECTS += $(RUNTIME)/verilated_vcd_c.o
endif
ifeq ($(TRACE),fst)
VERILATOR_FLAGS += --trace-fst
CPPFLAGS_MODEL += -DBNN_TRACE_FST
RUNTIME_OBJECTS += $(RUNTIME)/verilated_fst_c.o
LIBRARIES += -lz $(shell test ! -d "$(INCLUDE)/fstcpp" || echo -llz4)
endif
ifeq ($(MONITOR),1)
VERILATOR_FLAGS += -DBNN_MONITOR
CPPFLAGS_MODEL += -DBNN_MONITOR
endif

# -- Sources -------------------------------------------------------------------------------------------------------------
.DELETE_ON_ERROR:
.PHONY: simulator runtime FORCE
simulator: $(BUILD)/simulator

# A copy of what the simulator is made from. It changes, and what follows is made again, only when a source or a flag did.
$(BUILD)/source.stamp: FORCE
	@rm -rf $(BUILD)/source.new && mkdir -p $(BUILD)/source.new
	@cp "$(PROJECT)"/rtl/*.sv "$(PROJECT)"/sim/*.h "$(PROJECT)"/sim/*.cpp $(BUILD)/source.new
	@echo '$(VERILATOR_FLAGS) $(HOT_FLAGS)' "$(INCLUDE)" > $(BUILD)/source.new/flags
	@if diff -r $(BUILD)/source.new $(BUILD)/source >/dev/null 2>&1 && test -f $@; then rm -rf $(BUILD)/source.new; \
	else rm -rf $(BUILD)/source && mv $(BUILD)/source.new $(BUILD)/source && touch $@; fi

# The list of generated files, and with it the files.
$(BUILD)/cpp/Vaccelerator_classes.mk: $(BUILD)/source.stamp
	@rm -rf $(BUILD)/cpp $(BUILD)/objects && mkdir -p $(BUILD)/objects
	"$(VERILATOR)" $(VERILATOR_FLAGS) --Mdir $(BUILD)/cpp $(sort $(wildcard $(BUILD)/source/*.sv))

ifneq ($(filter-out runtime,$(or $(MAKECMDGOALS),simulator)),)
include $(BUILD)/cpp/Vaccelerator_classes.mk
endif

# -- Objects -------------------------------------------------------------------------------------------------------------
HOT = $(patsubst %,$(BUILD)/objects/%.o,$(VM_CLASSES_FAST) $(VM_SUPPORT_FAST))
COLD = $(patsubst %,$(BUILD)/objects/%.o,$(VM_CLASSES_SLOW) $(VM_SUPPORT_SLOW))

$(HOT): $(BUILD)/objects/%.o: $(BUILD)/cpp/%.cpp
	"$(CXX)" $(CPPFLAGS_MODEL) $(HOT_FLAGS) -c -o $@ $<

$(COLD): $(BUILD)/objects/%.o: $(BUILD)/cpp/%.cpp
	"$(CXX)" $(CPPFLAGS_MODEL) $(COLD_FLAGS) -c -o $@ $<

$(BUILD)/objects/harness.o: $(BUILD)/cpp/Vaccelerator_classes.mk
	"$(CXX)" $(CPPFLAGS_MODEL) $(HOT_FLAGS) -c -o $@ $(BUILD)/source/harness.cpp

$(RUNTIME)/%.o:
	@mkdir -p $(RUNTIME)
	"$(CXX)" $(CPPFLAGS_COMMON) -O3 $(NATIVE) -c -o $@ "$(INCLUDE)/$*.cpp"

runtime: $(RUNTIME_OBJECTS)

$(BUILD)/simulator: $(HOT) $(COLD) $(BUILD)/objects/harness.o $(RUNTIME_OBJECTS)
	"$(CXX)" -o $@ $^ $(LIBRARIES)
