"""Reads requests: addresses, credentials, headers, bodies."""
