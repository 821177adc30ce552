"""The support desk and sign-in in one installation, on this worker's database with the desk's own table."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from insula.access import Policy
from insula.callers import Members, Staff, roles_of
from insula.core.settings import Settings
from insula.http.app_context import AppContext
from insula.http.kernel import Kernel
from insula.http.responses.handlers import install_handlers
from insula.signin import auth_router
from tests.callers import desk
from tests.support.app import PASSWORD, Live
from tests.support.factories import Factories, UserRow
from tests.support.states import with_state
from tests.support.visitors import new_address

Readback = Callable[..., Awaitable[list[dict[str, object]]]]


@dataclass(frozen=True)
class Desk:
    """A client of the desk's installation; the test changes its table as a superuser."""

    client: httpx.AsyncClient
    context: AppContext
    readback: Readback

    async def sign_in(self, user: UserRow, **more: str) -> httpx.Response:
        """Sign in for the desk."""
        body = {"email": user.email, "password": PASSWORD, "resource": self.context.audience, **more}
        return await self.client.post("/auth/login", json=body)

    async def tickets(self, token: str) -> httpx.Response:
        return await self.client.get("/desk/v1/tickets", headers={"Authorization": f"Bearer {token}"})

    async def create(self, token: str) -> httpx.Response:
        return await self.client.post("/desk/v1/tickets", headers={"Authorization": f"Bearer {token}"})

    async def hire(self, user: UserRow, role: desk.AgentRole) -> None:
        await self.readback("INSERT INTO desk_agent VALUES (:id, :role)", id=user.id, role=role.value)

    async def dismiss(self, user: UserRow) -> None:
        await self.readback("DELETE FROM desk_agent WHERE user_id = :id", id=user.id)


@dataclass(frozen=True)
class _WithKernel:
    app: FastAPI
    kernel: Kernel

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(with_state(scope, state={"kernel": self.kernel}), receive, send)


@pytest.fixture
async def context(settings: Settings) -> AppContext:
    return desk.context_of_desk(settings)


@pytest.fixture
async def agents_table(readback: Readback) -> AsyncIterator[None]:
    await readback('CREATE TABLE desk_agent (user_id uuid PRIMARY KEY REFERENCES "user", role text NOT NULL)')
    await readback(f"GRANT SELECT ON desk_agent TO {desk.ROLE}")
    yield
    await readback("DROP TABLE desk_agent")


@pytest.fixture
async def at_desk(
    live: Live, settings: Settings, context: AppContext, readback: Readback, agents_table: None
) -> AsyncIterator[Desk]:
    del agents_table
    roles = roles_of([Members(), Staff(), *context.callers.declared])
    kernel = replace(live.kernel, apps={"desk": context}, policy=Policy(desk.GRANTS, roles=roles))
    root = FastAPI(openapi_url=None)
    install_handlers(root)
    root.include_router(auth_router(context.callers.errors))
    root.mount("/desk", desk.build(context))
    transport = httpx.ASGITransport(
        _WithKernel(root, kernel), raise_app_exceptions=False, client=(new_address(), 50_000)
    )
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        yield Desk(client, context, readback)


@pytest.fixture
async def user(make: Factories) -> UserRow:
    return await make.user(password=PASSWORD)
