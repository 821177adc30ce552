"""The catalogue check: compares a database with the code's declarations."""
