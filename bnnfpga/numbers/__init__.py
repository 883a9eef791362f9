"""Exact arithmetic: integer types, float32 operations one at a time, common grids, and the geometry of kernels.

It knows no graph, no file and no hardware.
"""
