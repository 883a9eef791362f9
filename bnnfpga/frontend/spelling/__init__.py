"""One form for what exporters and papers write in many: a transform a file, each keeping what the graph means."""
