"""The tenant's members on the wire."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from insula.core.paging import KeysetParams
from insula.core.schemas import Input, Read, Version
from tenants.roles.schemas import RoleName


class MemberRead(Read):
    """A member: a user's membership of this tenant."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019ab2c4-1a00-7a00-8a00-3f4051627384",
                    "user_id": "019ab2c4-0b00-7b00-8b00-405162738495",
                    "email": "ada@acme.example",
                    "name": "Ada",
                    "role": "admin",
                    "created_at": "2026-11-23T08:00:00Z",
                    "version": 1,
                }
            ]
        }
    )

    id: UUID = Field(description="Id of the membership.")
    user_id: UUID
    email: str
    name: str
    role: RoleName
    created_at: datetime = Field(description="When the membership began.")
    version: Version


class MemberUpdate(Input):
    """A member's new role. The caller must have all of its permissions."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "viewer"}]})

    role: RoleName


class OwnershipTransfer(Input):
    """The member who becomes the owner in the caller's place."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"member_id": "019ab2c4-1a00-7a00-8a00-3f4051627384"}]})

    member_id: UUID = Field(description="Id of a membership, not of the caller's.")


class MemberList(KeysetParams):
    """Query parameters of the list of members."""

    role: RoleName | None = Field(None, description="Only members with this role.")
    sort_by: Literal["created_at", "-created_at", "name", "-name", "email", "-email"] = Field(
        "name", description="The field to sort by; a leading '-' sorts in descending order."
    )
