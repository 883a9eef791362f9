"""The way from a model to a project, as a short list of steps: plan, check, write.

`plan` reads, folds, lowers and makes parallel; `frames` and `vectors` are what a compilation is checked on;
`project_folder` writes what the others know.
"""
