"""Comparing the accelerators of two revisions of this repository: the check for refactorings.

`nets` lists the nets, `worker` compiles and runs them with one revision, `results` compares the results.
"""
