"""Speed measurements, run by `make bench`. None of them is a timed test."""
