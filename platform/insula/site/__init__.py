"""The factory of apps, and the root app's own routes."""
