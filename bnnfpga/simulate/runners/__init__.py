"""What runs an accelerator: the emulator, the C++ simulation of its HLS, and Verilator on its RTL."""
