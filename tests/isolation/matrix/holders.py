"""Kinds of callers with roles outside tenants: staff, and those that apps add. A user's row in a table gives the role.

They are derived from the callers that the installation's apps declare.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Table

from insula.callers import ApiKeys, Kind, OAuthClients, RoleCallers, Staff
from insula.db.schema.base import metadata
from insula.http.routing.guards import RoleGuard
from tests.isolation.matrix.requests import Underivable
from tests.isolation.matrix.routes import LiveRoute
from tests.support.apps import INSTALLATION

DECLARED: Final[dict[str, tuple[Kind, ...]]] = {app.name: tuple(app.callers) for app in INSTALLATION.apps}
"""The callers of each app."""


@dataclass(frozen=True)
class HeldRole:
    """A kind of callers: users with a row that holds their role."""

    app: str
    label: str
    """Its principals' kind, with which its actions begin: ``staff.tenant:suspend``."""

    roles: tuple[str, ...]
    table: Table


def held_roles() -> Iterator[HeldRole]:
    """Yield every kind of callers with roles outside tenants, with an app that accepts them."""
    for app, declared in DECLARED.items():
        yield from (held for kind in declared if (held := _held(app, kind)) is not None)


def held_role_of(route: LiveRoute) -> HeldRole:
    """Return the kind that the route's guard admits. Raises Underivable if no row makes a user one."""
    guard = route.guard
    kinds = [kind for kind in DECLARED[route.app] if guard is not None and isinstance(kind, guard.admits)]
    for kind in kinds:
        if (held := _held(route.app, kind)) is not None:
            return held
    found = ", ".join(type(kind).__name__ for kind in kinds) or "nobody"
    raise Underivable(
        f"its guard {type(guard).__name__} is for {found} of the app {route.app}: derive them from RoleCallers, "
        "or add the table with their rows to holders.py"
    )


def label_of(route: LiveRoute) -> str | None:
    """Return the kind of the route's principals, or None if they act in a tenant."""
    return route.guard.principal_type.kind if isinstance(route.guard, RoleGuard) else None


def takes_keys(app: str) -> bool:
    """Whether the app declares API keys among its callers."""
    return any(isinstance(kind, ApiKeys) for kind in DECLARED[app])


def takes_clients(app: str) -> bool:
    """Whether the app declares OAuth clients among its callers."""
    return any(isinstance(kind, OAuthClients) for kind in DECLARED[app])


def others(app: str) -> tuple[str, ...]:
    """Return the other apps, whose tokens and callers this app must refuse."""
    return tuple(sorted(DECLARED.keys() - {app}))


def _held(app: str, kind: Kind) -> HeldRole | None:
    if isinstance(kind, Staff):
        return HeldRole(app, "staff", tuple(kind.roles), metadata.tables["staff"])
    if isinstance(kind, RoleCallers):
        table: Table = kind.model.__table__  # type: ignore[attr-defined]  # SQLModel sets it for tables
        return HeldRole(app, kind.principal_type.kind, tuple(kind.roles), table)
    return None


def by_label() -> Mapping[str, HeldRole]:
    """Return one entry for each kind, by its principals' kind."""
    return {held.label: held for held in held_roles()}
