"""Visitors who sign in, each from its own client address, since attempts are limited by address."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import httpx
from starlette.types import ASGIApp

from insula.core.settings import Settings
from tests.support.app import PASSWORD, AppName
from tests.support.apps import audience


def new_address() -> str:
    """Return an address in a network without other visitors."""
    return f"2001:db8:{secrets.randbelow(65536):x}:{secrets.randbelow(65536):x}::1"


@dataclass(frozen=True)
class Visitor:
    """A browser at one address."""

    client: httpx.AsyncClient
    settings: Settings
    app: ASGIApp
    address: str

    def elsewhere(self) -> AbstractAsyncContextManager["Visitor"]:
        """Return a visitor of the same app at another address."""
        return visitor_at(self.app, self.settings)

    async def login(
        self,
        email: str,
        app: AppName = "tenants",
        tenant: str | None = None,
        password: str = PASSWORD,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        body = {"email": email, "password": password, **self._target(app, tenant)}
        return await self.client.post("/auth/login", json=body, headers=headers)

    async def refresh(self, token: str, app: AppName = "tenants", tenant: str | None = None) -> httpx.Response:
        return await self.client.post("/auth/refresh", json={"refresh_token": token, **self._target(app, tenant)})

    async def logout(self, token: str) -> httpx.Response:
        return await self.client.post("/auth/logout", json={"refresh_token": token})

    async def get(self, path: str, token: str) -> httpx.Response:
        return await self.client.get(path, headers={"Authorization": f"Bearer {token}"})

    def _target(self, app: AppName, tenant: str | None) -> dict[str, str]:
        return {"resource": audience(self.settings, app), **({"tenant": tenant} if tenant is not None else {})}


@asynccontextmanager
async def visitor_at(app: ASGIApp, settings: Settings, address: str | None = None) -> AsyncIterator[Visitor]:
    """Yield a visitor of ``app`` at ``address``, or at a new one."""
    address = address or new_address()
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        yield Visitor(client, settings, app, address)


def problem(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def shape(response: httpx.Response) -> tuple[int, dict[str, object]]:
    """Return the parts of a response that do not differ between requests."""
    return response.status_code, {name: value for name, value in response.json().items() if name != "instance"}
