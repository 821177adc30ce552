"""Invitations on the wire. No answer contains the token, which is only sent by email."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from insula.core.paging import KeysetParams
from insula.core.schemas import Input, Read, Version
from insula.identity import EmailAddress
from tenants.invitations.models import InvitationStatus
from tenants.invitations.tokens import MAX_LENGTH
from tenants.roles.schemas import RoleName


class InvitationCreate(Input):
    """An address to invite, and its role. The caller must have all permissions of the role."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "grace@acme.example", "role": "member"}]})

    email: EmailAddress
    role: RoleName


class InvitationAccept(Input):
    """The token from an invitation email."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "token": "insula_inv_019ab2c40a00700080005162738495a6019ab2c42b007b008b003f4051627384"
                    "_tVNB8sFbZ0r9sQhB1mYjPq5o2xW7uLkD3cE6gAaXnRI"
                }
            ]
        }
    )

    token: str = Field(min_length=1, max_length=MAX_LENGTH, repr=False, description="Works once.")


class InvitationRead(Read):
    """An invitation to the tenant."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019ab2c4-2b00-7b00-8b00-3f4051627384",
                    "email": "grace@acme.example",
                    "role": "member",
                    "status": "pending",
                    "invited_by": "019ab2c4-0b00-7b00-8b00-405162738495",
                    "created_at": "2026-11-23T09:00:00Z",
                    "version": 1,
                    "expires_at": "2026-11-30T09:00:00Z",
                    "sent_count": 1,
                    "last_sent_at": "2026-11-23T09:00:00Z",
                }
            ]
        }
    )

    id: UUID
    email: str
    role: RoleName
    status: InvitationStatus
    invited_by: UUID = Field(description="Id of the user who sent it last.")
    created_at: datetime
    version: Version
    expires_at: datetime
    sent_count: int = Field(description="How many emails were sent; only the last one's token is valid.")
    last_sent_at: datetime


class InvitationList(KeysetParams):
    """Query parameters of the list of invitations."""

    status: InvitationStatus | None = Field(None, description="Only invitations in this state.")
    sort_by: Literal["created_at", "-created_at", "email", "-email"] = Field(
        "-created_at", description="The field to sort by; a leading '-' sorts in descending order."
    )
