"""Users: registering, passwords, addresses and their emails."""
