"""Who calls a route: from its guard, everybody who must be refused, and what with."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from insula.http.access import PersonalGuard, StaffGuard, TenantGuard
from insula.policy import Role, StaffRole
from tests.isolation.matrix.actions import action_of
from tests.isolation.matrix.island import Island, Person
from tests.isolation.matrix.kinds import ALL_KEY_ACTIONS
from tests.isolation.matrix.routes import LiveRoute
from tests.isolation.matrix.stage import Stage
from tests.isolation.matrix.wire import Headers
from tests.isolation.matrix.world import IN_BOTH, WITH, WITHOUT, World
from tests.support.apps import INSTALLATION, POLICY

Side = Literal["a", "b", "c", "nobody"]
Credentials = Callable[[Stage, World], Awaitable[Headers]]


class Refusal(NamedTuple):
    status: int
    code: str


UNAUTHENTICATED: Final = Refusal(401, "unauthenticated")
FORBIDDEN: Final = Refusal(403, "forbidden")
TENANT_REQUIRED: Final = Refusal(403, "tenant_required")
TENANT_SUSPENDED: Final = Refusal(403, "tenant_suspended")
GRANTS: Final = INSTALLATION.grants


@dataclass(frozen=True)
class Caller:
    """``side`` is the tenant of the credentials; ``refusal`` what meets them before any id is looked at."""

    name: str
    side: Side
    refusal: Refusal | None
    credentials: Credentials
    twin: Credentials | None = None
    """The same person acting for B, where they may: what a cache could mistake the caller for."""


def callers_of(route: LiveRoute) -> tuple[Caller, ...]:
    """Return everybody who attacks the route."""
    kinds = {TenantGuard: _at_tenant_route, PersonalGuard: _at_personal_route, StaffGuard: _at_staff_route}
    for kind, callers in kinds.items():
        if isinstance(route.guard, kind):
            return tuple(callers(route))
    return tuple(_at_public_route(route))


def rightful(route: LiveRoute) -> Credentials:
    """Return the credentials of whoever may call the route on B's things."""
    if isinstance(route.guard, TenantGuard):
        return _bearer("b", "owner", route.app)
    if isinstance(route.guard, PersonalGuard):
        return _bearer("b", "guest", route.app, tenant=None)
    if isinstance(route.guard, StaffGuard):
        return _staff(StaffRole.SUPERUSER, route.app)
    return _nothing


def _at_tenant_route(route: LiveRoute) -> Iterator[Caller]:
    app, action = route.app, action_of(route)
    for role in Role:
        may = action in GRANTS[role]
        yield Caller(f"{role} of A", "a", None if may else FORBIDDEN, _bearer("a", role, app))
        if not may:
            yield Caller(f"{role} of B", "b", FORBIDDEN, _bearer("b", role, app))
    yield from _own_roles(app, action)
    for name, in_a in IN_BOTH.items():
        refusal = None if action in GRANTS[in_a] else FORBIDDEN
        yield Caller(f"{name} for A", "a", refusal, _of_both(name, app, "a"), twin=_of_both(name, app, "b"))
    yield Caller("owner of B, no tenant", "nobody", TENANT_REQUIRED, _bearer("b", "owner", app, tenant=None))
    yield Caller("removed member of B", "b", FORBIDDEN, _bearer("b", "removed", app))
    yield Caller("owner of A for B", "b", FORBIDDEN, _foreign_token(app))
    yield Caller("owner of a suspended tenant", "c", TENANT_SUSPENDED, _bearer("c", "owner", app))
    yield Caller("superuser, no tenant", "nobody", TENANT_REQUIRED, _staff(StaffRole.SUPERUSER, app))
    yield from _without_credentials(app, "b", "owner", bound=True)
    yield from _keys(action)
    yield from (Caller(f"{role} of staff", "nobody", UNAUTHENTICATED, _staff(role, "admin")) for role in StaffRole)


def _own_roles(app: str, action: str) -> Iterator[Caller]:
    given = None if action in POLICY.published else FORBIDDEN
    yield Caller("own role of A", "a", given, _bearer("a", WITH, app))
    yield Caller("own role of A without it", "a", FORBIDDEN, _bearer("a", WITHOUT, app))


def _at_personal_route(route: LiveRoute) -> Iterator[Caller]:
    app = route.app
    yield Caller("owner of A, no tenant", "nobody", None, _bearer("a", "owner", app, tenant=None))
    yield Caller("viewer of A", "a", None, _bearer("a", "viewer", app))
    yield from _without_credentials(app, "b", "guest", bound=False)
    yield Caller("key of A", "a", FORBIDDEN, _key("a", "key"))
    yield Caller("key of B", "b", FORBIDDEN, _key("b", "key"))
    yield from (Caller(f"{role} of staff", "nobody", UNAUTHENTICATED, _staff(role, "admin")) for role in StaffRole)


def _at_staff_route(route: LiveRoute) -> Iterator[Caller]:
    app, action = route.app, action_of(route)
    for role in StaffRole:
        if action not in GRANTS[role]:
            yield Caller(f"{role} of staff", "nobody", FORBIDDEN, _staff(role, app))
        yield Caller(f"{role} with a tenants token", "nobody", UNAUTHENTICATED, _staff(role, "tenants"))
    for side in ("a", "b"):
        yield Caller(f"owner of {side.upper()}, token for staff", "nobody", FORBIDDEN, _nobodys_staff(side, app))
        yield Caller(f"owner of {side.upper()}", side, UNAUTHENTICATED, _bearer(side, "owner", "tenants"))
        yield Caller(f"key of {side.upper()}", side, UNAUTHENTICATED, _key(side, "key"))
    yield Caller("suspended staff", "nobody", UNAUTHENTICATED, _staff("suspended", app))
    yield Caller("staff, ended session", "nobody", UNAUTHENTICATED, _staff("superuser", app, "ended_session"))
    yield Caller("staff, expired token", "nobody", UNAUTHENTICATED, _expired_staff(app))
    yield Caller("anonymous", "nobody", UNAUTHENTICATED, _nothing)


def _at_public_route(_route: LiveRoute) -> Iterator[Caller]:
    yield Caller("anonymous", "nobody", None, _nothing)
    yield Caller("owner of A", "a", None, _bearer("a", "owner", "tenants"))
    yield Caller("key of A", "a", None, _key("a", "key"))
    yield Caller("auditor of staff", "nobody", None, _staff(StaffRole.AUDITOR, "admin"))


def _without_credentials(app: str, side: Literal["b"], name: str, *, bound: bool) -> Iterator[Caller]:
    """Give those whom nobody knows, though they come with what was or would be good elsewhere."""
    tenant = side if bound else None
    yield Caller("anonymous", "nobody", UNAUTHENTICATED, _nothing)
    yield Caller("suspended user", side, UNAUTHENTICATED, _bearer(side, "suspended", app, tenant=tenant))
    ended = _bearer(side, name, app, tenant=tenant, session="ended_session")
    yield Caller("ended session", side, UNAUTHENTICATED, ended)
    yield Caller("expired token", side, UNAUTHENTICATED, _expired(side, name, app, tenant))
    for other in {"tenants", "billing", "admin"} - {app}:
        wrong = _bearer(side, name, other, tenant=tenant)
        yield Caller(f"token for {other}", side, UNAUTHENTICATED, wrong)


def _keys(action: str) -> Iterator[Caller]:
    given = None if action in ALL_KEY_ACTIONS else FORBIDDEN
    yield Caller("key of A", "a", given, _key("a", "key"))
    yield Caller("key of B without the action", "b", FORBIDDEN, _key("b", "lacking"))
    yield Caller("expired key of B", "b", UNAUTHENTICATED, _key("b", "expired"))
    yield Caller("revoked key of B", "b", UNAUTHENTICATED, _key("b", "revoked"))


async def _nothing(_stage: Stage, _world: World) -> Headers:
    return ()


def _island(world: World, side: str | None) -> Island | None:
    islands: Mapping[str | None, Island] = {"a": world.a, "b": world.b, "c": world.c}
    return islands.get(side)


def _bearer(side: str, name: str, app: str, *, tenant: str | None = "", session: str = "session") -> Credentials:
    """Return the token of one of a tenant's people, for that tenant unless another or none is named."""

    async def credentials(stage: Stage, world: World) -> Headers:
        home = _island(world, side)
        if home is None:
            raise LookupError(side)
        bound = home if tenant == "" else _island(world, tenant)
        return _authorization(await stage.token(world, home.people[name], app, bound, session=session))

    return credentials


def _foreign_token(app: str) -> Credentials:
    """Return a token for B of somebody who never was there, as only a faulty issuer would make it."""
    return _bearer("a", "owner", app, tenant="b")


def _of_both(name: str, app: str, side: str) -> Credentials:
    async def credentials(stage: Stage, world: World) -> Headers:
        return _authorization(await stage.token(world, world.both[name], app, _island(world, side)))

    return credentials


def _staff(name: str, app: str, session: str = "session") -> Credentials:
    async def credentials(stage: Stage, world: World) -> Headers:
        return _authorization(await stage.token(world, world.staff[str(name)], app, None, session=session))

    return credentials


def _nobodys_staff(side: str, app: str) -> Credentials:
    return _bearer(side, "owner", app, tenant=None)


def _expired(side: str, name: str, app: str, tenant: str | None) -> Credentials:
    async def credentials(stage: Stage, world: World) -> Headers:
        home = _island(world, side)
        return _authorization(await stage.expired_token(_person(home, name), app, _island(world, tenant)))

    return credentials


def _expired_staff(app: str) -> Credentials:
    async def credentials(stage: Stage, world: World) -> Headers:
        return _authorization(await stage.expired_token(world.staff[StaffRole.SUPERUSER], app, None))

    return credentials


def _person(island: Island | None, name: str) -> Person:
    if island is None:
        raise LookupError(name)
    return island.people[name]


def _key(side: str, purpose: str) -> Credentials:
    async def credentials(_stage: Stage, world: World) -> Headers:
        island = world.a if side == "a" else world.b
        return (("x-api-key", island.keys[purpose].text),)

    return credentials


def _authorization(token: str) -> Headers:
    return (("authorization", f"Bearer {token}"),)
