"""Users, as staff see them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from admin.bodies import TENANT_ID, USER_ID, Read, Status
from insula.access import StaffRole
from insula.core.paging import OffsetParams
from insula.core.schemas import Version
from insula.db.models import Membership, Tenant, User

_USER: Final[JsonDict] = {
    "id": USER_ID,
    "email": "ada@acme.example",
    "name": "Ada",
    "status": "active",
    "email_verified_at": "2026-11-23T08:01:00Z",
    "created_at": "2026-11-23T08:00:00Z",
    "updated_at": "2026-11-23T08:00:00Z",
    "version": 1,
}
_MEMBERSHIP: Final[JsonDict] = {
    "tenant_id": TENANT_ID,
    "tenant_slug": "acme",
    "tenant_name": "Acme Ltd",
    "role": "owner",
    "since": "2026-11-23T08:00:00Z",
}


class UserRead(Read):
    """A user, as staff see them."""

    model_config = ConfigDict(json_schema_extra={"examples": [_USER]})

    id: UUID
    email: str
    name: str
    status: Status = Field(description="A suspended user has no valid sessions and cannot log in.")
    email_verified_at: datetime | None = Field(description="Null until the address is verified.")
    created_at: datetime
    updated_at: datetime
    version: Version


class UserMembershipRead(Read):
    """A user's membership of one tenant."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MEMBERSHIP]})

    tenant_id: UUID
    tenant_slug: str
    tenant_name: str
    role: str = Field(description="A built-in role, or the key of a custom role.")
    since: datetime = Field(description="When the membership began.")

    @classmethod
    def of(cls, membership: Membership, tenant: Tenant) -> Self:
        """Shape a membership and its tenant."""
        return cls.model_validate(
            {
                "tenant_id": tenant.id,
                "tenant_slug": tenant.slug,
                "tenant_name": tenant.name,
                "role": membership.role,
                "since": membership.created_at,
            }
        )


class UserDetail(UserRead):
    """A user and their memberships."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_USER, "staff_role": None, "memberships": [_MEMBERSHIP]}]},
    )

    staff_role: StaffRole | None = Field(description="Null for everybody but the platform's staff.")
    memberships: list[UserMembershipRead] = Field(description="By the tenants' slugs.")

    @classmethod
    def of(cls, user: User, staff_role: str | None, memberships: Sequence[UserMembershipRead]) -> Self:
        """Shape a user and their memberships."""
        return cls.model_validate({**user.model_dump(), "staff_role": staff_role, "memberships": list(memberships)})


class UserList(OffsetParams):
    """Query parameters of the list of users. ``search`` looks into email and name."""

    status: Status | None = Field(None, description="Only those with this status.")
    sort_by: Literal["created_at", "-created_at", "name", "-name", "email", "-email"] = Field(
        "-created_at", description="The field to sort by; a leading '-' sorts in descending order."
    )
