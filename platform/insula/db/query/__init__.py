"""Statements that are compiled once, pages of rows, and errors for violated constraints."""
