"""Choosing the folding of each layer."""
