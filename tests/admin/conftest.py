from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest

from billing.database import BILLING
from insula.asgi import create_app
from insula.db.pools import Database
from insula.db.roles import WORKER
from insula.settings import Settings
from tests.admin.overrides.support import Granted
from tests.admin.support import Caller
from tests.support.app import Live, SignIn
from tests.support.factories import Factories, TenantRow, UserRow
from tests.support.provider import Readback

Hire = Callable[[str], Awaitable[Caller]]


@pytest.fixture
def hire(client: httpx.AsyncClient, make: Factories, sign_in: SignIn) -> Hire:
    """Make somebody of the staff, signed in to the admin app."""

    async def hired(role: str) -> Caller:
        user = await make.staff(role)
        return Caller(client, user, await sign_in(user, None, "admin"))

    return hired


@pytest.fixture
async def other_process(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Start the app a second time, with caches and a listener of its own."""
    app = create_app(settings)
    async with AsyncExitStack() as stack:
        state = await stack.enter_async_context(app.router.lifespan_context(app))
        assert state is not None
        transport = httpx.ASGITransport(Live(app, state["kernel"]), raise_app_exceptions=False)
        yield await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=settings.public_url))


@pytest.fixture
def granted(readback: Readback) -> Granted:
    """Read what a tenant is granted, by key."""

    async def run(tenant: TenantRow) -> dict[str, object]:
        rows = await readback("select key, value from entitlement where tenant_id = :id", id=tenant.id)
        return {str(row["key"]): row["value"] for row in rows}

    return run


@pytest.fixture
async def worker(settings: Settings) -> AsyncIterator[Database]:
    """Open the pools that a worker has."""
    database = await Database.open(settings, (WORKER, BILLING))
    yield database
    await database.close()


@pytest.fixture
async def superuser(hire: Hire) -> Caller:
    return await hire("superuser")


@pytest.fixture
async def user(make: Factories) -> UserRow:
    return await make.user()
