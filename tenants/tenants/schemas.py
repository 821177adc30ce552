"""Tenants on the wire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import MISSING, ConfigDict, Field
from pydantic.config import JsonDict

from insula.core.schemas import Input, Read, Update, Version
from insula.core.text import fields as text
from insula.db.models import TenantStatus
from tenants.tenants.locales import Locale, TimeZone
from tenants.tenants.slugs import Slug

Name = Annotated[text.Name, Field(description="The name for people.")]

_ID = "019ab2c4-0a00-7000-8000-5162738495a6"
_READ: JsonDict = {
    "id": _ID,
    "slug": "acme",
    "name": "Acme Ltd",
    "status": "active",
    "plan": "pro",
    "time_zone": "Europe/Berlin",
    "locale": "de-DE",
    "created_at": "2026-11-23T08:00:00Z",
    "updated_at": "2026-11-23T08:00:00Z",
    "version": 3,
}


class TenantCreate(Input):
    """A tenant to create; the caller becomes its owner."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"slug": "initech", "name": "Initech"}]})

    slug: Slug
    name: Name


class TenantUpdate(Update):
    """The fields of the tenant to change."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Acme Group", "time_zone": "Europe/Berlin", "locale": "de-DE"},
                {"slug": "acme-group"},
            ]
        }
    )

    name: Name | MISSING = MISSING
    slug: Slug | MISSING = Field(
        default=MISSING,
        description="The former slug stays usable for 30 days. No other tenant can ever take it.",
    )
    time_zone: TimeZone | MISSING = MISSING
    locale: Locale | MISSING = MISSING


class TenantRead(Read):
    """A tenant."""

    model_config = ConfigDict(json_schema_extra={"examples": [_READ]})

    id: UUID
    slug: str
    name: str
    status: TenantStatus
    plan: str = Field(description="Key of the plan.")
    time_zone: str
    locale: str
    created_at: datetime
    updated_at: datetime
    version: Version


class PlanRead(Read):
    """A tenant's plan and what it grants."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"key": "pro", "entitlements": {"projects": 100}}]})

    key: str
    entitlements: Mapping[str, int] = Field(description="Limits and quotas, by name.")


class TenantReadV2(Read):
    """A tenant, with what its plan grants."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_READ, "plan": {"key": "pro", "entitlements": {"projects": 100}}}]}
    )

    id: UUID
    slug: str
    name: str
    status: TenantStatus
    plan: PlanRead
    time_zone: str
    locale: str
    created_at: datetime
    updated_at: datetime
    version: Version
