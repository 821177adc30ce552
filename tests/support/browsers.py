"""Browsers that use the sign-in pages by HTTP alone: they keep cookies, and send forms as browsers do."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

import httpx
from starlette.types import ASGIApp

from tests.support.app import PASSWORD
from tests.support.visitors import new_address

OWN_PAGE: Final = MappingProxyType({"sec-fetch-site": "same-origin", "origin": "null"})
"""The headers of a form of a page that sends no referrer."""

_TOKEN: Final = re.compile(r'name="token" value="([\w-]+)"')


def token_in(page: httpx.Response) -> str:
    """Return the token of the page's form."""
    found = _TOKEN.search(page.text)
    assert found is not None, page.text
    return found[1]


@dataclass(frozen=True)
class Browser:
    """A browser at one address, with its cookies."""

    client: httpx.AsyncClient
    headers: Mapping[str, str] = field(default_factory=lambda: OWN_PAGE)

    async def open(self, path: str, **headers: str) -> httpx.Response:
        """Open a page, without following a redirect."""
        return await self.client.get(path, headers={name.replace("_", "-"): text for name, text in headers.items()})

    async def send(self, path: str, /, **fields: str) -> httpx.Response:
        """Send a form with these fields alone."""
        return await self.client.post(path, data=fields, headers=self.headers)

    def sending(self, headers: Mapping[str, str]) -> "Browser":
        """Return the same browser, which sends its forms with other headers."""
        return replace(self, headers=headers)

    async def sign_in(self, email: str, password: str = PASSWORD, **headers: str) -> httpx.Response:
        """Open the sign-in page and send its form."""
        token = token_in(await self.open("/auth/sign-in", **headers))
        return await self.send("/auth/sign-in", token=token, email=email, password=password)

    async def choose(self, slug: str) -> httpx.Response:
        """Open the page with the tenants and choose one."""
        return await self.send("/auth/tenant", token=token_in(await self.open("/auth/tenant")), tenant=slug)

    async def sign_out(self) -> httpx.Response:
        """Open the page of the session and sign out."""
        return await self.send("/auth/sign-out", token=token_in(await self.open("/auth/session")))

    async def is_signed_in(self) -> bool:
        """Return whether the page of the session shows one."""
        return (await self.open("/auth/session")).status_code == 200

    @property
    def secret(self) -> str:
        """The secret in the session's cookie, or an empty text."""
        return next((cookie.value or "" for cookie in self.client.cookies.jar if "session" in cookie.name), "")

    def keep(self, secret: str) -> None:
        """Replace the secret in the session's cookie."""
        for cookie in self.client.cookies.jar:
            if "session" in cookie.name:
                cookie.value = secret


@asynccontextmanager
async def browser_at(app: ASGIApp, origin: str) -> AsyncIterator[Browser]:
    """Yield a new browser at a new address that opens pages of ``origin``."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(new_address(), 50_000))
    async with httpx.AsyncClient(transport=transport, base_url=origin) as client:
        yield Browser(client)
