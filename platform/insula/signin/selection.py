"""What a session is opened for: one app and at most one tenant, chosen among the user's own."""

from collections.abc import Mapping
from dataclasses import dataclass

from insula.callers import NamedTenants
from insula.core.ids import TenantId, UserId
from insula.http.app_context import AppContext
from insula.http.kernel import Kernel
from insula.http.request.headers import TenantHints
from insula.signin.errors import ResourceUnknown
from insula.tenancy import Directory, TenantRecord


@dataclass(frozen=True, slots=True)
class Wish:
    """What the request asks for. The hints of host and headers select, like ``tenant``; none of them grants."""

    app: AppContext
    tenant: str | None
    hints: TenantHints


def app_of(apps: Mapping[str, AppContext], resource: str) -> AppContext:
    """Return the app whose exact URI ``resource`` is. Raises ResourceUnknown, also for one that takes no tokens."""
    for app in apps.values():
        if app.audience == resource and app.callers.signed_in:
            return app
    raise ResourceUnknown


async def choose(kernel: Kernel, user_id: UserId, wish: Wish) -> TenantRecord | None:
    """Return the tenant that the token is to be bound to, or None for a token without a tenant.

    The callers of the app decide. Raises one of the errors that they declare for users who get no token.
    """
    named = await _named(kernel.directory, wish)
    return await wish.app.callers.sign_in(user_id, named, kernel, wish.app.role)


async def _named(directory: Directory, wish: Wish) -> NamedTenants:
    """Return every tenant that the request names; None among them for a name that is no tenant's."""
    names: set[TenantId | None] = set()
    if wish.tenant is not None:
        names.add(await directory.tenant_for_hint(wish.tenant))
    if wish.hints.named is not None:
        names.add(await directory.tenant_for_hint(wish.hints.named))
    if wish.hints.host is not None:
        names.add(await directory.tenant_for_host(wish.hints.host))
    return frozenset(names)
