"""Talking to a running accelerator: what goes over its streams, and what the host computes around them.

Knows nothing of the compiler; all it needs is in a project's `project.json` and `functions.json`.
"""
