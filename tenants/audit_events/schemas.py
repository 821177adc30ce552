"""The audit log on the wire."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic.config import JsonDict

from insula.core.moments import Moment
from insula.core.paging import CursorParams
from insula.core.schemas import Read
from insula.core.text.fields import SearchText
from insula.http.responses.exports import ExportParams
from insula.http.responses.vocabulary import Vocabulary, word_of

_EXAMPLE: Final[JsonDict] = {
    "id": "019ab2c4-5e00-7e00-8e00-738495a6b7c8",
    "sequence": 42,
    "occurred_at": "2026-11-23T08:00:00Z",
    "actor_kind": "user",
    "actor_id": "019ab2c4-0b00-7b00-8b00-405162738495",
    "actor_label": "ada@acme.example",
    "action": "project.updated",
    "object_type": "project",
    "object_id": "019ab2c4-2a00-7a00-8a00-4f5061728394",
    "before": {"name": "Website"},
    "after": {"name": "New website"},
    "request_id": "019ab2c4-5dff-7dff-8dff-63748596a7b8",
    "address": "192.0.2.7",
    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}


def _hex(value: object) -> object:
    return value.hex() if isinstance(value, bytes) else value


class AuditEventRead(Read):
    """A recorded act."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    sequence: int = Field(description="Its number in the tenant's log, which counts from 1 without gaps.")
    occurred_at: datetime
    actor_kind: str = Field(json_schema_extra=word_of(Vocabulary.ACTORS))
    actor_id: UUID | None = Field(description="Id of the user or key that acted; null for the system and providers.")
    actor_label: str | None = Field(
        description="The actor's name at that time, if known: an email address or a key's name."
    )
    action: str = Field(description="The stable name of the act.")
    object_type: str
    object_id: str
    before: dict[str, JsonValue] | None = Field(description="The changed and removed fields, with their old values.")
    after: dict[str, JsonValue] | None = Field(description="The changed and added fields, with their new values.")
    request_id: str = Field(description="The `X-Request-ID` of the request, or the provider's event.")
    address: str = Field(description="The client's address.")
    hash: Annotated[str, BeforeValidator(_hex)] = Field(
        description="SHA-256 over this event and the hash of the one before; keep it to prove later what the log said."
    )


class AuditEventFilter(BaseModel):
    """Filters of events, for the list and the export."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    search: SearchText | None = Field(None, description="Text to find, ignoring case.")
    actor_id: UUID | None = Field(None, description="Only acts of this user or key.")
    action: str | None = Field(None, min_length=1, max_length=100, description="Only this action.")
    object_type: str | None = Field(None, min_length=1, max_length=100, description="Only objects of this kind.")
    object_id: str | None = Field(None, min_length=1, max_length=100, description="Only the object with this id.")
    since: Moment | None = Field(None, description="Only acts at or after this time.")
    until: Moment | None = Field(None, description="Only acts before this time.")


class AuditEventExport(AuditEventFilter, ExportParams):
    """Query parameters of the export."""


class AuditEventList(AuditEventFilter, CursorParams):
    """Query parameters of the list of events."""

    sort_by: Literal["occurred_at", "-occurred_at"] = Field(
        "-occurred_at", description="The field to sort by; a leading '-' sorts in descending order."
    )
