"""Cutting off what only the host can compute after the last layers; it is kept as a separate graph."""
