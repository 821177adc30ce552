"""Entitlements, declared: ``quota("items", ProjectItem)``, ``feature("priority_support")``, or an ``Amount``.

A resource lists them in its manifest, and its service asks the scope: ``await settle(scope, ITEMS)``,
``scope.require(PRIORITY_SUPPORT)``, ``scope.granted(INVITATIONS_PER_DAY)``. What a tenant is granted stands in the
kernel's table ``entitlement``; a plan, staff or a default says how much.
"""

import re
from collections.abc import Callable, Mapping
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
    """So much of something, such as requests a minute.

    ``key`` names it in plans, in overrides and on the wire. ``unit`` is what one of it is, in words. ``default`` is
    what a tenant has of it where neither its plan nor staff say.
    """

    key: str
    unit: str
    default: int = 0

    def __post_init__(self) -> None:
        """Check what every entitlement must be."""
        if not _KEY.fullmatch(self.key):
            raise ManifestError(f"the entitlement {self.key!r}: a key is a lower-case word, such as 'api_keys'")
        if self.default < 0:
            raise ManifestError(f"the entitlement {self.key!r}: default={self.default} is less than nothing")

    def of(self, granted: Mapping[str, int]) -> int:
        """Return how much of it a tenant has that is ``granted`` this."""
        return granted.get(self.key, self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature(Amount):
    """Something that a tenant has or has not: 1 or 0 in plans and overrides."""

    unit: str = "yes or no"

    def included(self, granted: Mapping[str, int]) -> bool:
        """Return whether a tenant has it that is ``granted`` this."""
        return self.of(granted) > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota(Amount):
    """So many of something that a tenant keeps. ``used`` makes the SQL that says how many there are now."""

    used: Callable[[], ColumnElement[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedQuota(Quota):
    """So many rows of a table; triggers count them as they come and go, in ``tenant_usage``."""

    table: type[Base]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallQuota(Quota):
    """So many rows of a table of which there are few: they are counted when another is to be made."""

    table: type[Base]
    where: Condition | None = None


def quota(key: str, table: type[Base], *, default: int = 0) -> CountedQuota:
    """Declare that a plan bounds the rows of ``table``, of which there may be many.

    From it follow the triggers that count the rows, the tenant's usage, and what plans and staff can grant.
    """
    return CountedQuota(
        key=key, unit=f"rows of {table.__tablename__}", default=default, used=_Counter(key), table=table
    )


def small_quota(key: str, table: type[Base], *, default: int = 0, where: Condition | None = None) -> SmallQuota:
    """Declare that a plan bounds the rows of ``table`` that are ``where``, of which there are few."""
    used = _Rows(table, where)
    return SmallQuota(
        key=key, unit=f"rows of {table.__tablename__}", default=default, used=used, table=table, where=where
    )


def feature(key: str, *, included: bool = False) -> Feature:
    """Declare something that a tenant has or has not. ``included`` says whether it has it where nobody says."""
    return Feature(key=key, default=int(included))


@dataclass(frozen=True, slots=True)
class _Counter:
    key: str

    def __call__(self) -> ColumnElement[int]:
        # The aggregate gives a row also to a tenant that never had any.
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
