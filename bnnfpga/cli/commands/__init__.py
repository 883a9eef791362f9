"""One command a file: what it is called, takes, does and prints.

Heavy modules are imported inside the commands, so that ``--help`` answers at once.
"""
