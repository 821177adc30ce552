"""The mailbox page: the emails that a local installation stores instead of sending."""

from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Final

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from insula.core.errors import NotFound
from insula.http.kernel import kernel_of
from insula.http.routing.route import PublicRoute
from insula.mail.mailbox import LINK, Mailbox
from insula.pages.site import Link, html_page

_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_MAIL_POLICY: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

MAILBOX_PAGES: Final = frozenset({"GET /mailbox", "GET /mailbox/{name}", "GET /mailbox/{name}/html"})
"""Its routes, which need no credentials."""

MAILBOX: Final = Link("mailbox", "/mailbox", "Emails that this installation kept instead of sending them.")
"""Its place in the developers' navigation."""

mailbox_router = APIRouter(prefix="/mailbox", route_class=PublicRoute, include_in_schema=False)


@mailbox_router.get("")
async def list_mails(request: Request) -> HTMLResponse:
    """List the emails, the newest first."""
    mailbox = _mailbox(request)
    mails = []
    for name in await anyio.to_thread.run_sync(mailbox.names):
        message = await anyio.to_thread.run_sync(mailbox.read, name)
        if message is not None:
            mails.append({"name": name, "to": message["To"], "subject": message["Subject"], "sent": _moment(message)})
    return html_page(request, "mailbox.html", policy=_POLICY, title="Mailbox", mails=mails)


@mailbox_router.get("/{name}")
async def read_mail(request: Request, name: str) -> HTMLResponse:
    """Show an email's text with clickable links."""
    message = await anyio.to_thread.run_sync(_mailbox(request).read, name)
    body = None if message is None else message.get_body(("plain",))
    if message is None or body is None:
        raise NotFound
    return html_page(
        request,
        "mail.html",
        policy=_POLICY,
        title=message["Subject"],
        name_of_mail=name,
        sender=message["From"],
        to=message["To"],
        sent=_moment(message),
        parts=LINK.split(body.get_content()),
    )


@mailbox_router.get("/{name}/html")
async def read_page(request: Request, name: str) -> HTMLResponse:
    """Show the email as an email program would, without scripts and external content."""
    message = await anyio.to_thread.run_sync(_mailbox(request).read, name)
    body = None if message is None else message.get_body(("html",))
    if body is None:
        raise NotFound
    return HTMLResponse(body.get_content(), headers={"Content-Security-Policy": _MAIL_POLICY})


def _moment(message: EmailMessage) -> str:
    """Return the time of the message in UTC, as text for people."""
    sent = parsedate_to_datetime(str(message["Date"]))
    return f"{sent:%d %b %Y, %H:%M:%S} UTC"


def _mailbox(request: Request) -> Mailbox:
    settings = kernel_of(request).settings
    if settings.environment != "local":
        raise NotFound
    return Mailbox(settings.data_dir)
