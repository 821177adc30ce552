"""The mutants: each removes one protection from a copy. Many are derived from the live catalogue and the live code."""
