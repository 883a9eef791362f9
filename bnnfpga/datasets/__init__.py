"""Reading the images and labels that users have.

Arrays come in as they are stored: no scaling, no reshaping, no change of type. What a model makes of them is decided
elsewhere.
"""
