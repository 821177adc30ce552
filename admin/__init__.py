"""The admin app: the API for the platform's staff."""
