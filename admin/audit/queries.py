"""Queries for the audit logs of all tenants and of the platform."""

from typing import Final

from sqlalchemy import ColumnElement, Index, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from admin.audit.schemas import AuditEventList
from insula.core.paging import Slice
from insula.core.text.searching import containing
from insula.db.models import AuditEvent
from insula.db.query.pages import fetch_keyset

ACROSS_CHAINS: Final = Index(None, col(AuditEvent.occurred_at), col(AuditEvent.id))
"""The index for the staff's list over all chains. The admin app declares it, although the table is the kernel's."""


async def page(session: AsyncSession, params: AuditEventList) -> Slice[AuditEvent]:
    """Return one page of the events."""
    statement = select(AuditEvent).where(*_matching(params))
    columns = {"occurred_at": col(AuditEvent.occurred_at)}
    return await fetch_keyset(session, statement, params, columns=columns, identity=col(AuditEvent.id))


def _matching(params: AuditEventList) -> list[ColumnElement[bool]]:
    wanted = {
        col(AuditEvent.tenant_id): params.tenant_id,
        col(AuditEvent.actor_id): params.actor_id,
        col(AuditEvent.action): params.action,
        col(AuditEvent.object_type): params.object_type,
        col(AuditEvent.object_id): params.object_id,
    }
    found = [column == value for column, value in wanted.items() if value is not None]
    if params.since is not None:
        found.append(col(AuditEvent.occurred_at) >= params.since)
    if params.until is not None:
        found.append(col(AuditEvent.occurred_at) < params.until)
    if params.search is not None:
        text = containing(params.search)
        looked_into = (
            AuditEvent.action,
            AuditEvent.object_type,
            AuditEvent.object_id,
            AuditEvent.actor_label,
            AuditEvent.request_id,
        )
        found.append(or_(*(col(column).regexp_match(text) for column in looked_into)))
    return found
