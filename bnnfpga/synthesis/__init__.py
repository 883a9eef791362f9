"""Running synthesis tools on a project and reading their reports into one form.

Yosys synthesises each unit alone, by recipes of this package. Vendors' tools run the project's own scripts (`flows/`),
which also work without it.
"""
