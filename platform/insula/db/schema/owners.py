"""The owner of each declaration, so that the error for a duplicate names both owners."""

from insula.core.errors import ManifestError

_BOTH = " and "


class Owners:
    """The owner of each declaration, by the declaration's words."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, ...], str] = {}

    def add(self, owner: str, *words: str) -> None:
        """Add a declaration. Raises ManifestError if it exists already."""
        key = tuple(str(word) for word in words)
        if (first := self.found.get(key)) is not None:
            whose = f"twice by {owner}" if first == owner else f"by {first} and by {owner}"
            raise ManifestError(f"{' '.join(key)}: declared {whose}; keep one of the two")
        self.found[key] = owner

    def share(self, owner: str, *words: str) -> None:
        """Add a declaration that several owners may make. Raises ManifestError if this owner already made it."""
        key = tuple(str(word) for word in words)
        first = self.found.get(key)
        if first is None or owner in first.split(_BOTH):
            self.add(owner, *words)
        else:
            self.found[key] = f"{first}{_BOTH}{owner}"
