"""The mutants: each breaks one thing on a copy. Many are enumerated from the live catalogue and the live code."""
