"""A worker whose only task inserts a row for each effect: ``python -m tests.support.counting_worker``."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from pydantic import JsonValue

from insula.apps import Resource
from insula.core.settings import Settings
from insula.jobs import JobContext, effect_once
from insula.worker import process
from tests.support.apps import INSTALLATION
from tests.support.sql import changed

TASK = "probe.count"


async def count(context: JobContext, arguments: Mapping[str, JsonValue]) -> None:
    """Insert a row, and run long enough to be killed meanwhile."""
    async with context.unit() as unit:
        if await effect_once(unit, f"count:{arguments['n']}"):
            values = {"tenant": context.tenant_id, "n": arguments["n"]}
            await changed(unit, "insert into probe_effect (owner, n) values (:tenant, :n)", **values)
            await changed(unit, "select pg_sleep(0.02)")


async def main() -> None:
    """Run as the real worker's process does."""
    counting = replace(INSTALLATION.apps[0], resources=(Resource(jobs={TASK: count}),))
    await process.run(Settings(), replace(INSTALLATION, apps=(counting,), granted={}))


if __name__ == "__main__":
    asyncio.run(main())
