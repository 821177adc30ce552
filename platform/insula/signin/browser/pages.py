"""Renders the sign-in pages in the visitor's language."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from fastapi import Request, Response
from starlette.responses import RedirectResponse

from insula.core.errors import NotFound
from insula.core.ids import TenantId
from insula.http.kernel import kernel_of
from insula.http.request.headers import tenant_hints
from insula.identity.oauth.front import FORM
from insula.pages.site import html_page
from insula.signin.browser.languages import texts_for
from insula.signin.browser.texts import Texts

SIGN_IN: Final = "/auth/sign-in"
TENANT: Final = "/auth/tenant"
SESSION: Final = "/auth/session"
SIGN_OUT: Final = "/auth/sign-out"
SIGNED_OUT: Final = "/auth/signed-out"
AUTHORIZE: Final = "/auth/authorize"
CONSENT: Final = "/auth/consent"
END_SESSION: Final = "/auth/end-session"

_LONGEST_QUERY: Final = 8_192

POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""The content security policy: no scripts at all, and forms only to this origin."""


@dataclass(frozen=True, slots=True)
class HostTenant:
    """The tenant whose host name the visitor opened."""

    id: TenantId
    name: str


async def host_tenant(request: Request) -> HostTenant | None:
    """Return the tenant of the host name; None at the product's own. Raises NotFound for a name without a tenant."""
    kernel = kernel_of(request)
    host = tenant_hints(request, kernel.settings).host
    if host is None:
        return None
    tenant_id = await kernel.directory.tenant_for_host(host)
    name = None if tenant_id is None else await kernel.directory.tenant_name(tenant_id)
    if tenant_id is None or name is None:
        raise NotFound
    return HostTenant(tenant_id, name)


def texts_of(request: Request) -> Texts:
    """Return the texts in the visitor's language."""
    return texts_for(",".join(request.headers.getlist("accept-language")))


def page(
    request: Request, template: str, title: str, *, status: int = 200, leads_to: str | None = None, **values: object
) -> Response:
    """Return a page in the visitor's language.

    ``leads_to`` is the origin of a validated redirect URI, to which the page's form may lead: browsers apply
    ``form-action`` also to redirects.
    """
    texts = texts_of(request)
    policy = POLICY if leads_to is None else POLICY.replace("form-action 'self'", f"form-action 'self' {leads_to}")
    shown = html_page(
        request, f"auth/{template}.html", policy=policy, status=status, title=title, texts=texts, **values
    )
    shown.headers.update({"Content-Language": texts.language, "Vary": "Accept-Language, Cookie"})
    return shown


def see(path: str) -> Response:
    """Lead the browser to another page, by GET."""
    return RedirectResponse(path, 303)


async def see_posted(request: Request, path: str) -> Response:
    """Take the request that a client's page has posted to ``path``: the browser asks again by GET, with its cookies."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if media_type != FORM or len(body) > _LONGEST_QUERY or not body.isascii() or request.scope["query_string"]:
        return unknown_client(request)
    return see(f"{path}?{body.decode('ascii')}")


def unknown_client(request: Request) -> Response:
    """Show that the request came from no client that is known: nobody is led anywhere."""
    texts = texts_of(request)
    return page(request, "refused", texts.failed, status=HTTPStatus.BAD_REQUEST, text=texts.unknown_client)
