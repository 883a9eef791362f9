"""Running synthesis tools on a project and reading their reports into one form.

What a tool is told stands in the project's own scripts (`flows/`), so that it runs without this package as well.
"""
