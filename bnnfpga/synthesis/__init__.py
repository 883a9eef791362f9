"""Running synthesis tools on a project and reading their reports into one form.

The tools run the project's own scripts (`flows/`), which also work without this package.
"""
