"""The pages that links in mails lead to.

A link's secret is in the fragment, which the browser keeps to itself, and is used by a click alone:
what looks at links before their reader does uses none up.
"""

from typing import Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from insula.app.pages import page
from insula.auth import LONGEST_PASSWORD, SHORTEST_PASSWORD
from insula.http.route import PublicRoute

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

account_pages = APIRouter(prefix="/account", route_class=PublicRoute, include_in_schema=False)


@account_pages.get("/verify")
async def verify_page() -> HTMLResponse:
    """Show a button that verifies the address."""
    return _page("/auth/verify", "Confirm your address", "Your address is confirmed: sign in.", secret_wanted=False)


@account_pages.get("/reset")
async def reset_page() -> HTMLResponse:
    """Show a form that sets a new password."""
    return _page(
        "/auth/password/reset/confirm", "Set a new password", "It is set: sign in with it.", secret_wanted=True
    )


def _page(action: str, title: str, done: str, *, secret_wanted: bool) -> HTMLResponse:
    html = page(
        "account.html",
        title=title,
        name=None,
        kind="home",
        page="docs",
        action=action,
        done=done,
        secret_wanted=secret_wanted,
        shortest=SHORTEST_PASSWORD,
        longest=LONGEST_PASSWORD,
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"})
