"""Roles and permissions on the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import MISSING, AfterValidator, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from insula.access import Role, StaffRole
from insula.core.schemas import Input, Read, Update, Version
from insula.core.text import fields as text
from insula.http.responses.vocabulary import Vocabulary, word_of

_TAKEN: Final = frozenset[str]({*Role, *StaffRole})
_NAME: Final = StringConstraints(min_length=2, max_length=40, pattern=r"^[a-z0-9]+([-_][a-z0-9]+)*$")


def _not_built_in(key: str) -> str:
    if key in _TAKEN:
        raise ValueError("This role is built in")
    return key


RoleName = Annotated[
    str,
    _NAME,
    Field(
        description=f"A built-in role ({', '.join(Role)}), or the key of a custom role.",
        examples=["member"],
    ),
]
Key = Annotated[
    str,
    _NAME,
    AfterValidator(_not_built_in),
    Field(description="The role's name in members and invitations. Unique in the tenant; it never changes."),
]
Name = Annotated[text.Name, Field(description="The name for people.")]
Description = Annotated[str, text.FreeText(2_000), Field(description="Free text.")]
Permissions = Annotated[
    Sequence[Annotated[str, Field(max_length=64)]],
    Field(
        max_length=200,
        description="Codes from `GET /api/v1/permissions`. Your own role must have each of them.",
        json_schema_extra={"items": word_of(Vocabulary.PERMISSIONS)},
    ),
]

_PERMISSIONS: Final = (
    *("item:read", "member:leave", "plan:read", "project:create", "project:read", "project:update", "tenant:read"),
)
_EXAMPLE: Final[JsonDict] = {
    "key": "project-lead",
    "name": "Project lead",
    "description": "Plans projects and leaves the items to others.",
    "permissions": list(_PERMISSIONS),
}
_READ: Final[JsonDict] = {
    "id": "019ab2c4-5d00-7d00-8d00-1d2e3f405162",
    **_EXAMPLE,
    "created_at": "2026-11-23T09:00:00Z",
    "updated_at": "2026-11-23T09:00:00Z",
    "version": 1,
}
_BUILT_IN: Final[JsonDict] = {"key": "billing_manager", "permissions": ["member:leave", "tenant:read", "usage:read"]}
_PERMISSION: Final[JsonDict] = {
    "code": "project:create",
    "meaning": "Create projects",
    "app": "tenants",
    "for_people": False,
    "in_every_role": False,
}


class PermissionRead(Read):
    """A permission that custom roles can have."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PERMISSION]})

    code: str
    meaning: str = Field(description="What the permission allows.")
    app: str = Field(description="The app whose routes require it.")
    for_people: bool = Field(description="Whether no API key can have it.")
    in_every_role: bool = Field(description="Whether every role has it, even if it is not listed.")


class RoleCreate(Input):
    """A role to define."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    key: Key
    name: Name
    description: Description = ""
    permissions: Permissions


class RoleUpdate(Update):
    """The fields of a role to change. New permissions replace the old ones, and take effect within a second."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"permissions": [*_PERMISSIONS, "project:delete"]}, {"name": "Lead"}]}
    )

    name: Name | MISSING = MISSING
    description: Description | MISSING = MISSING
    permissions: Permissions | MISSING = MISSING


class RoleRead(Read):
    """A custom role."""

    model_config = ConfigDict(json_schema_extra={"examples": [_READ]})

    id: UUID
    key: str
    name: str
    description: str
    permissions: Sequence[str]
    created_at: datetime
    updated_at: datetime
    version: Version


class BuiltInRoleRead(Read):
    """A role that every tenant has. It cannot be changed."""

    model_config = ConfigDict(json_schema_extra={"examples": [_BUILT_IN]})

    key: str
    permissions: Sequence[str]


class RoleList(Read):
    """The roles that members can have."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"built_in": [_BUILT_IN], "own": [_READ]}]})

    built_in: Sequence[BuiltInRoleRead]
    own: Sequence[RoleRead] = Field(description="The tenant's custom roles, by key.")
