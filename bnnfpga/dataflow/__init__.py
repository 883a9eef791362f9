"""The accelerator as data: streams, operators, their graph, and what can be computed from it.

`docs/dataflow.md` is the specification. Nothing here knows file formats, ONNX or hardware tools. `operators/` holds the
hardware units, one file each.
"""
