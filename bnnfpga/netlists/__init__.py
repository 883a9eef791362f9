"""Circuits of lookup tables and carry chains as data: built, counted, evaluated, cut into stages, written as SystemVerilog.

What knows layers, streams or weights stands above: a netlist computes bits from bits.
"""
