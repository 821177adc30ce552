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
    return html_page(
        request,
        "account.html",
        title="Confirm your address",
        purpose="Enter the password that you registered with. Another one replaces it.",
        action="/auth/verify",
        field="password",
        label="Password",
        autocomplete="current-password",
        done="Your address is confirmed",
        next="You can sign in now, with your address and this password.",
        lifetime="24 hours",
        again="/account/resend",
        shortest=SHORTEST_PASSWORD,
        longest=LONGEST_PASSWORD,
    )


@account_pages.get("/account/reset")
async def reset_page(request: Request) -> HTMLResponse:
    """Show a form that sets a new password."""
    return html_page(
        request,
        "account.html",
        title="Set a new password",
        purpose="It replaces your password and signs you out everywhere.",
        action="/auth/password/reset/confirm",
        field="new_password",
        label="New password",
        autocomplete="new-password",
        done="Your password is set",
        next="Sign in with your new password. Every other session has ended.",
        lifetime="an hour",
        again="/account/forgot",
        shortest=SHORTEST_PASSWORD,
        longest=LONGEST_PASSWORD,
    )
