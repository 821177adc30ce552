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
class SignInTarget:
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


async def choose(kernel: Kernel, user_id: UserId, target: SignInTarget) -> TenantRecord | None:
    """Return the tenant that the token is to be bound to, or None for a token without a tenant.

    The callers of the app decide. Raises one of the errors that they declare for users who get no token.
    """
    named = await _named(kernel.directory, target)
    return await target.app.callers.sign_in(user_id, named, kernel, target.app.role)


async def _named(directory: Directory, target: SignInTarget) -> NamedTenants:
    """Return every tenant that the request names; None among them for a name that is no tenant's."""
    names: set[TenantId | None] = set()
    if target.tenant is not None:
        names.add(await directory.tenant_for_name(target.tenant))
    if target.hints.named is not None:
        names.add(await directory.tenant_for_name(target.hints.named))
    if target.hints.host is not None:
        names.add(await directory.tenant_for_host(target.hints.host))
    return frozenset(names)
