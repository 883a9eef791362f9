"""Native code on this machine: finding compilers and tools, and building and caching programs.

A leaf: it knows nothing of what the programs do.
"""
