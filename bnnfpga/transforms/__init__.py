"""Transforms of a clean QONNX graph into one of integer operations, one idea a file.

Each is a `Transform` (`bnnfpga.frontend.graph.transform`), as are those in front of it that bring a file's graph into
its clean form: `visit` changes the graph at one node, in place, and says whether it did; `apply_transforms` visits the
nodes until nothing changes. Each keeps the function of the graph to the bit, as the golden model defines it. `fold` is
the list in its order.
"""
