"""The platform's staff on the wire."""

from datetime import datetime
from typing import Final, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from admin.bodies import STAFF_ID, Email, Read, Status
from insula.access import StaffRole
from insula.core.paging import SkipParams
from insula.core.schemas import Input
from insula.db.models import Staff, User

_STAFF: Final[JsonDict] = {
    "user_id": STAFF_ID,
    "email": "staff@insula.example",
    "name": "Vitruvius",
    "status": "active",
    "role": "support",
    "since": "2026-11-23T08:00:00Z",
}


class StaffAppoint(Input):
    """An existing user to appoint, named by id or by email."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user_id": STAFF_ID, "role": "support"}]},
    )

    user_id: UUID | None = Field(None, description="The user's id; this or `email`.")
    email: Email | None = Field(None, description="The user's address; this or `user_id`.")
    role: StaffRole

    @model_validator(mode="after")
    def _one_user(self) -> Self:
        if (self.user_id is None) == (self.email is None):
            raise ValueError("Name the user by `user_id` or by `email`")
        return self


class StaffUpdate(Input):
    """The new role."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "auditor"}]})

    role: StaffRole


class StaffRead(Read):
    """A member of the staff."""

    model_config = ConfigDict(json_schema_extra={"examples": [_STAFF]})

    user_id: UUID
    email: str
    name: str
    status: Status = Field(description="Suspended staff cannot log in.")
    role: StaffRole
    since: datetime = Field(description="When they joined the staff.")

    @classmethod
    def of(cls, staff: Staff, user: User) -> Self:
        """Shape a member of the staff."""
        return cls(
            user_id=user.id,
            email=user.email,
            name=user.name,
            status="active" if user.status == "active" else "suspended",
            role=StaffRole(staff.role),
            since=staff.created_at,
        )


class StaffList(SkipParams):
    """Query parameters of the list of staff. ``search`` looks into email and name."""

    role: StaffRole | None = Field(None, description="Only those with this role.")
    sort_by: Literal["email", "-email", "name", "-name"] = Field(
        "email", description="The field to sort by; a leading '-' sorts in descending order."
    )
