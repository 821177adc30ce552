"""Statements that are written and compiled once, and pages of rows."""
