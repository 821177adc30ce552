"""Checks the proofs of verified domains again, so that a host without a proof becomes free for other tenants.

A proof may be missing for days, so neither a name server nor a worker that is down costs a tenant its host.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

import anyio
from pydantic import JsonValue

from insula.audit import SYSTEM, record_in, snapshot
from insula.core import clock
from insula.db.engine.roles import WORKER
from insula.db.engine.unit import Unit
from insula.db.models import TenantDomain
from insula.jobs import Handlers, JobContext, Periodic
from insula.tenancy import DnsResolver, Resolver
from tenants.domains import queries
from tenants.domains.acts import Act
from tenants.domains.service import proved

CHECKED_EVERY: Final = timedelta(hours=20)
TOLERATED: Final = timedelta(days=7)
"""How long the proof of a verified host may be missing before the host is no longer served."""

_BATCH: Final = 500
_AT_ONCE: Final = 10


async def _recheck_domains(context: JobContext, _arguments: Mapping[str, JsonValue]) -> None:
    """Check the proofs that were not checked recently."""
    await recheck(context, DnsResolver(context.settings.dns.endpoints))


async def recheck(context: JobContext, resolver: Resolver) -> None:
    """Ask ``resolver`` for a few domains at a time; store each answer in its own transaction."""
    async with context.database.unit(WORKER) as unit:
        due = await queries.due(unit.session, clock.now() - CHECKED_EVERY, _BATCH)
    room = anyio.CapacityLimiter(_AT_ONCE)

    async def one(domain: TenantDomain) -> None:
        async with room:
            found = await proved(domain, resolver)
            async with context.database.unit(WORKER, domain.tenant_id) as unit:
                await _store(unit, domain, found=found)

    async with anyio.create_task_group() as group:
        for domain in due:
            group.start_soon(one, domain)


async def _store(unit: Unit, checked: TenantDomain, *, found: bool) -> None:
    domain = await queries.find(unit.session, checked.id, for_update=True)
    if domain is None or domain.verified_at is None or domain.checked_at != checked.checked_at:
        return  # the tenant verified or removed it meanwhile
    before = snapshot(domain)
    domain.checked_at = clock.now()
    domain.failing_since = None if found else domain.failing_since or domain.checked_at
    if domain.failing_since is not None and domain.checked_at - domain.failing_since >= TOLERATED:
        domain.verified_at = domain.failing_since = None
        record_in(
            unit,
            SYSTEM,
            Act.LOST,
            object_type="domain",
            object_id=domain.id,
            before=before,
            after=snapshot(domain),
            tenant_id=domain.tenant_id,
        )


JOBS: Final[Handlers] = MappingProxyType({"tenants.recheck_domains": _recheck_domains})
SCHEDULES: Final = (Periodic("tenants.recheck_domains", "*/15 * * * *"),)
