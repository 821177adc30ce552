"""Entitlement overrides on the wire."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from insula.core.moments import Moment
from insula.core.schemas import Input, Read, Version
from insula.core.text.fields import Line

_MOST: Final = 1_000_000_000_000
_OVERRIDE: Final[JsonDict] = {
    "key": "projects",
    "value": 250,
    "reason": "Migration weekend, agreed with Ada",
    "expires_at": "2036-11-30T00:00:00Z",
    "created_by": "019ab2c4-0c00-7c00-8c00-5162738495a6",
    "created_at": "2026-11-23T08:00:00Z",
    "updated_at": "2026-11-23T08:00:00Z",
    "version": 1,
}


class OverridePut(Input):
    """The value that the tenant gets in place of its plan's."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{name: _OVERRIDE[name] for name in ("value", "reason", "expires_at")}]}
    )

    value: int = Field(ge=0, le=_MOST, strict=True)
    reason: Annotated[str, Line(500), Field(description="The reason, for the audit log.")]
    expires_at: Moment | None = Field(None, description="When the override ends; null: only when it is lifted.")


class OverrideRead(Read):
    """An override."""

    model_config = ConfigDict(json_schema_extra={"examples": [_OVERRIDE]})

    key: str = Field(description="The entitlement that it replaces.")
    value: int
    reason: str
    expires_at: datetime | None = Field(description="When the override ends; null: only when it is lifted.")
    created_by: UUID = Field(description="Id of the staff member who set it.")
    created_at: datetime
    updated_at: datetime
    version: Version
