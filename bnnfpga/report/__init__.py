"""Results for people to look at: plain data in, tables out.

Nothing here computes results or reads projects.
"""
