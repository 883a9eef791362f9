"""What only a host can do behind the last layers, cut off and kept as a graph of its own."""
