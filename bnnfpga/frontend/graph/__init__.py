"""The graph in memory: nodes and tensors with one index, conversion to and from protobuf, transforms.

Nothing here knows what an operator means; `nodes` names the two that the frontend adds to ONNX's.
"""
