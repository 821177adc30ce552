"""Projects on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import MISSING, ConfigDict, Field
from pydantic.config import JsonDict

from insula.core.paging import KeysetParams
from insula.core.schemas import Input, Read, Update, Version
from insula.core.text import fields as text
from tenants.projects.models import ProjectStatus

Name = Annotated[text.Name, Field(description="Unique in the tenant.")]
Description = Annotated[str, text.FreeText(2_000), Field(description="Free text.")]
Status = Annotated[ProjectStatus, Field(description="An archived project is kept, but no longer active.")]

_EXAMPLE: JsonDict = {"name": "Website", "description": "The new public site.", "status": "active"}


class ProjectCreate(Input):
    """A project to create."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: Name
    description: Description = ""
    status: Status = "active"


class ProjectUpdate(Update):
    """The fields of a project to change."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "archived"}]})

    name: Name | MISSING = MISSING
    description: Description | MISSING = MISSING
    status: Status | MISSING = MISSING


class ProjectRead(Read):
    """A project."""

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


class ProjectList(KeysetParams):
    """Query parameters of the list of projects."""

    status: ProjectStatus | None = Field(None, description="Only projects in this state.")
    sort_by: Literal["created_at", "-created_at", "name", "-name"] = Field(
        "-created_at", description="The field to sort by; a leading '-' sorts in descending order."
    )
