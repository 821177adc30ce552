"""What a verified access token says, and the profile (RFC 9068) that it must fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard
from uuid import UUID

from insula.core.errors import Unauthenticated
from insula.core.ids import TenantId, UserId

TOKEN_TYPE = "at+jwt"  # noqa: S105 - the media type of RFC 9068, not a secret
FIRST_PARTY_CLIENT = "insula"
_LATEST = 2**53  # what a JSON number carries exactly
_LONGEST_TEXT = 255
_LONGEST_SCOPE = 4096


@dataclass(frozen=True, slots=True)
class Claims:
    """The subject of a verified token: for one user, one session, one audience, at most one tenant."""

    user_id: UserId
    session_id: UUID
    tenant_id: TenantId | None
    audience: str
    scopes: frozenset[str] | None
    """The actions that the token is limited to; None: all that the user's role allows."""
    expires_at: float
    token_id: str


@dataclass(frozen=True, slots=True)
class Profile:
    """What a token's claims are held against: its issuer and the clock skew that is forgiven."""

    issuer: str
    leeway: float

    def read(self, payload: Mapping[str, object], now: float) -> Claims:
        """Return the claims of ``payload``, every one required except ``tenant`` and ``scope``.

        A claim that is absent, of another type or outside its bounds raises Unauthenticated; nothing
        is coerced. The audience is one exact string, never a list.
        """
        if _text(payload, "iss") != self.issuer:
            raise Unauthenticated
        expires_at = _moment(payload, "exp")
        if now >= expires_at + self.leeway or now < max(_moment(payload, "nbf"), _moment(payload, "iat")) - self.leeway:
            raise Unauthenticated
        tenant = _uuid(payload, "tenant") if "tenant" in payload else None
        return Claims(
            user_id=UserId(_uuid(payload, "sub")),
            session_id=_uuid(payload, "sid"),
            tenant_id=TenantId(tenant) if tenant else None,
            audience=_text(payload, "aud"),
            scopes=_scopes(payload),
            expires_at=expires_at,
            token_id=_text(payload, "jti"),
        )


def _text(payload: Mapping[str, object], name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT:
        raise Unauthenticated
    return value


def _moment(payload: Mapping[str, object], name: str) -> float:
    """Return a NumericDate. No bool, NaN, infinity or number beyond what a double holds exactly."""
    value = payload.get(name)
    if not _is_number(value) or not 0 <= value <= _LATEST:
        raise Unauthenticated
    return float(value)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _uuid(payload: Mapping[str, object], name: str) -> UUID:
    """Return a UUID in its one canonical spelling, so that equal ids are equal strings everywhere."""
    text = _text(payload, name)
    try:
        value = UUID(text)
    except ValueError as error:
        raise Unauthenticated from error
    if str(value) != text:
        raise Unauthenticated
    return value


def _scopes(payload: Mapping[str, object]) -> frozenset[str] | None:
    """Return the actions that the token names. Without the claim our own client has the role, others have nothing."""
    client = _text(payload, "client_id")
    if "scope" not in payload:
        return None if client == FIRST_PARTY_CLIENT else frozenset()
    value = payload["scope"]
    if not isinstance(value, str) or len(value) > _LONGEST_SCOPE:
        raise Unauthenticated
    return frozenset(value.split())
