"""From a file to one graph at one opset: dialects, model-local functions, element types, shapes and constants."""
