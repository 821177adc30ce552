"""The rules, by noun: plain functions that take the scope first and never commit."""
