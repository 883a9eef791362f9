"""From the ONNX files that exporters write to one clean QONNX graph, and the meaning of its quantizers.

What is not ONNX, and operators in forms that `contract` does not list, are refused here; `golden`, `transforms` and
`lowering` refuse what they have no meaning, no integers or no hardware for. A clean graph has one input, outputs with a
batch of one, static shapes, unique node names, constants as initializers only, and no constant subgraphs except the
quantizers of weights. Its float operations are those of the file, in the file's order, in the form of opset 21:
`contract` says which are supported, and `modern` converts the forms of all other opsets. The dialects are reduced to
this:

* QONNX's operators have one name and one domain: Quant, BipolarQuant, MultiThreshold; and Sign is ternary.
* Dense layers are MatMul, with weights quantised by Quant or BipolarQuant: plain weights that are a scale times small
  integers get one. Other quantised constants are folded to plain numbers.
* Quantizers written as comparisons become MultiThreshold, Trunc becomes a Quant of integers.
* What only the host computes after the last layers (Softmax, ArgMax, interpolation ...) is cut off: `Model.end` keeps
  it as a separate graph, and the graph's outputs are the tensors before the cut.
"""
