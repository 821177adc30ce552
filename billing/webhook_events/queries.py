"""Queries for the inbox without the payloads, which staff do not see."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_
from sqlalchemy.orm import defer
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from billing.webhook_events.schemas import WebhookEventList
from billing.webhooks.models import WebhookEvent
from insula.core.text.searching import containing

_NO_PAYLOAD: Final = defer(WebhookEvent.payload, raiseload=True)  # type: ignore[arg-type]  # SQLModel types it as its value


async def page(session: AsyncSession, params: WebhookEventList) -> tuple[Sequence[WebhookEvent], int]:
    """Return one page of the inbox, without the payloads, and how many match in all."""
    found = _inbox(params)
    total = (await session.exec(select(func.count(col(WebhookEvent.id))).where(*found))).one()
    column = {"received_at": col(WebhookEvent.received_at)}[params.sort_field]
    identity = col(WebhookEvent.id)
    order = (column.desc(), identity.desc()) if params.descending else (column, identity)
    rows = select(WebhookEvent).where(*found).order_by(*order).options(_NO_PAYLOAD)
    return (await session.exec(rows.offset(params.skip).limit(params.limit))).all(), total


async def locked(session: AsyncSession, event_row: UUID) -> WebhookEvent | None:
    """Return the event without its payload, locked."""
    statement = select(WebhookEvent).where(col(WebhookEvent.id) == event_row).options(_NO_PAYLOAD)
    return (await session.exec(statement.with_for_update())).one_or_none()


def _inbox(params: WebhookEventList) -> list[ColumnElement[bool]]:
    wanted = {
        col(WebhookEvent.status): params.status,
        col(WebhookEvent.type): params.type,
        col(WebhookEvent.tenant_id): params.tenant_id,
    }
    found = [column == value for column, value in wanted.items() if value is not None]
    if params.received_since is not None:
        found.append(col(WebhookEvent.received_at) >= params.received_since)
    if params.received_until is not None:
        found.append(col(WebhookEvent.received_at) < params.received_until)
    if params.search is not None:
        text = containing(params.search)
        looked_into = (WebhookEvent.event_id, WebhookEvent.customer, WebhookEvent.error)
        found.append(or_(*(col(column).regexp_match(text) for column in looked_into)))
    return found
