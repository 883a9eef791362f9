"""The command line: the commands, their options and their output.

All work is done by `bnnfpga.api`; only words, options, terminals and exit statuses are here.
"""
