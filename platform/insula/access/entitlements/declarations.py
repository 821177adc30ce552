"""Declarations of entitlements: ``quota("items", ProjectItem)``, ``feature("priority_support")``, or an ``Amount``.

A resource lists them in its manifest, and its service asks the scope: ``await check_quota(scope, ITEMS)``,
``scope.require(PRIORITY_SUPPORT)``, ``scope.granted(INVITATIONS_PER_DAY)``. The kernel's table ``entitlement`` holds
what each tenant is granted; a plan, staff or a default sets the amount.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, func
from sqlalchemy import select as tuple_of
from sqlmodel import col

from insula.core.errors import ManifestError
from insula.db.models import TenantUsage
from insula.db.schema.base import Base

_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
Condition = Callable[[], ColumnElement[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """An amount of something, such as requests a minute.

    ``key`` names it in plans, in overrides and in the API. ``unit`` describes it in words. ``default`` applies if
    neither the tenant's plan nor staff set an amount.
    """

    key: str
    unit: str
    default: int = 0

    def __post_init__(self) -> None:
        """Raise ManifestError for an invalid key or default."""
        if not _KEY.fullmatch(self.key):
            raise ManifestError(f"the entitlement {self.key!r}: a key is a lower-case word, such as 'api_keys'")
        if self.default < 0:
            raise ManifestError(f"the entitlement {self.key!r}: default={self.default} is negative")

    def of(self, granted: Mapping[str, int]) -> int:
        """Return the amount for a tenant with these ``granted`` entitlements."""
        return granted.get(self.key, self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature(Amount):
    """Something that a tenant has or lacks: 1 or 0 in plans and overrides."""

    unit: str = "yes or no"

    def included(self, granted: Mapping[str, int]) -> bool:
        """Return whether a tenant with these ``granted`` entitlements has it."""
        return self.of(granted) > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota(Amount):
    """A bound on something that a tenant stores. ``used`` returns SQL for the current number."""

    used: Callable[[], ColumnElement[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedQuota(Quota):
    """A bound on the rows of a table, which triggers count in ``tenant_usage``."""

    table: type[Base]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallQuota(Quota):
    """A bound on the rows of a small table, counted before each insert."""

    table: type[Base]
    where: Condition | None = None


def quota(key: str, table: type[Base], *, default: int = 0) -> CountedQuota:
    """Declare that a plan bounds the rows of ``table``, of which there may be many.

    This adds the triggers that count the rows, the tenant's usage, and the key that plans and staff can grant.
    """
    return CountedQuota(
        key=key, unit=f"rows of {table.__tablename__}", default=default, used=_Counter(key), table=table
    )


def small_quota(key: str, table: type[Base], *, default: int = 0, where: Condition | None = None) -> SmallQuota:
    """Declare that a plan bounds the rows of ``table`` that match ``where``, of which there are few."""
    used = _Rows(table, where)
    return SmallQuota(
        key=key, unit=f"rows of {table.__tablename__}", default=default, used=used, table=table, where=where
    )


def feature(key: str, *, included: bool = False) -> Feature:
    """Declare something that a tenant has or lacks. ``included`` is the default."""
    return Feature(key=key, default=int(included))


@dataclass(frozen=True, slots=True)
class _Counter:
    key: str

    def __call__(self) -> ColumnElement[int]:
        # The aggregate returns a row even for a tenant without any.
        used = tuple_of(func.coalesce(func.max(TenantUsage.used), 0)).where(col(TenantUsage.resource) == self.key)
        return used.scalar_subquery()


@dataclass(frozen=True, slots=True)
class _Rows:
    table: type[Base]
    where: Condition | None

    def __call__(self) -> ColumnElement[int]:
        counting = tuple_of(func.count()).select_from(self.table)
        if self.where is not None:
            counting = counting.where(self.where())
        return counting.scalar_subquery()


class EntitlementRegistry(Mapping[str, Amount]):
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
