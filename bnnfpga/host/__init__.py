"""Exactly what travels to a board: images in, words over the accelerator's streams, values and classes out.

`driver/accelerator.py` of a project is made of all of it. It knows nothing of the compiler: what it needs is in a
project's `project.json` and `functions.json`. Simulations read images and results with the same code.
"""
