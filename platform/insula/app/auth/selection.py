"""What a session is opened for: one app and at most one tenant, chosen among the user's own."""

from collections.abc import Mapping
from dataclasses import dataclass

from insula.app.auth.errors import ResourceUnknown, StaffOnly, TenantRefused
from insula.errors import TenantRequired, TenantSuspended
from insula.http.app_context import AppContext
from insula.http.headers import TenantHints
from insula.ids import TenantId, UserId
from insula.tenancy import Directory, TenantRecord

_ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the request asks for. The hints of host and headers select, like ``tenant``; none of them grants."""

    app: str
    tenant: str | None
    hints: TenantHints


def app_of(apps: Mapping[str, AppContext], resource: str) -> str:
    """Return the app whose exact URI ``resource`` is. Raises ResourceUnknown."""
    for name, context in apps.items():
        if context.audience == resource:
            return name
    raise ResourceUnknown


async def choose(directory: Directory, user_id: UserId, wish: Wish) -> TenantRecord | None:
    """Return the tenant that the token is to be bound to, or None for a tenantless one.

    All that name a tenant must name the same one, and the user must be its member. A tenant that is
    not there and one that is not the user's are refused alike: TenantRefused. Also raises StaffOnly,
    TenantSuspended, and TenantRequired for billing, which no one uses outside of a tenant.
    """
    names = await _named(directory, wish)
    if wish.app == "admin":
        if names or await directory.staff_role(user_id) is None:
            raise StaffOnly
        return None
    if not names:
        if wish.app == "billing":
            raise TenantRequired
        return None
    return await _own(directory, user_id, names)


async def _own(directory: Directory, user_id: UserId, names: set[TenantId | None]) -> TenantRecord:
    mine = {record.id: record for record, _ in await directory.memberships(user_id)}
    chosen = next(iter(names))
    if len(names) > 1 or chosen is None or chosen not in mine:
        raise TenantRefused
    if mine[chosen].status != _ACTIVE:
        raise TenantSuspended
    return mine[chosen]


async def _named(directory: Directory, wish: Wish) -> set[TenantId | None]:
    """Return every tenant that the request names; None among them for a name that is no tenant's."""
    names: set[TenantId | None] = set()
    if wish.tenant is not None:
        names.add(await directory.tenant_for_hint(wish.tenant))
    if wish.hints.named is not None:
        names.add(await directory.tenant_for_hint(wish.hints.named))
    if wish.hints.host is not None:
        names.add(await directory.tenant_for_host(wish.hints.host))
    return names
