"""Collects audit events, which are written right before a transaction's COMMIT.

A chain has one head row, which a trigger locks when the first event is appended. It stays locked until
the commit, so the events are written last: writers of one tenant block each other only that long.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypedDict
from uuid import UUID

from pydantic import JsonValue

from insula.audit.actors import NO_ORIGIN, PLATFORM, Actor, Audited, Origin
from insula.audit.snapshots import differences
from insula.core import clock
from insula.core.ids import new_id
from insula.db.engine.unit import Unit
from insula.db.models import AuditEvent
from insula.db.query.last_writes import last_writes
from insula.db.query.rows import table_of

_EVENTS: Final = table_of(AuditEvent)


class AuditAction(StrEnum):
    """A stable name of a kind of act, such as ``project.created``. Each resource has its own enum."""


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


def record(  # noqa: PLR0913  # an event has that many parts, passed by keyword
    scope: Audited,
    action: AuditAction,
    *,
    object_type: str,
    object_id: UUID | str,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    tenant_id: UUID | None = None,
) -> None:
    """Record that the scope's principal did ``action``.

    The differences between ``before`` and ``after`` are stored (see ``snapshot``); fields with a secret's
    name are redacted. The event goes into the chain of ``tenant_id``, by default the scope's.
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
    origin: Origin = NO_ORIGIN,
) -> None:
    """Record an act outside a route: in a job, a webhook, a login. Without ``tenant_id``: in the platform's chain."""
    chain = tenant_id or PLATFORM
    was, became = differences(before, after)
    event = _Row(
        tenant_id=chain,
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
    last_writes(unit).add(chain, _EVENTS, event)
