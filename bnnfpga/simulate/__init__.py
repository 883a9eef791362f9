"""Running a compiled project, and comparing what comes out with the golden model of its source.

`runners/` turn a project's folder into integers and cycles, `verify/` compares all forms of an accelerator. Expected
results come from a `reference.Reference`. The test benches in a project and in `flows/` compare as well, but only with
the test vectors that the project holds.
"""
