"""Passwords, API keys, access tokens and the keys that sign them."""
