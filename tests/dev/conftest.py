from tests.dev.places import place

__all__ = ["place"]
