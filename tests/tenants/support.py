"""Callers of the tenants app, and their frequent calls."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.app import SignIn
from tests.support.factories import Factories, TenantRow, UserRow

API = "/api/v1"
Readback = Callable[..., Awaitable[list[dict[str, object]]]]
ROLES = ("owner", "admin", "member", "viewer", "billing_manager")
WRITERS = {"owner", "admin", "member"}
READERS = WRITERS | {"viewer"}


@dataclass(frozen=True)
class Caller:
    """A client that is signed in to the tenants app, in one tenant or in none."""

    client: httpx.AsyncClient
    user: UserRow
    tenant: TenantRow | None
    token: Mapping[str, str]

    @property
    def home(self) -> TenantRow:
        assert self.tenant is not None, "signed in to no tenant"
        return self.tenant

    async def send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **rest: Any
    ) -> httpx.Response:
        return await self.client.request(method, API + path, headers={**self.token, **(headers or {})}, **rest)

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.send("GET", path, params=params)

    async def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        return await self.send("POST", path, json=body, headers=_fields(headers))

    async def patch(self, path: str, body: object, **headers: str) -> httpx.Response:
        return await self.send("PATCH", path, json=body, headers=_fields(headers))

    async def delete(self, path: str, **headers: str) -> httpx.Response:
        return await self.send("DELETE", path, headers=_fields(headers))

    async def rack(self, name: str = "Website", **more: object) -> str:
        """Create a rack of the probe and return its path."""
        return await self.made("/racks", {"name": name, **more})

    async def book(self, rack: str, title: str = "Front page", **more: object) -> str:
        """Create a book of the probe and return its path."""
        return await self.made(f"{rack}/books", {"title": title, **more})

    async def walk(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """Follow a list's cursors to its end, and check that every page but the last is full."""
        found: list[dict[str, Any]] = []
        while True:
            answer = await self.get(path, **params)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            assert len(page["items"]) == params["limit"]
            params = {**params, "cursor": page["next_cursor"]}

    async def made(self, path: str, body: object) -> str:
        """Create a row in the collection at ``path``, and return its own path."""
        answer = await self.post(path, body)
        assert answer.status_code == 201, answer.text
        return f"{path}/{answer.json()['id']}"


async def joined(
    client: httpx.AsyncClient,
    make: Factories,
    sign_in: SignIn,
    tenant: TenantRow,
    role: str = "owner",
    user: UserRow | None = None,
) -> Caller:
    """Sign in a new member of ``tenant``, or make ``user`` a member and sign them in."""
    user = await make.member(tenant, role=role, user=user)
    return Caller(client, user, tenant, await sign_in(user, tenant))


async def membership_of(readback: Readback, caller: Caller) -> str:
    """Return the id of a caller's membership in their only tenant."""
    [row] = await readback("select id from membership where user_id = :id", id=caller.user.id)
    return str(row["id"])


def _fields(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def code_of(answer: httpx.Response) -> tuple[int, str]:
    """Return an error's status and code."""
    return answer.status_code, answer.json()["code"]


def sameness(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    """Return the parts that must be equal in two indistinguishable answers."""
    return answer.status_code, {**answer.json(), "instance": None}
