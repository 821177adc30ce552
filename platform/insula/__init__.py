"""The kernel: what the sub-apps share, and the root application."""
