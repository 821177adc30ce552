"""The rotation of machines' secrets, API keys' and OAuth clients': the previous one stays valid during an overlap."""

from datetime import timedelta
from typing import Final

from pydantic import Field

from insula.core import clock
from insula.core.schemas import Input
from insula.db.models import ApiKey, FirstPartyClient, OAuthClient

MAX_OVERLAP: Final = timedelta(days=7)
DEFAULT_OVERLAP: Final = timedelta(days=1)

Rotatable = ApiKey | OAuthClient | FirstPartyClient


class Rotation(Input):
    """Options for a new secret."""

    overlap_seconds: int = Field(
        int(DEFAULT_OVERLAP.total_seconds()),
        ge=0,
        le=int(MAX_OVERLAP.total_seconds()),
        description="How long the old secret stays valid.",
    )


def replace_secret(row: Rotatable, digest: bytes, options: Rotation) -> None:
    """Store the new secret's hash. The current secret works until the overlap ends; an older one stops working."""
    overlap = timedelta(seconds=options.overlap_seconds)
    row.previous_hash = row.secret_hash if overlap else None
    row.previous_until = clock.now() + overlap if overlap else None
    row.secret_hash = digest


def revoke_secrets(row: Rotatable) -> None:
    """Revoke the key or client with every secret it has."""
    row.revoked_at = clock.now()
    row.previous_hash = row.previous_until = None
