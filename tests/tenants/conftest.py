from collections.abc import Awaitable, Callable, Iterator

import asyncpg
import httpx
import pytest
from sqlalchemy import event

from insula.db.engine.connection import TenantConnection
from tenants.database import TENANTS
from tests.support.app import Live, SignIn
from tests.support.factories import Factories, TenantRow
from tests.tenants.roles.support import BASIC
from tests.tenants.support import Caller, Readback, joined, membership_of

Join = Callable[..., Awaitable[Caller]]
Hire = Callable[..., Awaitable[Caller]]
PlaceOf = Callable[[Caller], Awaitable[str]]


@pytest.fixture
async def tenant(make: Factories) -> TenantRow:
    return await make.tenant(plan="pro")


@pytest.fixture
def join(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Join:
    """Sign in a new member of a tenant."""

    async def run(tenant: TenantRow, role: str = "member") -> Caller:
        return await joined(client, make, sign_in, tenant, role)

    return run


@pytest.fixture
def hire(make: Factories, join: Join, tenant: TenantRow) -> Hire:
    """Sign in a new member with a custom role that has these permissions."""

    async def run(*permissions: str) -> Caller:
        return await join(tenant, (await make.role(tenant, *permissions, *BASIC)).key)

    return run


@pytest.fixture
async def owner(join: Join, tenant: TenantRow) -> Caller:
    return await join(tenant, "owner")


@pytest.fixture
async def viewer(join: Join, tenant: TenantRow) -> Caller:
    return await join(tenant, "viewer")


@pytest.fixture
async def stranger(join: Join, make: Factories) -> Caller:
    """Sign in the owner of another tenant."""
    return await join(await make.tenant(plan="pro"), "owner")


@pytest.fixture
async def newcomer(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Caller:
    """Sign in a user without a tenant."""
    user = await make.user()
    return Caller(client, user, None, await sign_in(user))


@pytest.fixture
def statements(live: Live, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Record the tenants app's statements, by session or driver, except BEGIN and COMMIT."""
    engine = live.kernel.database.engine(TENANTS).sync_engine
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    async def fetch(connection: TenantConnection, statement: str, *arguments: object) -> object:
        sent.append(statement)
        return await asyncpg.Connection.fetch(connection, statement, *arguments)

    async def executemany(connection: TenantConnection, statement: str, arguments: object) -> None:
        sent.append(statement)
        await asyncpg.Connection.executemany(connection, statement, arguments)

    monkeypatch.setattr(TenantConnection, "fetch", fetch)
    monkeypatch.setattr(TenantConnection, "executemany", executemany)
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


@pytest.fixture
def place_of(readback: Readback) -> PlaceOf:
    """Return the path of the caller's own membership."""

    async def run(caller: Caller) -> str:
        return f"/members/{await membership_of(readback, caller)}"

    return run
