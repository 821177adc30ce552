"""The tenants app: the API for the members of tenants."""
