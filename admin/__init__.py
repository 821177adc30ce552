"""The admin sub-app."""
