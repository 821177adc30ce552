"""What goes over the admin app's wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from insula.db.models import Membership, Tenant, User
from insula.http.paging import OffsetParams
from insula.policy import Role, StaffRole

Status = Literal["active", "suspended"]

_TENANT_ID = "019ab2c4-0a00-7000-8000-5162738495a6"
_TENANT: Final[JsonDict] = {
    "id": _TENANT_ID,
    "slug": "acme",
    "name": "Acme Ltd",
    "status": "active",
    "plan": "pro",
    "created_at": "2026-11-23T08:00:00Z",
    "updated_at": "2026-11-23T08:00:00Z",
    "version": 3,
}
_USER: Final[JsonDict] = {
    "id": "019ab2c4-0b00-7b00-8b00-405162738495",
    "email": "ada@acme.example",
    "name": "Ada",
    "status": "active",
    "email_verified_at": "2026-11-23T08:01:00Z",
    "created_at": "2026-11-23T08:00:00Z",
    "updated_at": "2026-11-23T08:00:00Z",
    "version": 1,
}
_MEMBERSHIP: Final[JsonDict] = {
    "tenant_id": _TENANT_ID,
    "tenant_slug": "acme",
    "tenant_name": "Acme Ltd",
    "role": "owner",
    "since": "2026-11-23T08:00:00Z",
}


class _Read(BaseModel):
    model_config = ConfigDict(from_attributes=True, frozen=True)


class TenantRead(_Read):
    """A tenant, as staff see it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TENANT]})

    id: UUID
    slug: str = Field(description="Its name in addresses.")
    name: str
    status: Status = Field(description="A suspended tenant's requests are refused.")
    plan: str = Field(description="The key of the plan that it is on.")
    created_at: datetime
    updated_at: datetime
    version: int = Field(description="Raised by each change.")


class TenantDetail(TenantRead):
    """A tenant and how much it holds."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_TENANT, "members": 4, "projects": 2, "items": 31}]},
    )

    members: int = Field(ge=0)
    projects: int = Field(ge=0)
    items: int = Field(ge=0)

    @classmethod
    def of(cls, tenant: Tenant, *, members: int, projects: int, items: int) -> Self:
        """Shape a tenant and its counts."""
        return cls.model_validate({**tenant.model_dump(), "members": members, "projects": projects, "items": items})


class UserRead(_Read):
    """A user, as staff see them."""

    model_config = ConfigDict(json_schema_extra={"examples": [_USER]})

    id: UUID
    email: str
    name: str
    status: Status = Field(description="A suspended user's sessions are over, and logging in is refused.")
    email_verified_at: datetime | None = Field(description="Null until the address is verified.")
    created_at: datetime
    updated_at: datetime
    version: int = Field(description="Raised by each change.")


class UserMembershipRead(_Read):
    """A user's place in one tenant."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MEMBERSHIP]})

    tenant_id: UUID
    tenant_slug: str
    tenant_name: str
    role: Role
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
    """A user and where they belong."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_USER, "staff_role": None, "memberships": [_MEMBERSHIP]}]},
    )

    staff_role: StaffRole | None = Field(description="Null for everybody but the platform's staff.")
    memberships: list[UserMembershipRead] = Field(description="By the tenants' slugs.")

    @classmethod
    def of(cls, user: User, staff_role: str | None, memberships: Sequence[UserMembershipRead]) -> Self:
        """Shape a user and where they belong."""
        return cls.model_validate({**user.model_dump(), "staff_role": staff_role, "memberships": list(memberships)})


class TenantList(OffsetParams):
    """Which tenants, in which order. ``search`` looks into slug and name."""

    status: Status | None = Field(None, description="Only those with this status.")
    plan: str | None = Field(None, min_length=1, max_length=50, description="Only those on this plan.")
    sort_by: Literal["created_at", "-created_at", "name", "-name", "slug", "-slug"] = Field(
        "-created_at", description="What to sort by; a leading '-' sorts downwards."
    )


class UserList(OffsetParams):
    """Which users, in which order. ``search`` looks into email and name."""

    status: Status | None = Field(None, description="Only those with this status.")
    sort_by: Literal["created_at", "-created_at", "name", "-name", "email", "-email"] = Field(
        "-created_at", description="What to sort by; a leading '-' sorts downwards."
    )
