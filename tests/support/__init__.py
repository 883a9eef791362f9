"""Helpers shared by tests: nets written directly as QONNX, hand-built graphs, checks, and optional data."""
