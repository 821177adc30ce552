"""Staff who call the admin app."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from tests.support.factories import UserRow

API = "/admin/v1"


@dataclass(frozen=True)
class Caller:
    """Somebody signed in to the admin app."""

    client: httpx.AsyncClient
    user: UserRow
    token: Mapping[str, str]

    async def get(self, path: str, **params: str | int) -> httpx.Response:
        return await self.client.get(API + path, params=params, headers=self.token)

    async def post(self, path: str, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(API + path, headers={**self.token, **named})

    async def send(self, method: str, path: str, body: Mapping[str, object] | None = None) -> httpx.Response:
        """Call with a JSON body, or with none."""
        return await self.client.request(method, API + path, json=body, headers=self.token)


def code_of(answer: httpx.Response) -> tuple[int, str]:
    """Return status and problem code."""
    code: str = answer.json()["code"]
    return answer.status_code, code
