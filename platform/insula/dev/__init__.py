"""What runs on a developer's machine alone: the embedded servers and the demo rows."""
