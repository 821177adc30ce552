"""The check that a database is what the code declares."""
