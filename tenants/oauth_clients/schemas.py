"""OAuth clients on the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import MISSING, ConfigDict, Field
from pydantic.config import JsonDict

from insula.core.paging import KeysetParams
from insula.core.schemas import Input, Read, Update, Version
from insula.core.text import fields as text
from insula.db.models import Membership, OAuthClient, OAuthConsent
from insula.http.responses.vocabulary import Vocabulary, word_of
from insula.identity.credentials.rotation import Rotation
from insula.identity.oauth.redirect_uris import MOST_URIS, PostLogoutRedirectUris, RedirectUri
from insula.identity.oauth.registration import ClientKind, Grant, fields_of

OAuthClientStatus = Literal["live", "revoked"]

Name = Annotated[text.Name, Field(description="What users see when the client asks for access.")]
RedirectUris = Annotated[
    Sequence[RedirectUri],
    Field(
        max_length=MOST_URIS,
        description="Where users come back to. A client with `authorization_code` needs one; other clients have none.",
    ),
]
Grants = Annotated[
    Sequence[Grant],
    Field(min_length=1, max_length=len(Grant), description="How the client gets tokens; never changes."),
]
Scopes = Annotated[
    Sequence[Annotated[str, Field(max_length=64)]],
    Field(
        min_length=1,
        max_length=200,
        description="The actions that the client's tokens can have. Your own role must have each of them. "
        "A client with `client_credentials` can have those of API keys.",
        json_schema_extra={"items": word_of(Vocabulary.PERMISSIONS)},
    ),
]

_ID = "019ab2c4-9d00-7a00-8a00-718293a4b5c6"
_READ: JsonDict = {
    "id": _ID,
    "name": "Nightly export",
    "kind": "confidential",
    "redirect_uris": [],
    "post_logout_redirect_uris": [],
    "grants": ["client_credentials"],
    "scopes": ["member:read", "tenant:read"],
    "status": "live",
    "created_by": "019ab2c4-0b00-7b00-8b00-405162738495",
    "created_at": "2026-11-23T09:00:00Z",
    "updated_at": "2026-11-23T09:00:00Z",
    "version": 1,
    "revoked_at": None,
    "overlap_until": None,
}
_SECRET: Final = "insula_cs_019ab2c49d007a008a00718293_5m8w2k0x7c4v9b3n6q1l8z2j5h7g4f0d3s6a9p1o2i8u7y4t5r_1w5kx0a"  # noqa: S105  # an example


class OAuthClientCreate(Input):
    """An OAuth client to register."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Nightly export",
                    "kind": "confidential",
                    "grants": ["client_credentials"],
                    "scopes": ["member:read", "tenant:read"],
                }
            ]
        }
    )

    name: Name
    kind: ClientKind = Field(description="A public client has no secret; never changes.")
    grants: Grants
    redirect_uris: RedirectUris = ()
    post_logout_redirect_uris: PostLogoutRedirectUris = ()
    scopes: Scopes


class OAuthClientUpdate(Update):
    """The fields of an OAuth client to change."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Hourly export", "scopes": ["member:read"]}]})

    name: Name | MISSING = MISSING
    redirect_uris: RedirectUris | MISSING = MISSING
    post_logout_redirect_uris: PostLogoutRedirectUris | MISSING = MISSING
    scopes: Scopes | MISSING = MISSING


class OAuthClientRotate(Rotation):
    """Options for a new secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_seconds": 3600}]})


class OAuthClientRead(Read):
    """An OAuth client, without its secret: nobody can read that again."""

    model_config = ConfigDict(json_schema_extra={"examples": [_READ]})

    id: UUID = Field(description="The `client_id`.")
    name: str
    kind: ClientKind
    redirect_uris: list[str]
    post_logout_redirect_uris: list[str]
    grants: list[str]
    scopes: list[str]
    status: OAuthClientStatus
    created_by: UUID | None = Field(description="Id of the user who registered it.")
    created_at: datetime
    updated_at: datetime
    version: Version
    revoked_at: datetime | None
    overlap_until: datetime | None = Field(description="Until when the secret from before the last rotation is valid.")

    @classmethod
    def of(cls, row: object) -> Self:
        """Return the client as it goes over the wire."""
        return cls.model_validate(fields_of(row) if isinstance(row, OAuthClient) else row)


class OAuthClientIssued(OAuthClientRead):
    """An OAuth client with its secret, which is shown only once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_READ, "client_secret": _SECRET}]})

    client_secret: str | None = Field(
        description="The secret: store it now. Null for a public client, and if an idempotency key was used again."
    )

    @classmethod
    def with_secret(cls, row: OAuthClient, secret: str | None) -> Self:
        """Return the client with its secret, or with none."""
        return cls.model_validate({**fields_of(row), "client_secret": secret})


class OAuthClientList(KeysetParams):
    """Query parameters of the list of OAuth clients."""

    kind: ClientKind | None = Field(None, description="Only clients of this kind.")
    status: OAuthClientStatus | None = Field(None, description="Only clients in this state.")
    sort_by: Literal["created_at", "-created_at", "name", "-name"] = Field(
        "-created_at", description="The field to sort by; a leading '-' sorts in descending order."
    )


class ClientConsentRead(Read):
    """A user's consent that the client acts for them in this tenant."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019ab2c4-9e00-7b00-8b00-8293a4b5c6d7",
                    "user_id": "019ab2c4-0b00-7b00-8b00-405162738495",
                    "member_id": "019ab2c4-0d00-7d00-8d00-627384950617",
                    "name": "Ada",
                    "scopes": ["member:read", "openid"],
                    "created_at": "2026-11-23T09:00:00Z",
                    "updated_at": "2026-11-24T10:30:00Z",
                }
            ]
        }
    )

    id: UUID
    user_id: UUID
    member_id: UUID | None = Field(description="The user's membership; null if they have left the tenant.")
    name: str | None = Field(description="The member's name; null if they have left the tenant.")
    scopes: list[str] = Field(description="What the client may do for the user.")
    created_at: datetime = Field(description="When the user agreed.")
    updated_at: datetime = Field(description="When the user last agreed, maybe to more scopes.")

    @classmethod
    def with_member(cls, consent: OAuthConsent, member: Membership | None) -> Self:
        """Return the consent as it goes over the wire; ``member`` is None for a user who has left."""
        return cls(
            id=consent.id,
            user_id=consent.user_id,
            member_id=None if member is None else member.id,
            name=None if member is None else member.name,
            scopes=consent.scopes,
            created_at=consent.created_at,
            updated_at=consent.updated_at,
        )


class ClientConsentList(KeysetParams):
    """Query parameters of the list of users' consents to a client."""

    sort_by: Literal["created_at", "-created_at"] = Field(
        "-created_at", description="The field to sort by; a leading '-' sorts in descending order."
    )
