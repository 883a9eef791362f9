"""One form for what exporters and papers write in many: a rewrite a file, each keeping what the graph means."""
