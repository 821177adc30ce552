"""The callers of a route, derived from its guard, with the refusal that each must get."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from insula.access import Role
from insula.db.models import SUSPENDED
from insula.http.routing.guards import PersonalGuard, RoleGuard, TenantGuard
from insula.signin.userinfo import USERINFO
from tests.isolation.matrix.actions import action_of
from tests.isolation.matrix.holders import (
    DECLARED,
    by_label,
    held_role_of,
    held_roles,
    others,
    takes_clients,
    takes_keys,
)
from tests.isolation.matrix.kinds import ALL_KEY_ACTIONS
from tests.isolation.matrix.requests import Underivable
from tests.isolation.matrix.routes import LiveRoute
from tests.isolation.matrix.stage import Stage
from tests.isolation.matrix.tenant import AttackTenant, Person
from tests.isolation.matrix.wire import Headers
from tests.isolation.matrix.world import IN_BOTH, WITH, WITHOUT, World
from tests.support.apps import INSTALLATION, POLICY

Side = Literal["a", "b", "c", "nobody"]
Credentials = Callable[[Stage, World], Awaitable[Headers]]


class Refusal(NamedTuple):
    status: int
    code: str


UNAUTHENTICATED: Final = Refusal(401, "unauthenticated")
WRONG_AUDIENCE: Final = Refusal(401, "wrong_audience")
FORBIDDEN: Final = Refusal(403, "forbidden")
INSUFFICIENT_SCOPE: Final = Refusal(403, "insufficient_scope")
TENANT_REQUIRED: Final = Refusal(403, "tenant_required")
TENANT_SUSPENDED: Final = Refusal(403, "tenant_suspended")
GRANTS: Final = INSTALLATION.grants
ALL_ACTIONS: Final = frozenset(str(action) for app in INSTALLATION.apps for action in app.permissions)


@dataclass(frozen=True)
class Caller:
    """``side`` is the tenant of the credentials; ``refusal`` is their answer before any id is checked."""

    name: str
    side: Side
    refusal: Refusal | None
    credentials: Credentials
    twin: Credentials | None = None
    """The same person acting for B, where they may: a cache could confuse the two."""


def callers_of(route: LiveRoute) -> tuple[Caller, ...]:
    """Return all callers that attack the route. Raises Underivable for an unknown kind of guard."""
    if route.guard is None:
        return tuple(_at_public_route(route))
    kinds = {TenantGuard: _at_tenant_route, PersonalGuard: _at_personal_route, RoleGuard: _at_role_route}
    for kind, callers in kinds.items():
        if isinstance(route.guard, kind):
            return tuple(callers(route))
    raise Underivable(
        f"its guard {type(route.guard).__name__} is no TenantGuard, PersonalGuard or RoleGuard: derive it from one, "
        "or add its callers to callers.py"
    )


def rightful(route: LiveRoute) -> Credentials:
    """Return credentials that may call the route on B's objects."""
    if isinstance(route.guard, TenantGuard):
        return _bearer("b", "owner", route.app)
    if isinstance(route.guard, PersonalGuard):
        return _bearer("b", "guest", route.app, tenant=None)
    if isinstance(route.guard, RoleGuard):
        return _holder(held_role_of(route).label, rightful_role(route), route.app)
    if route.template == USERINFO:
        return _bearer("b", "owner", "tenants", scopes=frozenset({"openid", "profile", "email"}))
    return _nothing


def rightful_role(route: LiveRoute) -> str:
    """Return the first role outside tenants that has the route's action. Raises Underivable if there is none."""
    held, action = held_role_of(route), action_of(route)
    for role in held.roles:
        if action in GRANTS.get(role, ()):
            return role
    raise Underivable(f"no role of {held.label} has {action}: grant it, or name the action in AttackHints(actions=...)")


def _at_tenant_route(route: LiveRoute) -> Iterator[Caller]:
    app, action = route.app, action_of(route)
    for role in Role:
        may = action in GRANTS[role]
        yield Caller(f"{role} of A", "a", None if may else FORBIDDEN, _bearer("a", role, app))
        if not may:
            yield Caller(f"{role} of B", "b", FORBIDDEN, _bearer("b", role, app))
    yield from _custom_roles(app, action)
    for name, in_a in IN_BOTH.items():
        refusal = None if action in GRANTS[in_a] else FORBIDDEN
        yield Caller(f"{name} for A", "a", refusal, _of_both(name, app, "a"), twin=_of_both(name, app, "b"))
    yield Caller("owner of B, no tenant", "nobody", TENANT_REQUIRED, _bearer("b", "owner", app, tenant=None))
    yield Caller("removed member of B", "b", FORBIDDEN, _bearer("b", "removed", app))
    yield Caller("owner of A for B", "b", FORBIDDEN, _foreign_token(app))
    yield Caller("owner of a suspended tenant", "c", TENANT_SUSPENDED, _bearer("c", "owner", app))
    for held in by_label().values():
        strongest = held.roles[0]
        yield Caller(f"{strongest}, no tenant", "nobody", TENANT_REQUIRED, _holder(held.label, strongest, app))
    yield from _without_credentials(app, "b", "owner", bound=True)
    yield from _keys(app, action)
    yield from _machines(app, action)
    yield from _holders_elsewhere(app)
    yield from _scoped(route, "a", "owner", bound=True, may=action in GRANTS[Role.OWNER])


def _custom_roles(app: str, action: str) -> Iterator[Caller]:
    given = None if action in POLICY.published else FORBIDDEN
    yield Caller("custom role of A", "a", given, _bearer("a", WITH, app))
    yield Caller("custom role of A without it", "a", FORBIDDEN, _bearer("a", WITHOUT, app))


def _at_personal_route(route: LiveRoute) -> Iterator[Caller]:
    app = route.app
    yield Caller("owner of A, no tenant", "nobody", None, _bearer("a", "owner", app, tenant=None))
    yield Caller("viewer of A", "a", None, _bearer("a", "viewer", app))
    yield from _scoped(route, "a", "owner", bound=False, may=True)
    yield from _without_credentials(app, "b", "guest", bound=False)
    yield Caller("key of A", "a", _key_refused(app), _key("a", "key"))
    yield Caller("key of B", "b", _key_refused(app), _key("b", "key"))
    yield Caller("client of A", "a", _machine_refused(app), _machine("a", app))
    yield from _holders_elsewhere(app)


def _at_role_route(route: LiveRoute) -> Iterator[Caller]:
    """Yield the callers whose role of this kind lacks the action, then the callers without a role of this kind."""
    app, action, held = route.app, action_of(route), held_role_of(route)
    for role in held.roles:
        if action not in GRANTS.get(role, ()):
            yield Caller(f"{role} of {held.label}", "nobody", FORBIDDEN, _holder(held.label, role, app))
        for other in others(app):
            wrong = _holder(held.label, role, other)
            yield Caller(f"{role} with a {other} token", "nobody", WRONG_AUDIENCE, wrong)
    for stranger in by_label().values():
        if stranger.label != held.label:
            strongest = stranger.roles[0]
            wrong = _holder(stranger.label, strongest, app)
            yield Caller(f"{strongest} of {stranger.label}, token for {held.label}", "nobody", FORBIDDEN, wrong)
    yield from _members_at_role_route("a", app, held.label)
    yield from _members_at_role_route("b", app, held.label)
    yield from _scoped_holders(held.label, rightful_role(route), app, action)
    first = held.roles[0]
    ended = _holder(held.label, first, app, "ended_session")
    yield Caller(f"suspended {held.label}", "nobody", UNAUTHENTICATED, _holder(held.label, SUSPENDED, app))
    yield Caller(f"{held.label}, ended session", "nobody", UNAUTHENTICATED, ended)
    yield Caller(f"{held.label}, expired token", "nobody", UNAUTHENTICATED, _expired_holder(held.label, first, app))
    yield Caller("anonymous", "nobody", UNAUTHENTICATED, _nothing)


def _members_at_role_route(side: Literal["a", "b"], app: str, label: str) -> Iterator[Caller]:
    owner = f"owner of {side.upper()}"
    yield Caller(f"{owner}, token for {label}", "nobody", FORBIDDEN, _tenantless(side, app))
    yield Caller(f"{owner}, token for {label} in the tenant", side, FORBIDDEN, _bearer(side, "owner", app))
    for other in others(app):
        yield Caller(f"{owner}, token for {other}", side, WRONG_AUDIENCE, _bearer(side, "owner", other))
    yield Caller(f"key of {side.upper()}", side, _key_refused(app), _key(side, "key"))
    yield Caller(f"client of {side.upper()}", side, _machine_refused(app), _machine(side, app))


def _at_public_route(_route: LiveRoute) -> Iterator[Caller]:
    yield Caller("anonymous", "nobody", None, _nothing)
    for app in DECLARED:
        yield Caller(f"owner of A, token for {app}", "a", None, _bearer("a", "owner", app))
    yield Caller("key of A", "a", None, _key("a", "key"))
    for held in held_roles():
        weakest = held.roles[-1]
        yield Caller(f"{weakest} of {held.label}", "nobody", None, _holder(held.label, weakest, held.app))


def _holders_elsewhere(app: str) -> Iterator[Caller]:
    """Yield callers with a role outside tenants, with tokens for the apps that accept them."""
    for held in held_roles():
        for role in held.roles:
            if held.app != app:
                elsewhere = _holder(held.label, role, held.app)
                yield Caller(f"{role} of {held.label}", "nobody", WRONG_AUDIENCE, elsewhere)


def _without_credentials(app: str, side: Literal["b"], name: str, *, bound: bool) -> Iterator[Caller]:
    """Yield callers that must not be authenticated, with expired, ended or another app's credentials."""
    tenant = side if bound else None
    yield Caller("anonymous", "nobody", UNAUTHENTICATED, _nothing)
    yield Caller("suspended user", side, UNAUTHENTICATED, _bearer(side, "suspended", app, tenant=tenant))
    ended = _bearer(side, name, app, tenant=tenant, session="ended_session")
    yield Caller("ended session", side, UNAUTHENTICATED, ended)
    yield Caller("expired token", side, UNAUTHENTICATED, _expired(side, name, app, tenant))
    for other in others(app):
        wrong = _bearer(side, name, other, tenant=tenant)
        yield Caller(f"token for {other}", side, WRONG_AUDIENCE, wrong)


def _scoped(route: LiveRoute, side: Literal["a"], name: str, *, bound: bool, may: bool) -> Iterator[Caller]:
    """Yield one person with tokens whose scope has every action, all but the route's, and none."""
    app, action, tenant = route.app, action_of(route), side if bound else None
    where, lacking = side if bound else "nobody", INSUFFICIENT_SCOPE if may else FORBIDDEN
    every = _bearer(side, name, app, tenant=tenant, scopes=ALL_ACTIONS)
    others_only = _bearer(side, name, app, tenant=tenant, scopes=ALL_ACTIONS - {action})
    yield Caller("token for every action", where, None if may else FORBIDDEN, every)
    yield Caller("token for all other actions", where, lacking, others_only)
    yield Caller("token of another client", where, lacking, _of_another_client(side, name, app, tenant))


def _scoped_holders(label: str, role: str, app: str, action: str) -> Iterator[Caller]:
    """Yield one person whose role has the action, with tokens limited to all other actions, and to none."""
    limited = _holder(label, role, app, scopes=ALL_ACTIONS - {action})
    yield Caller(f"{label}, token for all other actions", "nobody", INSUFFICIENT_SCOPE, limited)

    async def credentials(stage: Stage, world: World) -> Headers:
        return _authorization(await stage.token_of_another_client(world.holders[label][role], app, None))

    yield Caller(f"{label}, token of another client", "nobody", INSUFFICIENT_SCOPE, credentials)


def _keys(app: str, action: str) -> Iterator[Caller]:
    given = None if takes_keys(app) and action in ALL_KEY_ACTIONS else _key_refused(app)
    yield Caller("key of A", "a", given, _key("a", "key"))
    yield Caller("key of B without the action", "b", _key_refused(app), _key("b", "lacking"))
    yield Caller("expired key of B", "b", UNAUTHENTICATED, _key("b", "expired"))
    yield Caller("revoked key of B", "b", UNAUTHENTICATED, _key("b", "revoked"))


def _key_refused(app: str) -> Refusal:
    """Return the refusal for a valid key that lacks the action; an app without API keys accepts no key."""
    return FORBIDDEN if takes_keys(app) else UNAUTHENTICATED


def _machines(app: str, action: str) -> Iterator[Caller]:
    given = None if takes_clients(app) and action in ALL_KEY_ACTIONS else _machine_refused(app)
    yield Caller("client of A", "a", given, _machine("a", app))
    yield Caller("client of A for B", "b", UNAUTHENTICATED, _machine("a", app, "b"))
    yield Caller("revoked client of B", "b", UNAUTHENTICATED, _machine("b", app, purpose="revoked_machine"))


def _machine_refused(app: str) -> Refusal:
    """Return the refusal for a token of a client that lacks the action, or that an app without clients gets."""
    return FORBIDDEN if takes_clients(app) else UNAUTHENTICATED


async def _nothing(_stage: Stage, _world: World) -> Headers:
    return ()


def _tenant_of(world: World, side: str | None) -> AttackTenant | None:
    tenants: Mapping[str | None, AttackTenant] = {"a": world.a, "b": world.b, "c": world.c}
    return tenants.get(side)


def _bearer(
    side: str,
    name: str,
    app: str,
    *,
    tenant: str | None = "",
    session: str = "session",
    scopes: frozenset[str] | None = None,
) -> Credentials:
    """Return a token of one of a tenant's people, for that tenant unless ``tenant`` names another or None."""

    async def credentials(stage: Stage, world: World) -> Headers:
        home = _tenant_of(world, side)
        if home is None:
            raise LookupError(side)
        bound = home if tenant == "" else _tenant_of(world, tenant)
        token = await stage.token(world, home.people[name], app, bound, session=session, scopes=scopes)
        return _authorization(token)

    return credentials


def _foreign_token(app: str) -> Credentials:
    """Return a token for B of a person who was never a member, which only a faulty issuer would make."""
    return _bearer("a", "owner", app, tenant="b")


def _of_both(name: str, app: str, side: str) -> Credentials:
    async def credentials(stage: Stage, world: World) -> Headers:
        return _authorization(await stage.token(world, world.both[name], app, _tenant_of(world, side)))

    return credentials


def _of_another_client(side: str, name: str, app: str, tenant: str | None) -> Credentials:
    async def credentials(stage: Stage, world: World) -> Headers:
        person = _person(_tenant_of(world, side), name)
        return _authorization(await stage.token_of_another_client(person, app, _tenant_of(world, tenant)))

    return credentials


def _holder(
    label: str, role: str, app: str, session: str = "session", *, scopes: frozenset[str] | None = None
) -> Credentials:
    """Return a token for the app, of a person with this role outside tenants."""

    async def credentials(stage: Stage, world: World) -> Headers:
        person = world.holders[label][role]
        return _authorization(await stage.token(world, person, app, None, session=session, scopes=scopes))

    return credentials


def _tenantless(side: str, app: str) -> Credentials:
    return _bearer(side, "owner", app, tenant=None)


def _expired(side: str, name: str, app: str, tenant: str | None) -> Credentials:
    async def credentials(stage: Stage, world: World) -> Headers:
        home = _tenant_of(world, side)
        return _authorization(await stage.expired_token(_person(home, name), app, _tenant_of(world, tenant)))

    return credentials


def _expired_holder(label: str, role: str, app: str) -> Credentials:
    async def credentials(stage: Stage, world: World) -> Headers:
        return _authorization(await stage.expired_token(world.holders[label][role], app, None))

    return credentials


def _person(tenant: AttackTenant | None, name: str) -> Person:
    if tenant is None:
        raise LookupError(name)
    return tenant.people[name]


def _key(side: str, purpose: str) -> Credentials:
    async def credentials(_stage: Stage, world: World) -> Headers:
        tenant = world.a if side == "a" else world.b
        return (("x-api-key", tenant.keys[purpose].text),)

    return credentials


def _machine(side: str, app: str, tenant: str = "", purpose: str = "machine") -> Credentials:
    """Return a token of a tenant's OAuth client for itself, in its own tenant unless another is named."""

    async def credentials(stage: Stage, world: World) -> Headers:
        home, bound = _tenant_of(world, side), _tenant_of(world, tenant or side)
        if home is None or bound is None:
            raise LookupError(side)
        return _authorization(await stage.machine_token(getattr(home, purpose), app, bound))

    return credentials


def _authorization(token: str) -> Headers:
    return (("authorization", f"Bearer {token}"),)
