"""Tenants, as staff see and make them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from admin.bodies import TENANT_ID, Email, Read
from insula.core.paging import OffsetParams
from insula.core.schemas import Input, Version
from insula.db.models import FREE, Tenant, TenantStatus
from insula.http.responses.vocabulary import Vocabulary, named_by
from tenants.api import Name, Slug

_TENANT: Final[JsonDict] = {
    "id": TENANT_ID,
    "slug": "acme",
    "name": "Acme Ltd",
    "status": "active",
    "plan": "pro",
    "created_at": "2026-11-23T08:00:00Z",
    "updated_at": "2026-11-23T08:00:00Z",
    "version": 3,
}


_Count = Annotated[int, Field(ge=0, json_schema_extra=named_by(Vocabulary.COUNTED))]


class TenantCreate(Input):
    """A tenant to create for an existing user, named by id or by email."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"slug": "hooli", "name": "Hooli", "owner_email": "owner@acme.example", "plan": "pro"}]
        }
    )

    slug: Slug
    name: Name
    owner_id: UUID | None = Field(None, description="The owner's user id; this or `owner_email`.")
    owner_email: Email | None = Field(None, description="The owner's address; this or `owner_id`.")
    plan: str = Field(FREE, min_length=1, max_length=50, description="The key of the plan that it starts on.")

    @model_validator(mode="after")
    def _one_owner(self) -> Self:
        if (self.owner_id is None) == (self.owner_email is None):
            raise ValueError("Name the owner by `owner_id` or by `owner_email`")
        return self


class TenantRead(Read):
    """A tenant, as staff see it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TENANT]})

    id: UUID
    slug: str = Field(description="Its label in host names.")
    name: str
    status: TenantStatus = Field(description="A suspended tenant's requests are refused.")
    plan: str = Field(description="The key of the plan that it is on.")
    created_at: datetime
    updated_at: datetime
    version: Version


class TenantDetail(TenantRead):
    """A tenant and its usage."""

    model_config = ConfigDict(
        extra="allow", json_schema_extra={"examples": [{**_TENANT, "members": 4, "projects": 2, "items": 31}]}
    )
    __pydantic_extra__: dict[str, _Count]  # type: ignore[mutable-override]  # for pydantic: the type of extra fields

    members: int = Field(ge=0)

    @classmethod
    def of(cls, tenant: Tenant, *, members: int, counts: Mapping[str, int]) -> Self:
        """Shape a tenant and its counts, by quota."""
        shown = TenantRead.model_validate(tenant).model_dump()
        return cls.model_validate({**counts, **shown, "members": members})


class TenantList(OffsetParams):
    """Query parameters of the list of tenants. ``search`` looks into slug and name."""

    status: TenantStatus | None = Field(None, description="Only those with this status.")
    plan: str | None = Field(None, min_length=1, max_length=50, description="Only those on this plan.")
    sort_by: Literal["created_at", "-created_at", "name", "-name", "slug", "-slug"] = Field(
        "-created_at", description="The field to sort by; a leading '-' sorts in descending order."
    )
