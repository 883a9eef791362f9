"""The command line: what each command is called, takes and prints.

Everything that it does is in `bnnfpga.api`; here are words, options, terminals and exit statuses.
"""
