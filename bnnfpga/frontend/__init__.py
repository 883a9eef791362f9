"""From the ONNX files that exporters write to one clean QONNX graph, and what its quantizers mean.

Every refusal of a model is here. A clean graph has one input and one output with a batch of one, static shapes, unique
node names, constants as initializers only, all quantizers in one domain, dense layers as MatMul, and no constant
subgraph other than the quantizers of weights. Its float operations are those of the file, in the file's order.
"""
