"""Rewrites of a clean QONNX graph into one of integer operations, one idea a file.

Each is a qonnx `Transformation`: `apply` returns the model and whether it changed, and is repeated until it does not.
Each keeps the function of the graph to the bit, as the golden model defines it. `fold` is the list in its order.
"""
