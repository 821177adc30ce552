"""A project's items on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import MISSING, ConfigDict, FailFast, Field
from pydantic.config import JsonDict

from insula.core.paging import KeysetParams
from insula.core.schemas import Input, Read, Update, Version
from insula.core.text import fields as text
from tenants.items.models import ItemStatus

BULK_LIMIT = 1_000

Title = Annotated[text.Title, Field(description="What is to be done.")]
Body = Annotated[str, text.FreeText(10_000), Field(description="Free text.")]
Status = Annotated[ItemStatus, Field(description="The item's progress.")]
Position = Annotated[int, Field(ge=0, le=1_000_000, description="Its place in the project; not unique.")]
Assignee = Annotated[UUID | None, Field(description="Id of the assignee's membership; null: not assigned.")]

_EXAMPLE: JsonDict = {
    "title": "Write the front page",
    "body": "Two paragraphs and a picture.",
    "status": "open",
    "position": 10,
    "assignee_id": None,
}


class ItemCreate(Input):
    """An item to create."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    title: Title
    body: Body = ""
    status: Status = "open"
    position: Position = 0
    assignee_id: Assignee = None


class ItemUpdate(Update):
    """The fields of an item to change."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "done"}]})

    title: Title | MISSING = MISSING
    body: Body | MISSING = MISSING
    status: Status | MISSING = MISSING
    position: Position | MISSING = MISSING
    assignee_id: Assignee | MISSING = MISSING


class ItemRead(Read):
    """An item of a project."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019ab2c4-9a20-7b51-8c00-2e3f40516273",
                    "project_id": "019ab2c4-7d11-7c3e-9f00-1d2e3f405162",
                    **_EXAMPLE,
                    "created_at": "2026-11-23T09:05:00Z",
                    "updated_at": "2026-11-23T09:05:00Z",
                    "version": 1,
                }
            ]
        }
    )

    id: UUID
    project_id: UUID
    title: str
    body: str
    status: Status
    position: Position
    assignee_id: Assignee
    created_at: datetime
    updated_at: datetime
    version: Version


class ItemBulkCreate(Input):
    """Items to create together: all of them or, if one is invalid, none."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE]}]})

    items: Annotated[list[ItemCreate], FailFast()] = Field(
        min_length=1, max_length=BULK_LIMIT, description="The items, in order."
    )


class ItemBulkRead(Read):
    """The items that were created together."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ids": ["019ab2c4-9a20-7b51-8c00-2e3f40516273"]}]},
    )

    ids: list[UUID] = Field(description="The new items' ids, in the order of the request.")


class ItemList(KeysetParams):
    """Query parameters of the list of items of a project."""

    status: ItemStatus | None = Field(None, description="Only items in this state.")
    sort_by: Literal["created_at", "-created_at", "title", "-title", "position", "-position"] = Field(
        "-created_at", description="The field to sort by; a leading '-' sorts in descending order."
    )
