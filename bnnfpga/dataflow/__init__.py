"""The accelerator as data: streams, operators, their graph, and what can be computed from it.

`docs/dataflow.md` is the specification. What lives here knows no file format, no ONNX and no hardware tool; hardware
units are one file each in `operators/`.
"""
