# SPDX-License-Identifier: Apache-2.0
# Builds the Verilated simulator of a compiled project. The one home of these rules: the project's own Makefile and
# bnnfpga both call them, the former without Python. (GNU make.)
#
#   make -f sim/build.mk JOBS=2 simulator   makes $(BUILD)/simulator
#   make -f sim/build.mk JOBS=2 runtime     makes only what all simulators of this machine share, in $(RUNTIME)
#
# PROJECT    the project folder, with rtl/ and sim/; any name, read through a staged copy
# BUILD      folder for what is made; RUNTIME likewise, for Verilator's runtime library. Names without spaces: where
#            the place itself has some, a relative name has none
# VERILATOR  the command, 5.006 or later; CXX the compiler, C++17
# TRACE      none, vcd or fst: the waveform that the simulator can write (fst needs zlib.h, and lz4.h from 5.04x on)
# MONITOR    1: every stream counts its stalled and starved cycles, see +bnn_streams=FILE in bnn_stream_monitor.sv
# OPTIMIZE   0 to 3: how long the compiler works on the design; 1 is built sooner, 3 runs large designs faster
# JOBS       compilers at a time; V=1 shows the commands

PROJECT ?= .
BUILD ?= build/simulator
RUNTIME ?= $(BUILD)/runtime
VERILATOR ?= verilator
TRACE ?= none
MONITOR ?= 0
OPTIMIZE ?= 3
ifdef JOBS
MAKEFLAGS += -j$(JOBS)
endif
Q = $(if $(V),,@)

ifeq ($(filter $(TRACE),none vcd fst),)
$(error TRACE is none, vcd or fst, not "$(TRACE)")
endif

# Not VERILATOR_ROOT: with that in its environment, Debian's `verilator` looks for its program where it is not.
ROOT := $(shell "$(VERILATOR)" --getenv VERILATOR_ROOT)
ifeq ($(ROOT),)
$(error Verilator does not run as "$(VERILATOR)"; install it, or set VERILATOR)
endif
INCLUDE := $(ROOT)/include

# Some compilers for ARM know only -mcpu.
NATIVE := $(shell $(CXX) -march=native -E -x c++ /dev/null >/dev/null 2>&1 && echo -march=native || echo -mcpu=native)

# -- Flags --------------------------------------------------------------------------------------------------------------

# The library's units loop over all PEs inside one always block. Unrolled, these loops become straight code on constant
# positions, which the C++ compiler turns into vector instructions; left as loops they shift words of thousands of bits
# by variable amounts (1024 PEs: 7 times slower). Both bounds are needed: the loops are long, and so are their bodies.
# -fno-reorder: statements stay in their order, for sorting those of an unrolled loop takes minutes and gains nothing.
# --no-timing: Vitis HLS sets its initial values with delays of 0, which mean nothing here.
VERILATOR_FLAGS = --cc --top-module accelerator --prefix Vaccelerator -O3 --x-assign fast --x-initial fast --noassert \
  --no-timing --unroll-count 8192 --unroll-stmts 200000 -fno-reorder --timescale 1ns/1ns \
  -Wno-fatal
# VL_USER_WARN: the harness has its own vl_warn, which ends the simulation.
CPPFLAGS_RUNTIME = -std=c++17 -DVL_TIME_CONTEXT -DVL_USER_WARN -I"$(INCLUDE)" -I"$(INCLUDE)/vltstd"
CPPFLAGS_MODEL = $(CPPFLAGS_RUNTIME) -DVM_TRACE=$(if $(filter none,$(TRACE)),0,1) \
  -I$(BUILD)/cpp -I$(BUILD)/source/sim -include $(BUILD)/source/sim/popcount.h
HOT_FLAGS = -O$(OPTIMIZE) $(NATIVE)
COLD_FLAGS = -O0
LIBRARIES = -pthread
SOURCES = $(BUILD)/source/rtl
# The runtime reads the memory files. Its loop over the words of a wide row is worth vector instructions (8 times faster);
# nothing else in it is worth the compiler's time.
RUNTIME_FLAGS = -O1 -ftree-vectorize $(NATIVE)

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
LIBRARIES += $(shell test ! -d "$(INCLUDE)/fstcpp" || echo -llz4) -lz
endif
ifeq ($(MONITOR),1)
VERILATOR_FLAGS += -DBNN_MONITOR
CPPFLAGS_MODEL += -DBNN_MONITOR
SOURCES += $(BUILD)/source/sim
endif

# -- Sources ------------------------------------------------------------------------------------------------------------

.DELETE_ON_ERROR:
.PHONY: simulator runtime FORCE
simulator: $(BUILD)/simulator

# What is made appears under its name when it is whole (NAME.part, then mv): a build that was killed leaves nothing that
# the next one would take for finished.

# A copy of what the simulator is made from. It changes, and what follows is made again, only when a source or a flag
# did.
$(BUILD)/source.stamp: FORCE
	@rm -rf $(BUILD)/source.new && mkdir -p $(BUILD)/source.new/sim
	@cp -R "$(PROJECT)/rtl" $(BUILD)/source.new
	@cp "$(PROJECT)"/sim/*.h "$(PROJECT)"/sim/*.cpp "$(PROJECT)"/sim/*.sv $(BUILD)/source.new/sim
	@echo "$(VERILATOR_FLAGS) $(HOT_FLAGS) $(INCLUDE)" > $(BUILD)/source.new/flags
	@if test -f $@ && diff -r $(BUILD)/source.new $(BUILD)/source >/dev/null 2>&1; then rm -rf $(BUILD)/source.new; \
	else rm -rf $@ $(BUILD)/source && mv $(BUILD)/source.new $(BUILD)/source && touch $@; fi

# The list of generated files, and with it the files.
$(BUILD)/cpp/Vaccelerator_classes.mk: $(BUILD)/source.stamp
	@rm -rf $(BUILD)/cpp $(BUILD)/cpp.part $(BUILD)/objects && mkdir -p $(BUILD)/objects
	@echo "  verilate rtl/"
	$(Q)ulimit -s unlimited 2>/dev/null || true; "$(VERILATOR)" $(VERILATOR_FLAGS) --Mdir $(BUILD)/cpp.part \
	  $$(find $(BUILD)/source/rtl $(BUILD)/source/sim -name '*.sv' -o -name '*.v' | LC_ALL=C sort)
	@mv $(BUILD)/cpp.part $(BUILD)/cpp

ifneq ($(filter-out runtime,$(or $(MAKECMDGOALS),simulator)),)
include $(BUILD)/cpp/Vaccelerator_classes.mk
endif

# -- Objects ------------------------------------------------------------------------------------------------------------

# Every file costs half a second for the headers alone. So all that runs once is one file, the model's outer shell is
# compiled with the loop that calls it, and only the code of the design, which can be large, stays in pieces.
HOT = $(patsubst %,$(BUILD)/objects/%.o,$(filter-out Vaccelerator,$(VM_CLASSES_FAST) $(VM_SUPPORT_FAST)))
COLD = $(VM_CLASSES_SLOW) $(VM_SUPPORT_SLOW)

$(HOT): $(BUILD)/objects/%.o: $(BUILD)/cpp/%.cpp
	@echo "  compile $*"
	$(Q)$(CXX) $(CPPFLAGS_MODEL) $(HOT_FLAGS) -c -o $@.part $< && mv $@.part $@

$(BUILD)/objects/cold.o: $(BUILD)/cpp/Vaccelerator_classes.mk
	@echo "  compile what runs once"
	@printf '#include "%s.cpp"\n' $(COLD) > $(BUILD)/objects/cold.cpp
	$(Q)$(CXX) $(CPPFLAGS_MODEL) $(COLD_FLAGS) -c -o $@.part $(BUILD)/objects/cold.cpp && mv $@.part $@

# See evaluate() in simulation.h. A Verilator that calls it otherwise gets the slower way.
EVAL_DECLARATION = void Vaccelerator___024root___eval(Vaccelerator___024root\* vlSelf);
DIRECT_EVAL = $(shell grep -q '^$(EVAL_DECLARATION)' $(BUILD)/cpp/Vaccelerator.cpp && echo -DBNN_DIRECT_EVAL)

$(BUILD)/objects/harness.o: $(BUILD)/cpp/Vaccelerator_classes.mk
	@echo "  compile the harness"
	@printf '#include "%s.cpp"\n' Vaccelerator harness > $(BUILD)/objects/loop.cpp
	$(Q)$(CXX) $(CPPFLAGS_MODEL) $(DIRECT_EVAL) $(HOT_FLAGS) -c -o $@.part $(BUILD)/objects/loop.cpp && mv $@.part $@

$(RUNTIME)/%.o:
	@mkdir -p $(RUNTIME)
	@echo "  compile Verilator's $*"
	$(Q)$(CXX) $(CPPFLAGS_RUNTIME) $(RUNTIME_FLAGS) -c -o $@.part "$(INCLUDE)/$*.cpp" && mv $@.part $@

runtime: $(RUNTIME_OBJECTS)

$(BUILD)/simulator: $(HOT) $(BUILD)/objects/cold.o $(BUILD)/objects/harness.o $(RUNTIME_OBJECTS)
	@echo "  link the simulator"
	$(Q)$(CXX) -o $@.part $^ $(LIBRARIES) && mv $@.part $@
