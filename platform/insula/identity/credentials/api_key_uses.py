"""Records when API keys were last used, without one write for each use."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import text

from insula.core import clock
from insula.core.ids import TenantId
from insula.db.engine.failures import UNREACHABLE
from insula.db.engine.pools import Database
from insula.db.engine.roles import IDENTITY

COARSENESS: Final = timedelta(minutes=1)
"""A key's row is written at most this often, by all processes together."""

FLUSH_SECONDS: Final = 5.0
"""How long one flush may take; a process that shuts down waits no longer for a silent database."""

_log = structlog.get_logger(__name__)
_WRITE: Final = text("""
    update api_key set last_used_at = :at
    where id = :id
      and (last_used_at is null or last_used_at <= cast(:at as timestamptz) - cast(:coarseness as interval))
""")


class KeyUses:
    """Notes uses in memory. ``flush`` writes them, periodically and when the process shuts down."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[TenantId, dict[UUID, float]] = {}

    def note(self, tenant_id: TenantId, key_id: UUID) -> None:
        """Note that the key is used now."""
        self._noted.setdefault(tenant_id, {})[key_id] = clock.timestamp()

    async def flush(self, within: float = FLUSH_SECONDS) -> None:
        """Write the uses noted since the last flush, for ``within`` seconds; keep the rest for the next flush."""
        noted, self._noted = self._noted, {}
        failed: dict[TenantId, dict[UUID, float]] = {}
        loop = asyncio.get_running_loop()
        ends = loop.time() + within
        try:
            for tenant_id, uses in list(noted.items()):
                if loop.time() >= ends:
                    _log.warning("key uses not written", tenants=len(noted), reason="out of time")
                    break
                try:
                    async with asyncio.timeout_at(ends):
                        await self._write(tenant_id, sorted(uses.items()))
                except UNREACHABLE as error:
                    _log.warning("key uses not written", tenant=str(tenant_id), reason=type(error).__name__)
                    failed[tenant_id] = uses
                del noted[tenant_id]
        finally:
            self._keep({**noted, **failed})  # failed ones come last, so that they do not delay others

    def _keep(self, unwritten: Mapping[TenantId, dict[UUID, float]]) -> None:
        newer, self._noted = self._noted, dict(unwritten)
        for tenant_id, uses in newer.items():
            self._noted.setdefault(tenant_id, {}).update(uses)

    async def _write(self, tenant_id: TenantId, uses: Iterable[tuple[UUID, float]]) -> None:
        rows = [{"id": key, "at": datetime.fromtimestamp(at, UTC), "coarseness": COARSENESS} for key, at in uses]
        async with self._database.unit(IDENTITY, tenant_id) as unit:
            connection = await unit.session.connection()
            await connection.execute(_WRITE, rows)
