"""Code generation: from a dataflow graph to the texts of a project, by templates, packed memories and the driver.

`compiler.project_folder` writes them.
"""
