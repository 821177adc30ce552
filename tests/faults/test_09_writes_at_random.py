"""Fault 9: units that write, fail and are cancelled at random share a few connections: no tenant is left on one."""

import pytest

from insula.core.settings import Settings
from insula.db.engine.pools import Database
from tenants.database import TENANTS
from tests.support.backends import Readback
from tests.support.factories import Factories
from tests.support.random_writes import check_writes, write_at_random

LEFT = "SELECT current_setting('app.tenant_id', true) || current_setting('app.usage', true)"


@pytest.mark.parametrize("seed", [1, 2])
async def test_writes_of_cancelled_and_failed_units_leave_rows_and_counters_exact(
    make: Factories, settings: Settings, readback: Readback, seed: int
) -> None:
    tenants = [await make.tenant(entitlements={"racks": 100_000}) for _ in range(3)]
    few = settings.database.model_copy(update={"budget": 8})
    database = await Database.open(settings.model_copy(update={"database": few}), [TENANTS])
    names = await write_at_random(database, tenants, 60, seed)
    assert (len(names.kept) > 200, len(names.undone) > 100) == (True, True)
    await check_writes(readback, tenants, names)
    pool = database.engine(TENANTS)
    connections = [await pool.connect() for _ in range(7)]
    assert [(await one.exec_driver_sql(LEFT)).scalar_one() or "" for one in connections] == [""] * 7
    for one in connections:
        await one.close()
    await database.close()
