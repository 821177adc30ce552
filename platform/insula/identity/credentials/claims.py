"""The claims of a verified access token, and the profile (RFC 9068) that they must match."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self, TypeGuard
from uuid import UUID

from insula.core.errors import Unauthenticated
from insula.core.ids import TenantId, UserId

TOKEN_TYPE = "at+jwt"  # noqa: S105 - the media type of RFC 9068, not a secret
FIRST_PARTY_CLIENT = "insula"
"""The client of tokens that are issued outside OAuth: by sign-in at ``/auth/login`` and by ``insula token``."""
IDENTITY_SCOPES: Final = frozenset({"openid", "profile", "email", "offline_access"})
"""The scopes of OpenID Connect: they show who the user is, and allow no action."""
_LATEST = 2**53  # the largest exact integer in JSON
_LONGEST_TEXT = 255
_LONGEST_SCOPE = 4096


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a verified token: one user, one session, one audience, at most one tenant."""

    user_id: UserId
    session_id: UUID
    tenant_id: TenantId | None
    audience: str
    scopes: frozenset[str] | None
    """The actions to which the token is limited; None for all that the user's role allows."""
    expires_at: float
    token_id: str
    client_id: str = FIRST_PARTY_CLIENT
    identity_scopes: frozenset[str] = frozenset()
    """Those of ``IDENTITY_SCOPES`` that the token has."""
    issued_at: float = field(default=0.0, compare=False)

    @property
    def subjects(self) -> frozenset[UUID]:
        """The subjects whose change can end the token's access."""
        return frozenset((self.user_id,) if self.tenant_id is None else (self.user_id, self.tenant_id))


@dataclass(frozen=True, slots=True)
class MachineClaims:
    """The claims of a verified token that an OAuth client got for itself: one tenant, one audience, no user."""

    client_id: UUID
    tenant_id: TenantId
    audience: str
    scopes: frozenset[str]
    """The actions to which the token is limited."""
    expires_at: float
    token_id: str
    issued_at: float = field(default=0.0, compare=False)

    @property
    def subjects(self) -> frozenset[UUID]:
        """The subjects whose change can end the token's access."""
        return frozenset((self.client_id, self.tenant_id))


@dataclass(frozen=True, slots=True)
class Hint:
    """The claims of an ID token that its client sends back as a hint: the client, its user and its session."""

    client_id: UUID
    user_id: UserId
    session_id: UUID

    @classmethod
    def of(cls, payload: Mapping[str, object], issuer: str) -> Self:
        """Return the claims. An expired token is accepted (OpenID Connect RP-Initiated Logout 1.0, section 2).

        Raises Unauthenticated for another issuer, and for a claim that is absent or of the wrong type.
        """
        if _text(payload, "iss") != issuer:
            raise Unauthenticated
        return cls(_uuid(payload, "aud"), UserId(_uuid(payload, "sub")), _uuid(payload, "sid"))


@dataclass(frozen=True, slots=True)
class TokenProfile:
    """The expected issuer, and the tolerated clock skew."""

    issuer: str
    leeway: float

    def read(self, payload: Mapping[str, object], now: float) -> Claims | MachineClaims:
        """Return the claims of ``payload``. For a user all are required except ``tenant`` and ``scope``.

        A token without a session is a machine's. It must name its client twice, as RFC 9068 says, and a tenant.

        Raises Unauthenticated for a claim that is absent, of the wrong type or out of bounds; nothing is coerced. The
        audience is one string, never a list.
        """
        if _text(payload, "iss") != self.issuer:
            raise Unauthenticated
        expires_at = _moment(payload, "exp")
        issued_at = _moment(payload, "iat")
        if now >= expires_at + self.leeway or now < max(_moment(payload, "nbf"), issued_at) - self.leeway:
            raise Unauthenticated
        if "sid" not in payload:
            return _machine(payload, expires_at, issued_at)
        tenant = _uuid(payload, "tenant") if "tenant" in payload else None
        scopes = _scopes(payload)
        return Claims(
            user_id=UserId(_uuid(payload, "sub")),
            session_id=_uuid(payload, "sid"),
            tenant_id=TenantId(tenant) if tenant else None,
            audience=_text(payload, "aud"),
            scopes=_actions(payload, scopes),
            expires_at=expires_at,
            token_id=_text(payload, "jti"),
            client_id=_text(payload, "client_id"),
            identity_scopes=IDENTITY_SCOPES & (scopes or frozenset()),
            issued_at=issued_at,
        )


def _machine(payload: Mapping[str, object], expires_at: float, issued_at: float) -> MachineClaims:
    client_id = _uuid(payload, "client_id")
    if _uuid(payload, "sub") != client_id:
        raise Unauthenticated
    return MachineClaims(
        client_id=client_id,
        tenant_id=TenantId(_uuid(payload, "tenant")),
        audience=_text(payload, "aud"),
        scopes=_scopes(payload) or frozenset(),
        expires_at=expires_at,
        token_id=_text(payload, "jti"),
        issued_at=issued_at,
    )


def _text(payload: Mapping[str, object], name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_TEXT:
        raise Unauthenticated
    return value


def _moment(payload: Mapping[str, object], name: str) -> float:
    """Return a NumericDate. Refuses bool, NaN, infinity, and numbers that a double cannot hold exactly."""
    value = payload.get(name)
    if not _is_number(value) or not 0 <= value <= _LATEST:
        raise Unauthenticated
    return float(value)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _uuid(payload: Mapping[str, object], name: str) -> UUID:
    """Return a UUID. Refuses other than canonical spellings, so that equal ids are equal strings everywhere."""
    text = _text(payload, name)
    try:
        value = UUID(text)
    except ValueError as error:
        raise Unauthenticated from error
    if str(value) != text:
        raise Unauthenticated
    return value


def _actions(payload: Mapping[str, object], scopes: frozenset[str] | None) -> frozenset[str] | None:
    """Return the token's actions. If it names none, our own clients may do all that the role allows, others nothing.

    A client of the platform itself is told by the claim ``first_party``, which only the issuer writes.
    """
    actions = (scopes or frozenset()) - IDENTITY_SCOPES
    if actions:
        return actions
    if _text(payload, "client_id") == FIRST_PARTY_CLIENT:
        return None if scopes is None else actions
    return None if payload.get("first_party") is True else actions


def _scopes(payload: Mapping[str, object]) -> frozenset[str] | None:
    """Return the token's scopes, or None if it has none."""
    if "scope" not in payload:
        return None
    value = payload["scope"]
    if not isinstance(value, str) or len(value) > _LONGEST_SCOPE:
        raise Unauthenticated
    return frozenset(value.split())
