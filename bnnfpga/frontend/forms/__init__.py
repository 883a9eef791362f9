"""The meaning of nodes in a clean graph: parameters, geometry, picked elements, the integers of quantizers.

All later rooms ask here. What is rewritten here keeps its meaning.
"""
