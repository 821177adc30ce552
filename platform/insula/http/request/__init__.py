"""What is read from a request: addresses, credentials, fields, bodies."""
