"""The grants of the token endpoint: Authlib's, with our codes, refresh tokens and rules.

Authlib's grants are synchronous and run in a greenlet, where ``await_only`` awaits:
see ``insula.identity.oauth.server``.
"""

import re
from typing import ClassVar, Final

from authlib.oauth2.rfc6749 import AuthorizationCodeGrant, BaseGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.errors import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc7636 import CodeChallenge
from sqlalchemy.util import await_only

from insula.identity.oauth.authorizations import PendingCode
from insula.identity.oauth.clients import Client
from insula.identity.oauth.front import InvalidTargetError
from insula.identity.sessions.refresh_tokens import Holder

METHODS: Final = ("none", "client_secret_basic", "client_secret_post")
"""How clients authenticate, by the names in RFC 7591: ``none`` is for public clients."""
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class MachineGrant(ClientCredentialsGrant):  # type: ignore[misc]  # Authlib ships no types
    """``client_credentials``: a tenant's confidential client gets a token for itself."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = ["client_secret_basic", "client_secret_post"]

    def validate_token_request(self) -> None:
        """Authenticate the client, then check its grant, the scopes and the resource."""
        super().validate_token_request()
        if self.request.client.record.tenant_id is None:
            raise UnauthorizedClientError("A client of the platform itself acts for users alone.")
        self.server.resource_of(self.request)


class Pkce(CodeChallenge):  # type: ignore[misc]  # as above
    """Proof key for code exchange (RFC 7636): S256 alone, for every client, at both ends."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD: ClassVar = ["S256"]

    def validate_code_challenge(self, grant: BaseGrant, redirect_uri: str) -> None:  # noqa: ARG002  # Authlib's signature
        """Require a challenge and the method S256."""
        sent = grant.request.payload.data
        if sent.get("code_challenge_method") != "S256":
            raise InvalidRequestError("Every client uses PKCE: send code_challenge, and S256 as code_challenge_method.")
        if not _CHALLENGE.fullmatch(sent.get("code_challenge", "")):
            raise InvalidRequestError("The code_challenge is no SHA-256 hash in base64url.")

    def validate_code_verifier(self, grant: BaseGrant, result: object) -> None:
        """Require the verifier of the challenge."""
        if not _VERIFIER.fullmatch(grant.request.form.get("code_verifier", "")):
            raise InvalidRequestError("The code_verifier is missing, or no verifier of PKCE.")
        super().validate_code_verifier(grant, result)


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # as above
    """``authorization_code``: a client gets tokens for a user who has signed in and agreed."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = [*METHODS]

    def query_authorization_code(self, code: str, client: Client) -> PendingCode | None:
        """Return the unused code of this client. A replay ends the session that the code gave."""
        server = self.server
        pending: PendingCode | None = await_only(
            server.authorizations.pending(code, client.record.client_id, server.origin)
        )
        resource = self.request.payload.data.get("resource")
        if pending is not None and resource not in (None, pending.authorization.resource):
            raise InvalidTargetError("The code is for another resource.")
        return pending

    def authenticate_user(self, authorization_code: PendingCode) -> PendingCode:
        """Return the code if its user may still sign in to the app and the tenant."""
        given = authorization_code.authorization
        self.server.admit(authorization_code.user_id, given.resource, given.tenant_id)
        return authorization_code

    def delete_authorization_code(self, authorization_code: PendingCode) -> None:
        """Do nothing: the token generator has spent the code."""


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]  # as above
    """``refresh_token``: a client continues the session of its user."""

    TOKEN_ENDPOINT_AUTH_METHODS: ClassVar = [*METHODS]
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> "PresentedToken | None":
        """Return the valid refresh token of this request's client. A reused one ends its session."""
        server, client_id = self.server, self.request.client.record.client_id
        holder: Holder | None = await_only(server.authorizations.holder(refresh_token, client_id, server.origin))
        if holder is None:
            raise InvalidGrantError("The refresh token is unknown, used or expired, or its session has ended.")
        resource = self.request.payload.data.get("resource")
        if resource not in (None, holder.bounds.resource):
            raise InvalidTargetError("The refresh token is for another resource.")
        return PresentedToken(refresh_token, holder)

    def _validate_request_client(self) -> Client:
        """Authenticate the client before its token is looked at."""
        client: Client = super()._validate_request_client()
        self.request.client = client
        return client

    def _validate_token_scope(self, token: "PresentedToken") -> None:
        """Refuse scopes that the session does not have."""
        wanted, held = self.request.payload.scope, token.holder.bounds.scopes
        if wanted is not None and held is not None and not held.issuperset(wanted.split(" ")):
            raise InvalidScopeError("The session does not have one of these scopes.")

    def authenticate_user(self, refresh_token: "PresentedToken") -> Holder:
        """Return the holder if they may still sign in to the app and the tenant."""
        holder = refresh_token.holder
        self.server.admit(holder.user_id, str(holder.bounds.resource), holder.tenant_id)
        return holder

    def revoke_old_credential(self, refresh_token: "PresentedToken") -> None:
        """Do nothing: the token generator has exchanged the token."""


class PresentedToken:
    """A presented refresh token, with its holder."""

    def __init__(self, token: str, holder: Holder) -> None:
        self.token = token
        self.holder = holder

    def check_client(self, client: Client) -> bool:
        """Return whether the token is this client's."""
        return bool(self.holder.bounds.client_id == client.record.client_id)

    def get_scope(self) -> str:
        """Return the scopes, separated by spaces."""
        return " ".join(sorted(self.holder.bounds.scopes or ()))
