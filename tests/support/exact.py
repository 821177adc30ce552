"""Compares what a tenant's writes must leave behind: rows, their counters, the audit chain and the records of keys."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from insula.audit.verify import reader, verify
from insula.core.settings import Settings
from tests.support.apps import DECLARED
from tests.support.backends import Readback

_COUNTED: Final = " UNION ALL ".join(
    f"SELECT tenant_id, '{quota}' AS resource, count(*) AS there FROM \"{table}\" GROUP BY tenant_id"  # noqa: S608 - declared names
    for table, quota in DECLARED.counted.items()
)
_WRONG: Final = f"""
SELECT tenant_id::text, resource, coalesce(there, 0) AS there, coalesce(used, 0) AS used
FROM ({_COUNTED}) AS counted FULL JOIN tenant_usage USING (tenant_id, resource)
WHERE coalesce(there, 0) <> coalesce(used, 0) AND tenant_id = ANY(:ids)
"""  # noqa: S608 - as above


async def wrong_counters(readback: Readback, tenants: Collection[UUID]) -> list[dict[str, object]]:
    """Return the counters of these tenants that differ from the number of rows."""
    return await readback(_WRONG, ids=list(tenants))


async def chain_events(settings: Settings, tenants: Collection[UUID]) -> dict[UUID, int]:
    """Return the number of audit events of each tenant; fail if a chain is broken."""
    async with reader(settings) as connection:
        found = [await verify(connection, tenant_id) for tenant_id in tenants]
    assert [chain for chain in found if chain.broken is not None] == []
    return {chain.chain: chain.events for chain in found}
