"""The authorization code flow by HTTP alone: a client, and a browser whose user signs in and agrees."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from re import search
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from tests.support.app import PASSWORD
from tests.support.browsers import Browser, token_in
from tests.support.factories import MadeClient

CALLBACK: Final = "https://client.example.com/callback"
TOKEN: Final = "/auth/token"  # a path


@dataclass(frozen=True)
class Flow:
    """One client's flow for one app. ``verifier`` is the client's own."""

    browser: Browser
    client: MadeClient
    resource: str
    redirect_uri: str = CALLBACK
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def query(self, **changes: str | None) -> str:
        """Return the query of a valid authorize request, with changes; None leaves a parameter out."""
        wanted: dict[str, str | None] = {
            "response_type": "code",
            "client_id": str(self.client.id),
            "redirect_uri": self.redirect_uri,
            "resource": self.resource,
            "state": "as-it-was sent/%",
            "code_challenge": create_s256_code_challenge(self.verifier),
            "code_challenge_method": "S256",
            **changes,
        }
        return urlencode({name: value for name, value in wanted.items() if value is not None})

    async def authorize(self, **changes: str | None) -> httpx.Response:
        """Ask, without following a redirect."""
        return await self.browser.open(f"/auth/authorize?{self.query(**changes)}")

    async def sign_in(self, answer: httpx.Response, email: str, password: str = PASSWORD) -> httpx.Response:
        """Follow a redirect to the sign-in page, sign in, and return what the request answers then."""
        page = await self.browser.open(answer.headers["location"])
        sent = await self.browser.send(action_in(page), token=token_in(page), email=email, password=password)
        assert sent.status_code == 303, sent.text
        return await self.browser.open(sent.headers["location"])

    async def decide(self, page: httpx.Response, answer: str = "allow") -> httpx.Response:
        """Answer the question for consent."""
        return await self.browser.send(action_in(page), token=token_in(page), answer=answer)

    async def code(self, **changes: str | None) -> str:
        """Return a code for a user who is signed in and has agreed."""
        return parameters_of(await self.authorize(**changes))["code"]

    async def exchange(self, http: httpx.AsyncClient, code: str, /, **changes: str) -> httpx.Response:
        """Exchange a code for tokens."""
        given = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        return await self.ask(http, given | {"code_verifier": self.verifier} | changes)

    async def refresh(self, http: httpx.AsyncClient, refresh_token: str, /, **changes: str) -> httpx.Response:
        """Exchange a refresh token."""
        return await self.ask(http, {"grant_type": "refresh_token", "refresh_token": refresh_token, **changes})

    async def ask(self, http: httpx.AsyncClient, parameters: Mapping[str, str]) -> httpx.Response:
        """Send a request to the token endpoint, with the client's authentication."""
        if self.client.secret is None:
            return await http.post(TOKEN, data={"client_id": str(self.client.id), **parameters})
        return await http.post(TOKEN, data=dict(parameters), auth=(str(self.client.id), self.client.secret))


def parameters_of(answer: httpx.Response, redirect_uri: str = CALLBACK) -> dict[str, str]:
    """Return the parameters with which an answer leads back to the client."""
    assert answer.status_code == 303, answer.text
    location = answer.headers["location"]
    assert location.startswith(redirect_uri), location
    return dict(parse_qsl(urlsplit(location).query, strict_parsing=True))


def action_in(page: httpx.Response) -> str:
    """Return the address to which the page's form is sent."""
    found = search(r'<form method="post" action="([^"]+)"', page.text)
    assert found is not None, page.text
    return unescape(found[1])
