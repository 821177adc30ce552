"""Text that people write: one spelling of what looks alike, an order that people expect, and searching in it."""
