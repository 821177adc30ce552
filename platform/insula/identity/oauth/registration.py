"""The rules for registering a client that hold for tenants' clients and for the platform's own."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from insula.db.models import FirstPartyClient, OAuthClient


class ClientKind(StrEnum):
    """Whether a client can keep a secret."""

    CONFIDENTIAL = "confidential"
    """It runs on a server."""
    PUBLIC = "public"
    """It runs on its users' devices: a page, an app on a phone, a program for a terminal."""


class Grant(StrEnum):
    """The ways to a token, by their names in OAuth."""

    AUTHORIZATION_CODE = "authorization_code"
    """A user signs in and agrees."""
    REFRESH_TOKEN = "refresh_token"  # noqa: S105  # the name of a grant
    """A client that a user has signed in to renews its tokens."""
    CLIENT_CREDENTIALS = "client_credentials"
    """A machine acts for itself, without a user."""


def contradictions(
    kind: ClientKind,
    grants: Collection[Grant],
    redirect_uris: Collection[str],
    post_logout_redirect_uris: Collection[str] = (),
) -> Mapping[str, str]:
    """Return the faults of a registration by field; empty if there are none."""
    found: dict[str, str] = {}
    if Grant.CLIENT_CREDENTIALS in grants and kind is ClientKind.PUBLIC:
        found["grants"] = "a public client has no secret, so it cannot use client_credentials"
    elif Grant.REFRESH_TOKEN in grants and Grant.AUTHORIZATION_CODE not in grants:
        found["grants"] = "refresh_token needs authorization_code"
    if Grant.AUTHORIZATION_CODE in grants and not redirect_uris:
        found["redirect_uris"] = "authorization_code needs a redirect URI"
    elif redirect_uris and Grant.AUTHORIZATION_CODE not in grants:
        found["redirect_uris"] = "only authorization_code uses redirect URIs"
    if post_logout_redirect_uris and Grant.AUTHORIZATION_CODE not in grants:
        found["post_logout_redirect_uris"] = "only authorization_code signs users in, and out again"
    return found


def without_repeats(redirect_uris: Collection[str]) -> list[str]:
    """Return each redirect URI once, in their order."""
    return list(dict.fromkeys(redirect_uris))


def fields_of(row: OAuthClient | FirstPartyClient) -> dict[str, object]:
    """Return the fields of a client as it is shown, its hashes among them: the caller's schema leaves those out."""
    return {
        **row.model_dump(),
        "status": "live" if row.revoked_at is None else "revoked",
        "overlap_until": row.previous_until,
    }
