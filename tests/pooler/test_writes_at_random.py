"""Fault 9 behind a transaction pooler: writes of all tenants, failed and cancelled ones too, share one connection."""

import pytest

from insula.db.engine.pools import Database
from tenants.database import TENANTS
from tests.support.backends import Readback
from tests.support.factories import Factories
from tests.support.random_writes import check_writes, write_at_random
from tests.support.sql import rows

pytestmark = pytest.mark.pooler


async def test_writes_of_cancelled_and_failed_units_leave_rows_and_counters_exact(
    pooled_database: Database, make: Factories, readback: Readback
) -> None:
    tenants = [await make.tenant(entitlements={"racks": 100_000}) for _ in range(3)]
    names = await write_at_random(pooled_database, tenants, 40, 3)
    assert (len(names.kept) > 100, len(names.undone) > 50) == (True, True)
    await check_writes(readback, tenants, names)
    async with pooled_database.unit(TENANTS) as unit:
        assert await rows(unit, "SELECT name FROM rack") == []
