"""Revocation (RFC 7009) and introspection (RFC 7662): Authlib's endpoints, over our tokens.

Authlib refuses unknown token type hints and foreign tokens. Here a hint changes nothing, because a token tells its type
itself, and a foreign token gets the answer for a token that is nowhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from authlib.oauth2.rfc6749.errors import InvalidRequestError, OAuth2Error
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from sqlalchemy.util import await_only, greenlet_spawn

from insula.audit import NO_ORIGIN, Origin
from insula.core import clock
from insula.core.ids import TenantId
from insula.identity.credentials.claims import Claims, MachineClaims
from insula.identity.oauth.clients import Client
from insula.identity.oauth.front import FormRequest
from insula.identity.oauth.grants import METHODS, MachineGrant
from insula.identity.oauth.issued_tokens import IsLive, IssuedTokens, LiveRefreshToken, UserAccess, is_refresh_token
from insula.identity.oauth.registration import Grant
from insula.identity.oauth.server import Answer, Parts, TokenRequest, TokenServer

Description = Mapping[str, object]

WITH_SECRET: Final = tuple(MachineGrant.TOKEN_ENDPOINT_AUTH_METHODS)
"""How confidential clients authenticate, by the names in RFC 7591."""


class NotRevocableError(OAuth2Error):  # type: ignore[misc]  # Authlib ships no types
    """RFC 7009: the server cannot revoke tokens of this type, so the token still works."""

    error = "unsupported_token_type"
    description = "A token that a client got for itself ends when it expires or the client is revoked, not before."


class Revocation(RevocationEndpoint):  # type: ignore[misc]  # as above
    """A client ends the session of its token."""

    CLIENT_AUTH_METHODS: ClassVar = [*METHODS]

    def authenticate_token(self, request: TokenRequest, client: Client) -> str:  # noqa: ARG002  # Authlib's signature
        """Return the presented text."""
        return _presented(request)

    def revoke_token(self, token: str, request: TokenRequest) -> None:
        """End the session, if the token is one of the client's."""
        await_only(self.server.revoke(token, request.client))


class Introspection(IntrospectionEndpoint):  # type: ignore[misc]  # as above
    """A confidential client asks whether its token is alive."""

    CLIENT_AUTH_METHODS: ClassVar = [*WITH_SECRET]

    def authenticate_token(self, request: TokenRequest, client: Client) -> Description | None:
        """Return the description of a live token of this client, or None."""
        described: Description | None = await_only(self.server.describe(_presented(request), client))
        return described

    def create_introspection_payload(self, token: Description | None) -> Description:
        """Return the answer. About any other token it says nothing more than that it is not active."""
        return {"active": False} if token is None else {"active": True, **token}


def _presented(request: TokenRequest) -> str:
    if "token" not in request.form:
        raise InvalidRequestError("The parameter token is missing.")
    return request.form["token"]


@dataclass(frozen=True, slots=True)
class Issued:
    """The tokens of this installation: ``issuer`` is their ``iss``; ``is_live`` decides as the apps do."""

    tokens: IssuedTokens
    is_live: IsLive
    issuer: str


class TokenStatusServer(TokenServer):
    """Authlib's server for one request about a token."""

    def __init__(self, parts: Parts, issued: Issued, endpoint: str, origin: Origin = NO_ORIGIN) -> None:
        super().__init__(parts, endpoint, origin)
        self._issued = issued
        self.register_endpoint(Revocation)
        self.register_endpoint(Introspection)

    async def answer_revocation(self, request: FormRequest) -> Answer:
        """Return the answer of the revocation endpoint."""
        return await self._answer(Revocation.ENDPOINT_NAME, request)

    async def answer_introspection(self, request: FormRequest) -> Answer:
        """Return the answer of the introspection endpoint."""
        return await self._answer(Introspection.ENDPOINT_NAME, request)

    async def _answer(self, endpoint: str, request: FormRequest) -> Answer:
        answer: Answer = await greenlet_spawn(self.create_endpoint_response, endpoint, request)
        return answer

    async def revoke(self, token: str, client: Client) -> None:
        """End the session of a token of the client. Raises NotRevocableError for a live token without a session."""
        tokens, client_id = self._issued.tokens, client.record.client_id
        if is_refresh_token(token):
            await tokens.end_by_refresh_token(token, client_id, self.origin)
            return
        claims = await tokens.access_token(token, client_id)
        if isinstance(claims, MachineClaims):
            raise NotRevocableError
        if claims is not None:
            await tokens.end_session(claims.session_id, client_id, self.origin)

    async def describe(self, token: str, client: Client) -> Description | None:
        """Return the description of a live token of the client, or None."""
        if is_refresh_token(token):
            live = await self._issued.tokens.refresh_token(token, client.record.client_id)
            return None if live is None else await self._refreshing(live, client)
        claims = await self._issued.tokens.access_token(token, client.record.client_id)
        if claims is None or clock.timestamp() >= claims.expires_at:
            return None
        return self._of_machine(claims, client) if isinstance(claims, MachineClaims) else await self._of_user(claims)

    async def _refreshing(self, token: LiveRefreshToken, client: Client) -> Description | None:
        access = token.access
        if not client.check_grant_type(Grant.REFRESH_TOKEN) or not await self._issued.is_live(access):
            return None
        return {
            "iss": self._issued.issuer,
            "aud": self._issued.issuer,  # so that nobody takes it for an access token
            "sub": str(access.user_id),
            "client_id": client.get_client_id(),
            **_scope(token.scopes),
            "exp": int(token.expires_at.timestamp()),
            "iat": int(token.created_at.timestamp()),
            **_tenant(access.tenant_id),
            "sid": str(access.session_id),
            "token_type": "refresh_token",
        }

    async def _of_user(self, claims: Claims) -> Description | None:
        access = UserAccess(claims.user_id, claims.session_id, claims.audience, claims.tenant_id)
        if not await self._issued.is_live(access):
            return None
        named = (claims.scopes or frozenset()) | claims.identity_scopes
        return {
            **self._of_access_token(claims),
            "sub": str(claims.user_id),
            **_scope(None if claims.scopes is None and not named else named),
            "sid": str(claims.session_id),
        }

    def _of_machine(self, claims: MachineClaims, client: Client) -> Description | None:
        record = client.record
        if record.tenant_id != claims.tenant_id or record.scopes is None or claims.audience not in self._parts.machines:
            return None
        return {
            **self._of_access_token(claims),
            "sub": str(claims.client_id),
            **_scope(claims.scopes & record.scopes),
        }

    def _of_access_token(self, claims: Claims | MachineClaims) -> Description:
        return {
            "iss": self._issued.issuer,
            "aud": claims.audience,
            "client_id": str(claims.client_id),
            "exp": int(claims.expires_at),
            "iat": int(claims.issued_at),
            "jti": claims.token_id,
            **_tenant(claims.tenant_id),
            "token_type": "Bearer",
        }


def _scope(scopes: frozenset[str] | None) -> Description:
    return {} if scopes is None else {"scope": " ".join(sorted(scopes))}


def _tenant(tenant_id: TenantId | None) -> Description:
    return {} if tenant_id is None else {"tenant": str(tenant_id)}
