"""The page that the link in an invitation leads to.

The token is in the fragment, which the browser does not send, and is used only on a click: a program that opens the
links of an email before its reader does uses up no token.
"""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from insula.http.kernel import kernel_of
from insula.http.routing.route import PublicRoute
from insula.pages.site import html_page
from tenants.emails import LIFETIME

STATIC: Final = Path(__file__).parent / "static"

router = APIRouter(route_class=PublicRoute, include_in_schema=False)


@router.get("/invitations/accept")
async def accept_page(request: Request) -> HTMLResponse:
    """Show a form that signs in, accepts, and signs out again."""
    return html_page(
        request,
        "accept.html",
        "tenants.invitations",
        title="Accept the invitation",
        action="/api/v1/invitations/accept",
        days=LIFETIME.days,
        resource=kernel_of(request).apps["tenants"].audience,
    )
