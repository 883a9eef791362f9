"""How each integer operation becomes operators: one file for what belongs together, one function for each operation.

`accelerator` has the graph while it grows. What stands here knows the model's nodes; the operators do not.
"""
