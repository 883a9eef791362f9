"""Choosing how parallel each layer is."""
