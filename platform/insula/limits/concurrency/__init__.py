"""How many expensive requests a caller may run at once."""
