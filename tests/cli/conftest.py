from tests.embedded.places import place

__all__ = ["place"]
