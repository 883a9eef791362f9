"""Transforms of a clean QONNX graph into one of integer operations, one idea a file.

Each is a `Transform` (`bnnfpga.frontend.graph.transform`), like the earlier ones that bring a file's graph into its
clean form: `visit` changes the graph at one node, in place, and returns whether it did; `apply_transforms` visits the
nodes until nothing changes. Each preserves the graph's function to the bit, as the golden model defines it. `fold`
lists them in order.
"""
