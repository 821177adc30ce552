"""Whose each declaration is, so that two of one thing are an error that names both."""

from insula.core.errors import ManifestError

_BOTH = " and "


class Owners:
    """Whose each declaration is, by its words."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, ...], str] = {}

    def claim(self, owner: str, *words: str) -> None:
        """Note a declaration. Raises ManifestError where there is one already."""
        key = tuple(str(word) for word in words)
        if (first := self.found.get(key)) is not None:
            whose = f"twice by {owner}" if first == owner else f"by {first} and by {owner}"
            raise ManifestError(f"{' '.join(key)}: declared {whose}; keep one of the two")
        self.found[key] = owner

    def share(self, owner: str, *words: str) -> None:
        """Note a declaration that other owners may make, too. Raises ManifestError where this one did already."""
        key = tuple(str(word) for word in words)
        first = self.found.get(key)
        if first is None or owner in first.split(_BOTH):
            self.claim(owner, *words)
        else:
            self.found[key] = f"{first}{_BOTH}{owner}"
