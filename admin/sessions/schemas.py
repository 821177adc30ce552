"""Users' logins, as staff see them."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from admin.bodies import Read
from insula.core.paging import MAX_LIMIT, MAX_SKIP


class SessionRead(Read):
    """A login, which ends by expiry or by being revoked."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019ab2c4-0d00-7d00-8d00-62738495a6b7",
                    "created_at": "2026-11-23T08:00:00Z",
                    "last_used_at": "2026-11-23T09:30:00Z",
                    "expires_at": "2026-12-23T08:00:00Z",
                    "revoked_at": None,
                }
            ]
        }
    )

    id: UUID
    created_at: datetime
    last_used_at: datetime = Field(description="When it last issued tokens.")
    expires_at: datetime
    revoked_at: datetime | None = Field(description="Null if it was not revoked.")


class SessionList(BaseModel):
    """Query parameters of the list of a user's logins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    live: bool | None = Field(None, description="true: only valid logins; false: only ended ones.")
    limit: int = Field(20, ge=1, le=MAX_LIMIT, description="The most items to return.")
    skip: int = Field(0, ge=0, le=MAX_SKIP, description="The number of items to skip.")
