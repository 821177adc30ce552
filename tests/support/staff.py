"""Staff who call the admin app, and the effects in another process and in the database."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

import asyncpg
import httpx
import pytest
from sqlalchemy import event

from admin.database import ADMIN
from insula.asgi import create_app
from insula.core.settings import Settings
from insula.db.engine.connection import TenantConnection
from tests.support.app import Live, SignIn
from tests.support.factories import Factories, UserRow

API = "/admin/v1"


@dataclass(frozen=True)
class Caller:
    """A user signed in to the admin app."""

    client: httpx.AsyncClient
    user: UserRow
    token: Mapping[str, str]

    async def get(self, path: str, **params: str | int) -> httpx.Response:
        return await self.client.get(API + path, params=params, headers=self.token)

    async def post(self, path: str, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(API + path, headers={**self.token, **named})

    async def send(self, method: str, path: str, body: Mapping[str, object] | None = None) -> httpx.Response:
        """Send a request with or without a JSON body."""
        return await self.client.request(method, API + path, json=body, headers=self.token)


Hire = Callable[[str], Awaitable[Caller]]


def code_of(answer: httpx.Response) -> tuple[int, str]:
    """Return status and problem code."""
    code: str = answer.json()["code"]
    return answer.status_code, code


@pytest.fixture
def hire(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Hire:
    """Return a function that creates a staff user, signed in to the admin app."""

    async def hired(role: str) -> Caller:
        user = await make.staff(role)
        return Caller(client, user, await sign_in(user, None, "admin"))

    return hired


@pytest.fixture
async def superuser(hire: Hire) -> Caller:
    return await hire("superuser")


@pytest.fixture
async def other_process(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Start the app a second time, with its own caches and listener."""
    app = create_app(settings)
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(app.router.lifespan_context(app))
        assert state is not None
        transport = httpx.ASGITransport(Live(app, state["kernel"]), raise_app_exceptions=False)
        yield await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=settings.public_url))


@pytest.fixture
def statements(live: Live, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Record each statement of the admin role, by session or driver, in order, except BEGIN and COMMIT."""
    engine = live.kernel.database.engine(ADMIN).sync_engine
    noted: list[str] = []

    def note(*arguments: object) -> None:
        noted.append(str(arguments[2]))

    async def fetch(connection: TenantConnection, statement: str, *arguments: object) -> object:
        noted.append(statement)
        return await asyncpg.Connection.fetch(connection, statement, *arguments)

    monkeypatch.setattr(TenantConnection, "fetch", fetch)
    event.listen(engine, "before_cursor_execute", note)
    yield noted
    event.remove(engine, "before_cursor_execute", note)
