"""Racks on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import MISSING, ConfigDict, Field
from pydantic.config import JsonDict

from insula.core.paging import KeysetParams
from insula.core.schemas import Input, Read, Update, Version
from insula.core.text import fields as text
from tests.probe.racks.models import RackStatus

Name = Annotated[text.Name, Field(description="Unique in the tenant.")]
Description = Annotated[str, text.FreeText(2_000), Field(description="Free text.")]
Status = Annotated[RackStatus, Field(description="An archived rack is kept, out of the way.")]

_EXAMPLE: JsonDict = {"name": "Poetry", "description": "Verse and its translations.", "status": "active"}


class RackCreate(Input):
    """A rack to create."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: Name
    description: Description = ""
    status: Status = "active"


class RackUpdate(Update):
    """The fields of a rack to change."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "archived"}]})

    name: Name | MISSING = MISSING
    description: Description | MISSING = MISSING
    status: Status | MISSING = MISSING


class RackRead(Read):
    """A rack."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019ab2c4-7d11-7c3e-9f00-1d2e3f405162",
                    **_EXAMPLE,
                    "created_at": "2026-11-23T09:00:00Z",
                    "updated_at": "2026-11-23T09:00:00Z",
                    "version": 1,
                }
            ]
        }
    )

    id: UUID
    name: str
    description: str
    status: Status
    created_at: datetime
    updated_at: datetime
    version: Version


class RackList(KeysetParams):
    """Query parameters of the list of racks."""

    status: RackStatus | None = Field(None, description="Only racks in this state.")
    sort_by: Literal["created_at", "-created_at", "name", "-name"] = Field(
        "-created_at", description="The field to sort by; a leading '-' sorts in descending order."
    )
