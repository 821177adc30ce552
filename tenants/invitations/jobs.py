"""Jobs about invitations."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue
from sqlalchemy import delete, tuple_
from sqlmodel import col, select

from insula.core import clock
from insula.db.engine.roles import WORKER
from insula.jobs import Handlers, JobContext, Periodic
from tenants.invitations.models import Invitation

_BATCH: Final = 1_000
INVITATIONS_KEPT: Final = timedelta(days=90)
"""How long a settled or expired invitation is kept; it holds the address of a person who may never have joined."""


async def _forget_invitations(context: JobContext, _arguments: Mapping[str, JsonValue]) -> None:
    """Delete old invitations in batches, each in its own transaction. Expiry itself needs no job."""
    key = (col(Invitation.tenant_id), col(Invitation.id))
    ended = col(Invitation.expires_at) < clock.now() - INVITATIONS_KEPT
    statement = delete(Invitation).where(tuple_(*key).in_(select(*key).where(ended).limit(_BATCH)))
    deleted = _BATCH
    while deleted == _BATCH:
        async with context.database.unit(WORKER) as unit:
            connection = await unit.session.connection()
            deleted = (await connection.execute(statement)).rowcount


JOBS: Final[Handlers] = MappingProxyType({"tenants.forget_invitations": _forget_invitations})
SCHEDULES: Final = (Periodic("tenants.forget_invitations", "17 * * * *"),)
