"""API keys on the wire."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import MISSING, AfterValidator, ConfigDict, Field
from pydantic.config import JsonDict

from insula.core import clock
from insula.core.moments import Moment
from insula.core.paging import KeysetParams
from insula.core.schemas import Input, Read, Update, Version
from insula.core.text import fields as text
from insula.db.models import ApiKey
from insula.http.responses.vocabulary import Vocabulary, word_of
from insula.identity.credentials.api_keys import public_part
from insula.identity.credentials.rotation import Rotation

ApiKeyStatus = Literal["live", "expired", "revoked"]
_MOST_REQUESTS: Final = 1_000_000_000
_LONGEST_LIFE: Final = timedelta(days=3650)


def _in_future(moment: datetime) -> datetime:
    now = clock.now()
    if not now < moment <= now + _LONGEST_LIFE:
        raise ValueError("must be in the future, at most ten years from now")
    return moment


Name = Annotated[text.Name, Field(description="What the key is for.")]
Actions = Annotated[
    Sequence[Annotated[str, Field(max_length=64)]],
    Field(
        min_length=1,
        max_length=100,
        description="The actions of the key. Your own role must have each of them.",
        json_schema_extra={"items": word_of(Vocabulary.KEY_ACTIONS)},
    ),
]
ExpiresAt = Annotated[
    Annotated[Moment, AfterValidator(_in_future)] | None,
    Field(description="When the key stops working; null for never."),
]

RequestsPerMinute = Annotated[
    int,
    Field(
        ge=1,
        le=_MOST_REQUESTS,
        strict=True,
        description="The key's own limit, at most the tenant's, which applies too; null: only the tenant's.",
    ),
]

_ID = "019ab2c4-9c00-7a00-8a00-60718293a4b5"
_READ: JsonDict = {
    "id": _ID,
    "name": "Nightly import",
    "prefix": "insula_sk_01ftjsgr6p03nya1jpalnst3k4lztolcpmc0k5qzyysr2i1whh",
    "actions": ["item:create", "project:read"],
    "requests_per_minute": 600,
    "status": "live",
    "created_by": "019ab2c4-0b00-7b00-8b00-405162738495",
    "created_at": "2026-11-23T09:00:00Z",
    "updated_at": "2026-11-23T09:00:00Z",
    "version": 1,
    "expires_at": None,
    "revoked_at": None,
    "overlap_until": None,
    "last_used_at": None,
}


class ApiKeyCreate(Input):
    """An API key to make."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Nightly import", "actions": ["item:create", "project:read"]}]}
    )

    name: Name
    actions: Actions
    expires_at: ExpiresAt = None
    requests_per_minute: RequestsPerMinute | None = None


class ApiKeyUpdate(Update):
    """The fields of an API key to change."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Hourly import", "requests_per_minute": 60}]})

    name: Name | MISSING = MISSING
    requests_per_minute: RequestsPerMinute | MISSING | None = MISSING


class ApiKeyRotate(Rotation):
    """Options for a new secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_seconds": 3600}]})
    expires_at: ExpiresAt | MISSING = MISSING


class ApiKeysRevoke(Input):
    """The user whose API keys to revoke."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"created_by": "019ab2c4-0b00-7b00-8b00-405162738495"}]})

    created_by: UUID = Field(description="Id of the user who made them, member or not.")


class ApiKeyRead(Read):
    """An API key, without its secret: nobody can read that again."""

    model_config = ConfigDict(json_schema_extra={"examples": [_READ]})

    id: UUID
    name: str
    prefix: str = Field(description="The public start of the key, by which to recognize it where it is used.")
    actions: list[str]
    requests_per_minute: int | None = Field(description="The key's own limit; null: only the tenant's applies.")
    status: ApiKeyStatus
    created_by: UUID | None = Field(description="Id of the user who made it.")
    created_at: datetime
    updated_at: datetime
    version: Version
    expires_at: datetime | None
    revoked_at: datetime | None
    overlap_until: datetime | None = Field(description="Until when the secret from before the last rotation is valid.")
    last_used_at: datetime | None = Field(description="Accurate to about a minute.")

    @classmethod
    def of(cls, row: object) -> Self:
        """Return the key as it goes over the wire."""
        return cls.model_validate(_fields(row) if isinstance(row, ApiKey) else row)


class ApiKeyIssued(ApiKeyRead):
    """An API key with its secret, which is shown only once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {**_READ, "key": f"{_READ['prefix']}_5m8w2k0x7c4v9b3n6q1l8z2j5h7g4f0d3s6a9p1o2i8u7y4t5r_1w5kx0a"}
            ]
        }
    )

    key: str | None = Field(description="The secret: store it now. Null if an idempotency key was used again.")

    @classmethod
    def with_secret(cls, row: ApiKey, key: str | None) -> Self:
        """Return the key with its secret, or with none."""
        return cls.model_validate({**_fields(row), "key": key})


class ApiKeyList(KeysetParams):
    """Query parameters of the list of API keys."""

    created_by: UUID | None = Field(None, description="Only keys that this user made.")
    status: ApiKeyStatus | None = Field(None, description="Only keys in this state.")
    sort_by: Literal["created_at", "-created_at", "name", "-name"] = Field(
        "-created_at", description="The field to sort by; a leading '-' sorts in descending order."
    )


def _fields(row: ApiKey) -> dict[str, object]:
    return {
        **row.model_dump(),
        "prefix": public_part(row.tenant_id, row.id),
        "status": _status(row),
        "overlap_until": row.previous_until,
    }


def _status(row: ApiKey) -> ApiKeyStatus:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= clock.now() else "live"
