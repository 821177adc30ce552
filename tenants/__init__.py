"""The tenants sub-app."""
