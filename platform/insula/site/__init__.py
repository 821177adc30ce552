"""What apps are built with, and the root's own routes."""
