"""HTML pages: their frame, templates and static files."""
