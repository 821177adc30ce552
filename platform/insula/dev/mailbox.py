"""The mailbox page: the emails that a local installation stores instead of sending."""

from typing import Final

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from insula.core.errors import NotFound
from insula.http.kernel import kernel_of
from insula.http.routing.route import PublicRoute
from insula.mail.mailbox import LINK, Mailbox
from insula.pages.site import site_of

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_MAIL_POLICY: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

MAILBOX_PAGES: Final = frozenset({"GET /mailbox", "GET /mailbox/{name}", "GET /mailbox/{name}/html"})
"""Its routes, which need no credentials."""

mailbox_router = APIRouter(prefix="/mailbox", route_class=PublicRoute, include_in_schema=False)


@mailbox_router.get("")
async def list_mails(request: Request) -> HTMLResponse:
    """List the emails, the newest first."""
    mailbox = _mailbox(request)
    mails = []
    for name in await anyio.to_thread.run_sync(mailbox.names):
        message = await anyio.to_thread.run_sync(mailbox.read, name)
        if message is not None:
            mails.append({"name": name, "to": message["To"], "subject": message["Subject"], "date": message["Date"]})
    return _page(request, "mailbox.html", mails=mails)


@mailbox_router.get("/{name}")
async def read_mail(request: Request, name: str) -> HTMLResponse:
    """Show an email's text with clickable links."""
    message = await anyio.to_thread.run_sync(_mailbox(request).read, name)
    body = None if message is None else message.get_body(("plain",))
    if message is None or body is None:
        raise NotFound
    parts = LINK.split(body.get_content())
    return _page(request, "mail.html", name_of_mail=name, to=message["To"], subject=message["Subject"], parts=parts)


@mailbox_router.get("/{name}/html")
async def read_page(request: Request, name: str) -> HTMLResponse:
    """Show the email as an email program would, without scripts and external content."""
    message = await anyio.to_thread.run_sync(_mailbox(request).read, name)
    body = None if message is None else message.get_body(("html",))
    if body is None:
        raise NotFound
    return HTMLResponse(body.get_content(), headers={"Content-Security-Policy": _MAIL_POLICY})


def _mailbox(request: Request) -> Mailbox:
    settings = kernel_of(request).settings
    if settings.environment != "local":
        raise NotFound
    return Mailbox(settings.data_dir)


def _page(request: Request, template: str, **values: object) -> HTMLResponse:
    html = site_of(request).page(template, title="Mailbox", name=None, kind="mailbox", page="docs", **values)
    return HTMLResponse(html, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"})
