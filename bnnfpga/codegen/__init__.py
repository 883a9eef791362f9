"""Code generation: from a dataflow graph to rendered templates, packed memories and the project folder."""
