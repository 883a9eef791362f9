"""From a dataflow graph to files: rendered templates, packed memories, the project folder."""
