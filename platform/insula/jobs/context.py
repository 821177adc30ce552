"""The types of a job: its handler, its schedule, and the context of one run."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final, Protocol
from uuid import UUID

from pydantic import JsonValue
from sqlmodel import col, select

from insula.core.settings import Settings
from insula.db.engine.pools import Database
from insula.db.engine.roles import WORKER
from insula.db.engine.unit import Unit
from insula.db.models import ACTIVE, Tenant

NO_TENANT: Final = UUID(int=0)
"""The partition of jobs without a tenant."""


class TenantGone(Exception):
    """The job's tenant is suspended or deleted: the job ends without effect."""


ClaimEffect = Callable[[], Awaitable[None]]
"""Await it right before an effect outside the database can happen; it commits the claim."""


class Mailer(Protocol):
    """Sends messages."""

    async def send(self, message: EmailMessage, claim: ClaimEffect) -> None:
        """Return after the message is accepted; await ``claim`` right before it can be. Raises NotAccepted."""
        ...


@dataclass(frozen=True, slots=True)
class JobContext:
    """One run of a job, with the worker's resources."""

    settings: Settings
    database: Database
    mailer: Mailer
    tenant_id: UUID | None
    job_id: int
    attempt: int  # 1 at the first run

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[Unit]:
        """Open a unit of work under the tenant's row-level security; it commits on success.

        Raises TenantGone unless the tenant is active. A job without a tenant sees no tenant's rows.
        """
        async with self.database.unit(WORKER, self.tenant_id or NO_TENANT) as unit:
            if self.tenant_id is not None:
                found = await unit.session.exec(select(Tenant.status).where(col(Tenant.id) == self.tenant_id))
                if found.one_or_none() != ACTIVE:
                    raise TenantGone
            yield unit


Handler = Callable[[JobContext, Mapping[str, JsonValue]], Awaitable[None]]
Handlers = Mapping[str, Handler]
"""Handlers by task name, ``<app>.<verb>``."""


@dataclass(frozen=True, slots=True)
class Periodic:
    """A periodic task without a tenant, run once for all workers; runs may overlap."""

    task: str
    cron: str  # minute, hour, day, month, weekday and, optionally, second
