"""The command line: the commands, their options and their output.

Models and projects are the work of `bnnfpga.api` and the rooms below it. Here are words, options, terminals and exit
statuses, and what only a command needs: which tools are installed, and saving arrays.
"""
