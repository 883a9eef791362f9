"""What a model must be to be compiled: well-shaped, of bounded size, of operators that are supported."""
