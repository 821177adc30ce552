"""Concurrent requests for the queue's metrics share one query or one failure."""

import asyncio
from dataclasses import replace
from time import monotonic

from sqlalchemy import event

from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import GATE
from insula.site.queue_metrics import QueueMetrics
from tests.support.app import Live
from tests.support.apps import DECLARED
from tests.support.faulty import Fault, faulty

SCRAPERS = 8
POOL_TIMEOUT, GRACE, LATE = 0.3, 1.0, 1.0


async def test_concurrent_requests_share_one_query(live: Live) -> None:
    queries: list[str] = []
    engine = live.kernel.database.engine(GATE).sync_engine

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "procrastinate_jobs" in statement:
            queries.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    metrics = QueueMetrics()
    found = await asyncio.gather(*(metrics.render(live.kernel) for _ in range(SCRAPERS)))
    found.append(await metrics.render(live.kernel))
    event.remove(engine, "before_cursor_execute", note)

    assert len(queries) == 1
    [text] = set(found)
    assert b"# HELP insula_jobs " in text


async def test_concurrent_requests_share_one_failure_of_a_silent_database(live: Live, settings: Settings) -> None:
    with faulty(settings.database_url) as proxy:
        quickly = settings.database.model_copy(update={"pool_timeout": POOL_TIMEOUT})
        through = {"database_url": proxy.url(settings.database_url), "database": quickly}
        database = await Database.open(settings.model_copy(update=through), DECLARED.web_roles)
        kernel, metrics = replace(live.kernel, database=database), QueueMetrics()
        proxy.strike(Fault.SWALLOW)
        began = monotonic()
        found = await asyncio.gather(*(metrics.render(kernel) for _ in range(SCRAPERS)))
        assert monotonic() - began < POOL_TIMEOUT + GRACE + LATE
        assert set(found) == {b""}

        proxy.heal()
        assert b"# HELP insula_jobs " in await metrics.render(kernel)
        await database.close()
