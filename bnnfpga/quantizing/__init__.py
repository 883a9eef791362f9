"""Post-training quantisation: from a model that is partly float to one that compiles, as an ordinary QONNX file.

Here belongs where quantizers are missing and what their scales are. What a model means, and whether it compiles, is
known below.
"""
