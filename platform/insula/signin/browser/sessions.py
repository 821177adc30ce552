"""The session of the browser that sends a request, and the tenants that its user can choose."""

from collections.abc import Sequence

from fastapi import Request

from insula.core.ids import UserId
from insula.db.models import ACTIVE
from insula.http.kernel import kernel_of
from insula.identity import BrowserSession
from insula.signin.browser.cookies import Cookie
from insula.signin.browser.pages import HostTenant
from insula.tenancy import TenantRecord


async def session_of(request: Request) -> BrowserSession | None:
    """Return the browser's session. The cookie of an ended one stays: another tab may be getting a new one just now."""
    secret = Cookie.SESSION.read(request)
    return None if secret is None else await kernel_of(request).browser_sessions.find(secret)


async def choices_of(request: Request, user_id: UserId, host: HostTenant | None) -> Sequence[TenantRecord]:
    """Return the active tenants of the user; at the host name of a tenant, that one at most."""
    memberships = await kernel_of(request).directory.memberships(user_id)
    return [tenant for tenant, _ in memberships if tenant.status == ACTIVE and (host is None or tenant.id == host.id)]
