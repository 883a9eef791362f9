"""Whether two revisions of this repository make the same accelerators: what a refactoring has to show.

`nets` lists what is compiled, `worker` does it with either revision, `results` compares what came out.
"""
