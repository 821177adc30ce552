"""HTML pages: their layout, templates and static files."""
