"""The caller's own account on the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Self
from uuid import UUID

from pydantic import MISSING, ConfigDict, Field
from pydantic.config import JsonDict

from insula.core.schemas import Input, Read, Update, Version
from insula.db.models import TenantStatus
from insula.identity import NewPassword, PersonName, SessionRecord
from tenants.roles.schemas import RoleName

_TENANT_ID: Final = "019ab2c4-0a00-7000-8000-5162738495a6"
_SESSION: Final[JsonDict] = {
    "id": "019ab2c4-0c00-7c00-8c00-516273849506",
    "created_at": "2026-11-23T08:00:00Z",
    "last_used_at": "2026-11-23T09:30:00Z",
    "expires_at": "2026-12-23T08:00:00Z",
    "current": True,
}


class OwnMembershipRead(Read):
    """A tenant that the caller belongs to."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"tenant_id": _TENANT_ID, "slug": "acme", "name": "Acme Ltd", "status": "active", "role": "owner"}
            ]
        }
    )

    tenant_id: UUID
    slug: str
    name: str
    status: TenantStatus
    role: RoleName


class MeRead(Read):
    """The caller."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019ab2c4-0b00-7b00-8b00-405162738495",
                    "email": "ada@acme.example",
                    "name": "Ada",
                    "version": 2,
                    "memberships": [
                        {
                            "tenant_id": _TENANT_ID,
                            "slug": "acme",
                            "name": "Acme Ltd",
                            "status": "active",
                            "role": "owner",
                        }
                    ],
                }
            ]
        }
    )

    id: UUID
    email: str
    name: str
    version: Version
    memberships: list[OwnMembershipRead] = Field(description="The caller's tenants, by slug.")


class MeUpdate(Update):
    """The caller's new name."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Ada Lovelace"}]})

    name: PersonName | MISSING = MISSING


class PasswordChange(Input):
    """The current password and the new one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"current_password": "correct horse battery staple", "new_password": "nine purple lanterns"}]
        }
    )

    current_password: Annotated[str, Field(min_length=1, max_length=1024, repr=False)]
    new_password: NewPassword


class ConsentRead(Read):
    """The caller's consent to an OAuth client of a tenant."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019ab2c4-9e00-7b00-8b00-8293a4b5c6d7",
                    "client_id": "019ab2c4-9d00-7a00-8a00-718293a4b5c6",
                    "client_name": "Planner",
                    "tenant_id": _TENANT_ID,
                    "tenant_name": "Acme Ltd",
                    "scopes": ["member:read", "openid"],
                    "created_at": "2026-11-23T09:00:00Z",
                    "updated_at": "2026-11-24T10:30:00Z",
                }
            ]
        }
    )

    id: UUID
    client_id: UUID
    client_name: str
    tenant_id: UUID = Field(description="The tenant of the client, in which it acts.")
    tenant_name: str
    scopes: list[str] = Field(description="What the client may do for the caller.")
    created_at: datetime = Field(description="When the caller agreed.")
    updated_at: datetime = Field(description="When the caller last agreed, maybe to more scopes.")


class SessionRead(Read):
    """A valid login."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SESSION]})

    id: UUID
    created_at: datetime = Field(description="When it was opened.")
    last_used_at: datetime = Field(description="When it last issued tokens.")
    expires_at: datetime
    current: bool = Field(description="Whether this request belongs to it.")

    @classmethod
    def among(cls, sessions: Sequence[SessionRecord], current: UUID) -> list[Self]:
        """Return ``sessions``, in which the ``current`` one is marked."""
        return [
            cls(
                id=session.id,
                created_at=session.created_at,
                last_used_at=session.last_used_at,
                expires_at=session.expires_at,
                current=session.id == current,
            )
            for session in sessions
        ]
