from collections.abc import AsyncIterator

import httpx
import pytest

from billing.database import BILLING
from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import WORKER
from tests.billing.overrides.support import Granted
from tests.support.apps import DECLARED
from tests.support.factories import TenantRow
from tests.support.provider import Provider, Readback, first_secret


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """Open the pools of a web process, without the app."""
    database = await Database.open(settings, DECLARED.web_roles)
    yield database
    await database.close()


@pytest.fixture
async def worker(settings: Settings) -> AsyncIterator[Database]:
    """Open the pools of a worker."""
    database = await Database.open(settings, (WORKER, BILLING))
    yield database
    await database.close()


@pytest.fixture
def provider(client: httpx.AsyncClient, settings: Settings) -> Provider:
    return Provider(client, first_secret(settings))


@pytest.fixture
def granted(readback: Readback) -> Granted:
    """Read a tenant's entitlements by key."""

    async def run(tenant: TenantRow) -> dict[str, object]:
        rows = await readback("select key, value from entitlement where tenant_id = :id", id=tenant.id)
        return {str(row["key"]): row["value"] for row in rows}

    return run
