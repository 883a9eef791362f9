"""One spelling for what exporters and papers write in many ways: one transform per file, each keeping the meaning."""
