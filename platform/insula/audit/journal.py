"""Noting acts, and writing what was noted as a transaction's last statement.

A chain has one head row, which a trigger locks with the first event appended. It stays locked until
the commit, so the events are written right before that: writers of one tenant wait for each other
that long and no longer.
"""

from collections.abc import Mapping
from enum import StrEnum
from itertools import groupby
from typing import Final, TypedDict
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import insert

from insula.audit.actors import NOWHERE, PLATFORM, Actor, Audited, Origin
from insula.audit.images import told
from insula.core import clock
from insula.core.ids import new_id
from insula.db.engine.unit import Unit
from insula.db.models import AuditEvent

_APPEND: Final = insert(AuditEvent)


class AuditAction(StrEnum):
    """A stable name for a kind of act, such as ``project.created``. Each resource has an enum of its own."""


class _Row(TypedDict):
    tenant_id: UUID
    id: UUID
    occurred_at: object
    actor_kind: str
    actor_id: UUID | None
    actor_label: str | None
    action: str
    object_type: str
    object_id: str
    before: dict[str, JsonValue] | None
    after: dict[str, JsonValue] | None
    request_id: str
    address: str


class Journal:
    """The acts noted in one transaction; its unit writes them when it commits."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: list[_Row] = []

    async def write(self, unit: Unit) -> None:
        """Append the events, chain by chain in one order, so that two transactions cannot deadlock."""
        for chain, rows in groupby(sorted(self.rows, key=_chain), key=_chain):
            if unit.tenant_id != chain:
                await unit.enter(chain)
            connection = await unit.session.connection()
            await connection.execute(_APPEND, list(rows))


def record(  # noqa: PLR0913  # an event has that many parts, each named by the caller
    scope: Audited,
    action: AuditAction,
    *,
    object_type: str,
    object_id: UUID | str,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    tenant_id: UUID | None = None,
) -> None:
    """Note that the scope's principal did ``action``.

    Of ``before`` and ``after`` what differs is kept (see ``image``); secrets are left out by name.
    The event stands in the scope's tenant's chain, or in that of ``tenant_id``.
    """
    record_in(
        scope.unit,
        scope.actor,
        action,
        object_type=object_type,
        object_id=object_id,
        before=before,
        after=after,
        tenant_id=tenant_id or scope.chain,
        origin=Origin(scope.request_id, scope.address),
    )


def record_in(  # noqa: PLR0913  # as above
    unit: Unit,
    actor: Actor,
    action: AuditAction,
    *,
    object_type: str,
    object_id: UUID | str,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    tenant_id: UUID | None = None,
    origin: Origin = NOWHERE,
) -> None:
    """Note an act outside of a route: in a job, a webhook, a login. Without ``tenant_id`` it is the platform's."""
    if not isinstance(unit.epilogue, Journal):
        unit.epilogue = Journal()
    was, became = told(before, after)
    unit.epilogue.rows.append(
        _Row(
            tenant_id=tenant_id or PLATFORM,
            id=new_id(),
            occurred_at=clock.now(),  # replaced by the trigger with the database's time
            actor_kind=actor.kind,
            actor_id=actor.id,
            actor_label=actor.label,
            action=action.value,
            object_type=object_type,
            object_id=str(object_id),
            before=was,
            after=became,
            request_id=origin.request_id,
            address=origin.address,
        )
    )


def _chain(row: _Row) -> UUID:
    return row["tenant_id"]
