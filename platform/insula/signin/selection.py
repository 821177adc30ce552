"""Selects what a session is for: one app and at most one of the user's tenants."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from insula.callers import NamedTenants
from insula.core.errors import AppError
from insula.core.ids import TenantId, UserId
from insula.http.app_context import AppContext
from insula.http.kernel import Kernel
from insula.http.request.headers import TenantHints
from insula.signin.errors import ResourceUnknown
from insula.tenancy import Directory, TenantRecord


class NotAdmitted(Exception):
    """The user may not sign in to the app and the tenant. Never leaves the authorization server."""


@dataclass(frozen=True, slots=True)
class SignInTarget:
    """The app and tenant that a request names. Naming a tenant gives no access to it."""

    app: AppContext
    tenant: str | None
    hints: TenantHints


def app_of(apps: Mapping[str, AppContext], resource: str) -> AppContext:
    """Return the app with the URI ``resource``. Raises ResourceUnknown, also for an app that accepts no tokens."""
    for app in apps.values():
        if app.audience == resource and app.callers.signed_in:
            return app
    raise ResourceUnknown


async def choose(kernel: Kernel, user_id: UserId, target: SignInTarget) -> TenantRecord | None:
    """Return the tenant for the token, or None for a token without a tenant.

    The app's kinds of callers decide. Raises one of the errors that they declare for refused users.
    """
    named = await _named(kernel.directory, target)
    return await target.app.callers.sign_in(user_id, named, kernel, target.app.role)


async def admitted(kernel: Kernel, user_id: UserId, app: AppContext, named: NamedTenants) -> TenantRecord | None:
    """Return the tenant for a token that an OAuth client gets, or None for a token without a tenant.

    Raises NotAdmitted if the app refuses the user, for whatever reason: the client learns none.
    """
    try:
        return await app.callers.sign_in(user_id, named, kernel, app.role)
    except AppError as error:
        if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        raise NotAdmitted from error


async def _named(directory: Directory, target: SignInTarget) -> NamedTenants:
    """Return every tenant that the request names; None in the set stands for an unknown name."""
    names: set[TenantId | None] = set()
    if target.tenant is not None:
        names.add(await directory.tenant_for_name(target.tenant))
    if target.hints.named is not None:
        names.add(await directory.tenant_for_name(target.hints.named))
    if target.hints.host is not None:
        names.add(await directory.tenant_for_host(target.hints.host))
    return frozenset(names)
