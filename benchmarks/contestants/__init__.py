"""The apps with which Insula is compared. Each module has a ``create_app`` for ``uvicorn --factory``."""
