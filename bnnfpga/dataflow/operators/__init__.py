"""The hardware units, one per file: parameters, legal foldings, schedule, memories, numpy definition and instances.

Units import the core of `bnnfpga.dataflow`, never each other.
"""
