"""The pages that links in emails lead to.

A link's secret is in the fragment, which the browser does not send, and only a click on the page uses it. So programs
that fetch links before the reader does, such as mail scanners, use up none.
"""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from insula.http.routing.route import PublicRoute
from insula.identity import LONGEST_PASSWORD, SHORTEST_PASSWORD
from insula.pages.site import html_page

account_pages = APIRouter(route_class=PublicRoute, include_in_schema=False)


@account_pages.get("/account/verify")
async def verify_page(request: Request) -> HTMLResponse:
    """Show a form that verifies the address and asks for the password of the account."""
    return _account(
        request,
        "/auth/verify",
        "Confirm your address",
        "Your address is confirmed: sign in.",
        field="password",
        label="Your password, or a new one",
    )


@account_pages.get("/account/reset")
async def reset_page(request: Request) -> HTMLResponse:
    """Show a form that sets a new password."""
    return _account(
        request,
        "/auth/password/reset/confirm",
        "Set a new password",
        "Your password is set: sign in with it.",
        field="new_password",
        label="New password",
    )


def _account(request: Request, action: str, title: str, done: str, *, field: str, label: str) -> HTMLResponse:
    return html_page(
        request,
        "account.html",
        title=title,
        action=action,
        done=done,
        field=field,
        label=label,
        shortest=SHORTEST_PASSWORD,
        longest=LONGEST_PASSWORD,
    )
