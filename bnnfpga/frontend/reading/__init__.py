"""From a file to one graph at one opset: its dialect, its own functions, its element types, shapes and constants."""
