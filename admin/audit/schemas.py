"""The audit log of all tenants and of the platform on the wire."""

from datetime import datetime
from typing import Final, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue
from pydantic.config import JsonDict

from admin.bodies import STAFF_ID, TENANT_ID, Read
from insula.audit import PLATFORM
from insula.core.moments import Moment
from insula.core.paging import CursorParams
from insula.db.models import AuditEvent
from insula.http.responses.vocabulary import Vocabulary, word_of

_EVENT: Final[JsonDict] = {
    "id": "019ab2c4-0e00-7e00-8e00-738495a6b7c8",
    "tenant_id": TENANT_ID,
    "sequence": 12,
    "occurred_at": "2026-11-23T08:00:00Z",
    "actor_kind": "staff",
    "actor_id": STAFF_ID,
    "actor_label": None,
    "action": "tenant.suspended",
    "object_type": "tenant",
    "object_id": TENANT_ID,
    "before": {"status": "active"},
    "after": {"status": "suspended"},
    "request_id": "019ab2c40f007f008f008495a6b7c8d9",
    "address": "203.0.113.7",
}


class AuditEventRead(Read):
    """A recorded act."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EVENT]})

    id: UUID
    tenant_id: UUID | None = Field(description="The tenant whose log contains it; null: the platform's log.")
    sequence: int = Field(description="Its number in that log.")
    occurred_at: datetime
    actor_kind: str = Field(json_schema_extra=word_of(Vocabulary.ACTORS))
    actor_id: UUID | None = Field(description="Null for the system itself.")
    actor_label: str | None = Field(description="The actor's name at that time.")
    action: str
    object_type: str
    object_id: str
    before: dict[str, JsonValue] | None = Field(description="The changed and removed fields, with their old values.")
    after: dict[str, JsonValue] | None = Field(description="The changed and added fields, with their new values.")
    request_id: str
    address: str

    @classmethod
    def of(cls, event: AuditEvent) -> Self:
        """Shape an event; one in the platform's log has no tenant."""
        own = event.model_dump(exclude={"previous_hash", "hash"})
        return cls.model_validate({**own, "tenant_id": None if event.tenant_id == PLATFORM else event.tenant_id})


class AuditEventList(CursorParams):
    """Query parameters of the list of events. ``search`` looks into action, object, actor's name and request id."""

    tenant_id: UUID | None = Field(None, description="Only acts in this tenant; the nil UUID: the platform's.")
    actor_id: UUID | None = Field(None, description="Only acts of this user or key.")
    action: str | None = Field(None, min_length=1, max_length=100, description="Only acts of this name.")
    object_type: str | None = Field(None, min_length=1, max_length=100, description="Only acts on this type of object.")
    object_id: str | None = Field(None, min_length=1, max_length=200, description="Only acts on this object.")
    since: Moment | None = Field(None, description="Only acts at or after this time.")
    until: Moment | None = Field(None, description="Only acts before this time.")
    sort_by: Literal["occurred_at", "-occurred_at"] = Field(
        "-occurred_at", description="The field to sort by; a leading '-' sorts in descending order."
    )
