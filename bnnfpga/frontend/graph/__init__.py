"""The graph in memory: nodes and tensors with one index, conversion to and from protobuf, transforms.

Nothing here knows any operator.
"""
