"""Tickets on the wire."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from insula.core.paging import OffsetParams
from insula.core.schemas import Input, Read, Version
from insula.core.text import fields as text
from support.tickets.models import TicketStatus

Subject = Annotated[text.Title, Field(description="The question in a few words.")]
Question = Annotated[str, text.FreeText(10_000), Field(description="What the member asked.")]
Answer = Annotated[str, text.Line(2_000), Field(description="A paragraph; the member gets it by email.")]
Status = Annotated[TicketStatus, Field(description="Whether it has an answer.")]

_MEMBER: Final = "019ab2c4-0d00-7d00-8d00-3e4f50617283"
_TICKET: Final[JsonDict] = {
    "id": "019ab2c4-9a20-7b51-8c00-2e3f40516273",
    "tenant_id": "019ab2c4-0a00-7000-8000-5162738495a6",
    "member_id": _MEMBER,
    "subject": "Cannot sign in",
    "question": "The link in the email has expired.",
    "status": "open",
    "answer": None,
    "answered_by": None,
    "created_at": "2026-12-01T09:00:00Z",
    "updated_at": "2026-12-01T09:00:00Z",
    "version": 1,
}


class TicketCreate(Input):
    """A ticket to open for a member."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"member_id": _MEMBER, "subject": "Cannot sign in", "question": "The link has expired."}]
        }
    )

    member_id: UUID = Field(description="The membership id of the member who asks.")
    subject: Subject
    question: Question


class TicketAnswer(Input):
    """The answer to a ticket."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"answer": "We have sent you another one."}]})

    answer: Answer


class TicketRead(Read):
    """A ticket."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TICKET]})

    id: UUID
    tenant_id: UUID
    member_id: UUID | None = Field(description="The membership id of the member who asked; null after they left.")
    subject: str
    question: str
    status: Status
    answer: str | None
    answered_by: UUID | None = Field(description="The agent's user id.")
    created_at: datetime
    updated_at: datetime
    version: Version


class TicketList(OffsetParams):
    """Query parameters of the list of tickets. ``search`` looks into the subject."""

    status: TicketStatus | None = Field(None, description="Only tickets in this state.")
    sort_by: Literal["created_at", "-created_at"] = Field(
        "created_at", description="The field to sort by; a leading '-' sorts in descending order."
    )
