"""The benchmarks: ``make bench`` and others. See README.md."""
