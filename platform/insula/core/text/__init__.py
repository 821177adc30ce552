"""Text that people write: one spelling for text that looks the same, sorting as people expect, and search."""
