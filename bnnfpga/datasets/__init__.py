"""Reading users' images and labels.

Arrays are returned as stored: no scaling, no reshaping, no change of type. Fitting them to a model is done elsewhere.
"""
