"""Circuits of lookup tables and carry chains: built, evaluated, cut into stages, written as SystemVerilog.

What knows layers, streams or weights stands above: a netlist computes bits from bits.
"""
