"""What is broken, one at a time, on a copy. Enumerated from the live catalogue and the live code, not by hand."""
