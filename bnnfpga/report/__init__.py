"""Presentation of results: plain data in, tables and pictures out.

Nothing here computes results or reads projects.
"""
