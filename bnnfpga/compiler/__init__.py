"""The way from a model to a project, as a short list of steps: plan, check, write.

`model_file` reads and cleans, `plan` folds, lowers and applies a folding, `frames` and `vectors` check the result, and
`project_folder` writes it.
"""
