"""The behaviour suite on one table, for a process that has loaded it once."""

import asyncio
from collections.abc import Sequence

from tests.isolation.behaviour import Findings, TableReport, TenantPair, behave, probe_database
from tests.proof.mutants.schema_mutants import DATABASE
from tests.support.cluster import Servers


def behaviour(servers: Servers, table: str) -> Sequence[str]:
    """Return the behaviour suite's findings on a table, or on the database itself."""
    return asyncio.run(_failures(servers, table))


async def _failures(servers: Servers, table: str) -> Sequence[str]:
    settings = servers.settings()
    if table != DATABASE:
        return (await behave(settings, [table])).failures
    async with TenantPair.open(settings) as pair:
        found = Findings(DATABASE)
        await probe_database(pair, found)
        return found.failures


def every_behaviour(servers: Servers) -> TableReport:
    """Return the behaviour suite's report on everything."""
    return asyncio.run(behave(servers.settings()))
