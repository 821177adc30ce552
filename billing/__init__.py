"""The billing sub-app."""
