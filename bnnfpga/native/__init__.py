"""Native code on this machine: its compilers and tools, what they build, and where that is kept.

A leaf: it knows nothing of what is built.
"""
