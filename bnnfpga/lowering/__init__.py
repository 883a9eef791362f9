"""Lowering integer operations to dataflow operators: a function for each operation, grouped by kind into files.

`accelerator` holds the graph under construction. Code here knows the model's nodes; the operators do not.
"""
