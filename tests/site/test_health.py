"""/readyz names each pool that cannot serve; a busy pool does not make the process unready."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from time import monotonic

import pytest

from insula.core.lag import LagMeter
from insula.core.settings import Settings
from insula.db.engine.pools import Database, shares
from insula.db.engine.roles import GATE, DatabaseRole
from insula.site.health import ReadinessCheck
from tenants.database import TENANTS
from tests.support.app import Live
from tests.support.apps import DECLARED
from tests.support.faulty import Fault, faulty, of_role
from tests.support.waiting import until

BUDGET = 10
LOOK_SECONDS = 3.0


@pytest.fixture
async def impatient(settings: Settings) -> AsyncIterator[Database]:
    quickly = settings.database.model_copy(update={"budget": BUDGET, "pool_timeout": 0.5})
    database = await Database.open(settings.model_copy(update={"database": quickly}), DECLARED.web_roles)
    yield database
    await database.close()


@pytest.mark.parametrize("role", [GATE, TENANTS])
async def test_a_pool_whose_connections_are_all_in_use_is_named_and_degraded(
    live: Live, impatient: Database, role: DatabaseRole
) -> None:
    kernel = replace(live.kernel, database=impatient, lag=LagMeter())

    async def ready() -> bool:
        return (await ReadinessCheck().run(kernel)).status == "ready"

    await until(ready)  # a busy machine may take longer than the pool's timeout to make the first connections
    async with AsyncExitStack() as held:
        size = shares(BUDGET, DECLARED.web_roles)[role]
        taken = [await held.enter_async_context(impatient.engine(role).connect()) for _ in range(size)]
        assert not any(connection.closed for connection in taken)
        found = await ReadinessCheck().run(kernel)

    assert (found.status, found.checks["database"]) == ("degraded", f"busy: {role}")
    await until(ready)


@pytest.mark.parametrize("role", [GATE, TENANTS])
@pytest.mark.parametrize("open_only", [True, False], ids=["open connections", "all connections"])
async def test_a_silent_pool_is_named_by_the_first_check_with_the_default_timeouts(
    live: Live, settings: Settings, role: DatabaseRole, *, open_only: bool
) -> None:
    with faulty(settings.database_url) as proxy:
        through = settings.model_copy(update={"database_url": proxy.url(settings.database_url)})
        database = await Database.open(through, DECLARED.web_roles)
        kernel = replace(live.kernel, database=database, lag=LagMeter())
        assert (await ReadinessCheck().run(kernel)).status == "ready"
        proxy.strike(Fault.SWALLOW, only=of_role(role), open_only=open_only)
        if not open_only:
            await database.engine(role).dispose()
        began = monotonic()
        found = await ReadinessCheck().run(kernel)
        assert monotonic() - began < LOOK_SECONDS + 2
        proxy.heal()
        await database.close()

    assert (found.status, found.checks["database"]) == ("unready", f"away: {role}")
