from tests.dev.directories import directory

__all__ = ["directory"]
