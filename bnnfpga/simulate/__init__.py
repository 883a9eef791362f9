"""Running a compiled project, and comparing what comes out with the golden model of its source.

`runners/` turn a project's folder into integers and cycles, `verify/` compares all forms of an accelerator. Expected
results come from a `reference.Reference`; nothing in `flows/` compares anything.
"""
