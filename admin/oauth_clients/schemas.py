"""The platform's own OAuth clients on the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import MISSING, ConfigDict, Field
from pydantic.config import JsonDict

from admin.bodies import STAFF_ID, Read
from insula.core.paging import OffsetParams
from insula.core.schemas import Input, Update, Version
from insula.core.text import fields as text
from insula.db.models import FirstPartyClient
from insula.identity.credentials.rotation import Rotation
from insula.identity.oauth.redirect_uris import MOST_URIS, PostLogoutRedirectUris, RedirectUri
from insula.identity.oauth.registration import ClientKind, Grant, fields_of

Status = Literal["live", "revoked"]
OfUsers = Literal[Grant.AUTHORIZATION_CODE, Grant.REFRESH_TOKEN]
"""A client of the platform acts for users alone: no machine of its own could be in a tenant."""


Name = Annotated[text.Name, Field(description="The client's name.")]
RedirectUris = Annotated[
    Sequence[RedirectUri],
    Field(min_length=1, max_length=MOST_URIS, description="Where users come back to."),
]

_READ: JsonDict = {
    "id": "019ab2c4-9e00-7a00-8a00-8293a4b5c6d7",
    "name": "Web app",
    "kind": "public",
    "redirect_uris": ["https://app.example.com/callback"],
    "post_logout_redirect_uris": ["https://app.example.com/"],
    "grants": ["authorization_code", "refresh_token"],
    "status": "live",
    "created_by": STAFF_ID,
    "created_at": "2026-11-23T09:00:00Z",
    "updated_at": "2026-11-23T09:00:00Z",
    "version": 1,
    "revoked_at": None,
    "overlap_until": None,
}


class FirstPartyClientCreate(Input):
    """A client of the platform to register."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Web app", "kind": "public", "redirect_uris": ["https://app.example.com/callback"]},
            ]
        }
    )

    name: Name
    kind: ClientKind = Field(description="A public client has no secret; never changes.")
    grants: Sequence[OfUsers] = Field(
        (Grant.AUTHORIZATION_CODE, Grant.REFRESH_TOKEN),
        min_length=1,
        max_length=2,
        description="How the client gets tokens; never changes.",
    )
    redirect_uris: RedirectUris
    post_logout_redirect_uris: PostLogoutRedirectUris = ()


class FirstPartyClientUpdate(Update):
    """The fields of a client of the platform to change."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Web app"}]})

    name: Name | MISSING = MISSING
    redirect_uris: RedirectUris | MISSING = MISSING
    post_logout_redirect_uris: PostLogoutRedirectUris | MISSING = MISSING


class FirstPartyClientRotate(Rotation):
    """Options for a new secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_seconds": 3600}]})


class FirstPartyClientRead(Read):
    """A client of the platform, without its secret: nobody can read that again."""

    model_config = ConfigDict(json_schema_extra={"examples": [_READ]})

    id: UUID = Field(description="The `client_id`.")
    name: str
    kind: ClientKind
    redirect_uris: list[str]
    post_logout_redirect_uris: list[str]
    grants: list[str]
    status: Status
    created_by: UUID | None = Field(description="Id of the staff member who registered it.")
    created_at: datetime
    updated_at: datetime
    version: Version
    revoked_at: datetime | None
    overlap_until: datetime | None = Field(description="Until when the secret from before the last rotation is valid.")

    @classmethod
    def of(cls, row: FirstPartyClient) -> Self:
        """Return the client as it goes over the wire."""
        return cls.model_validate(fields_of(row))


class FirstPartyClientIssued(FirstPartyClientRead):
    """A client of the platform with its secret, which is shown only once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_READ, "client_secret": None}]})

    client_secret: str | None = Field(
        description="The secret: store it now. Null for a public client, and if an idempotency key was used again."
    )

    @classmethod
    def with_secret(cls, row: FirstPartyClient, secret: str | None) -> Self:
        """Return the client with its secret, or with none."""
        return cls.model_validate({**fields_of(row), "client_secret": secret})


class FirstPartyClientList(OffsetParams):
    """Query parameters of the list of the platform's clients. ``search`` looks into the name."""

    status: Status | None = Field(None, description="Only clients in this state.")
    sort_by: Literal["created_at", "-created_at", "name", "-name"] = Field(
        "-created_at", description="The field to sort by; a leading '-' sorts in descending order."
    )
