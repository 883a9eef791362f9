"""The commands, one per file: name, options, action and output.

Heavy modules are imported inside the commands, so that ``--help`` answers immediately.
"""
