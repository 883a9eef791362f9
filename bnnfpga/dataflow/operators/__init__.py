"""One hardware unit a file: its parameters, legal foldings, cycles, memories, numpy meaning and hardware instances.

Units import the core of `bnnfpga.dataflow` and never each other.
"""
