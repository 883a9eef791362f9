"""The graph in memory: nodes and tensors with one index, to and from ONNX's messages, and what transforms it.

It knows no operator.
"""
