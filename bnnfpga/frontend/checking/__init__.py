"""Checks that a model can be compiled: shapes, sizes and supported operators."""
