"""The way from a model to a project, as a short list of steps: design, check, write.

`build` is the list. `model_file` reads and cleans (`file_input` has the default input format), `design` folds, lowers
and applies a folding (`folding_file`), `frames` and `vectors` check the result, `first_quantizer` checks the declared
input, and `project_folder` writes it. `planner` and `inspection` show what a project would be like, `recompiled`
designs a project once more as the reference for its hardware, and `export` makes a model file from a trained Brevitas
model.
"""
