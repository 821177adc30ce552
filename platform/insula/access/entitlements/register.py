"""The register of an installation's entitlements, by key."""

from collections.abc import Iterable, Iterator, Mapping

from insula.access.entitlements.declarations import Amount, CountedQuota, Quota
from insula.core.errors import ManifestError


class Register(Mapping[str, Amount]):
    """The declared entitlements, in their order. Raises ManifestError for a key that is declared twice."""

    def __init__(self, declared: Iterable[Amount]) -> None:
        self._declared: dict[str, Amount] = {}
        for each in declared:
            if each.key in self._declared:
                raise ManifestError(f"the entitlement {each.key!r} is declared twice: rename one, or declare it once")
            self._declared[each.key] = each

    def __getitem__(self, key: str) -> Amount:
        return self._declared[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._declared)

    def __len__(self) -> int:
        return len(self._declared)

    @property
    def counted(self) -> tuple[str, ...]:
        """The keys of the quotas whose rows triggers count."""
        return tuple(each.key for each in self.values() if isinstance(each, CountedQuota))

    @property
    def quotas(self) -> tuple[Quota, ...]:
        """The quotas, those that triggers count first."""
        found = [each for each in self.values() if isinstance(each, Quota)]
        return tuple(sorted(found, key=lambda each: not isinstance(each, CountedQuota)))
