"""The apps that are measured beside Insula. Each module has a ``create_app`` for ``uvicorn --factory``."""
