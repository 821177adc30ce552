"""Queries for the audit log."""

from collections.abc import Sequence
from typing import Final

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from insula.core.paging import Slice
from insula.core.text.searching import containing
from insula.db.models import AuditEvent
from insula.db.query.pages import Columns, fetch_keyset
from tenants.audit_events.schemas import AuditEventFilter, AuditEventList

_SORTABLE: Final[Columns] = {"occurred_at": col(AuditEvent.occurred_at)}
_SEARCHED: Final = (col(AuditEvent.action), col(AuditEvent.object_id), col(AuditEvent.actor_label))


async def page(session: AsyncSession, params: AuditEventList) -> Slice[AuditEvent]:
    """Return one page of events; ``search`` looks into action, object and the actor's name."""
    return await fetch_keyset(session, _matching(params), params, columns=_SORTABLE, identity=col(AuditEvent.id))


async def batch(session: AsyncSession, params: AuditEventFilter, after: int, limit: int) -> Sequence[AuditEvent]:
    """Return the next events in the order of the log, after the event number ``after``."""
    statement = _matching(params).where(col(AuditEvent.sequence) > after).order_by(col(AuditEvent.sequence))
    return (await session.exec(statement.limit(limit))).all()


def _matching(params: AuditEventFilter) -> SelectOfScalar[AuditEvent]:
    statement = select(AuditEvent)
    for column, wanted in (
        (col(AuditEvent.actor_id), params.actor_id),
        (col(AuditEvent.action), params.action),
        (col(AuditEvent.object_type), params.object_type),
        (col(AuditEvent.object_id), params.object_id),
    ):
        if wanted is not None:
            statement = statement.where(column == wanted)
    if params.since is not None:
        statement = statement.where(col(AuditEvent.occurred_at) >= params.since)
    if params.until is not None:
        statement = statement.where(col(AuditEvent.occurred_at) < params.until)
    if params.search is not None:
        statement = statement.where(or_(*(column.regexp_match(containing(params.search)) for column in _SEARCHED)))
    return statement
