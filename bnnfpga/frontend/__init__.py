"""From the ONNX files that exporters write to one clean QONNX graph, and what its quantizers mean.

Every refusal of a model is here. A clean graph has one input and one output with a batch of one, static shapes, unique
node names, constants as initializers only, and no constant subgraph other than the quantizers of weights. Its float
operations are those of the file, in the file's order, spelled as opset 21 has them: `contract` says which are taken,
and `modern` brings those of all opsets there. Of the dialects, this is left:

* QONNX's operators have one name and one domain: Quant, BipolarQuant, MultiThreshold; and Sign is ternary.
* Dense layers are MatMul, and their weights stand behind Quant or BipolarQuant: plain weights that are a scale times
  small integers get one. Other quantised constants are plain numbers.
* Quantizers written as comparisons are MultiThreshold, Trunc is a Quant of integers.
* What only a host does behind the last layers (Softmax, ArgMax, interpolation ...) is cut off: `Model.end` keeps it as
  a graph of its own, and the graph's outputs are the tensors in front of it.
"""
