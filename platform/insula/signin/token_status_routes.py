"""Revocation and introspection: clients end their tokens, and ask whether they are alive."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from insula.core.settings import EXAMPLE_ORIGIN
from insula.db.models import ACTIVE
from insula.http.kernel import Kernel, kernel_of
from insula.http.routing.route import PublicRoute
from insula.identity.credentials.tokens import issuer_of
from insula.identity.oauth.front import FORM
from insula.identity.oauth.issued_tokens import IssuedTokens, UserAccess
from insula.identity.oauth.token_status import Issued, TokenStatusServer
from insula.signin.login_throttle import ThrottleRates
from insula.signin.oauth_metadata import INTROSPECTION_ENDPOINT, REVOCATION_ENDPOINT
from insula.signin.oauth_routes import ERRORS, answered, parts_of
from insula.signin.origin import origin_of


class Revoked(BaseModel):
    """An empty object: the token is not valid, or it was not the client's."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})


class IntrospectedToken(BaseModel):
    """A token that is alive, or only that it is not."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "active": True,
                    "iss": EXAMPLE_ORIGIN,
                    "aud": f"{EXAMPLE_ORIGIN}/example",
                    "sub": "019ab2c4-5d6e-7f80-91a2-b3c4d5e6f708",
                    "client_id": "019ab2c4-5d6e-7f80-91a2-b3c4d5e6f709",
                    "scope": "report:create report:read",
                    "exp": 1767226200,
                    "iat": 1767225600,
                    "jti": "019ab2c4-5d6e-7f80-91a2-b3c4d5e6f70a",
                    "tenant": "019ab2c4-5d6e-7f80-91a2-b3c4d5e6f70b",
                    "token_type": "Bearer",
                    "sid": "019ab2c4-5d6e-7f80-91a2-b3c4d5e6f70c",
                },
                {"active": False},
            ]
        }
    )

    active: bool = Field(description="Whether it works now. If not, the answer has no other field.")
    iss: str | None = Field(None, description="The issuer.")
    aud: str | None = Field(None, description="The URI of the app; for a refresh token, the issuer.")
    sub: str | None = Field(None, description="The user, or the client itself.")
    client_id: str | None = Field(None, description="The client that got it.")
    scope: str | None = Field(None, description="The scopes, separated by spaces. Absent: all that the user may do.")
    exp: int | None = Field(None, description="When it expires, in seconds since 1970.")
    iat: int | None = Field(None, description="When it was issued, in seconds since 1970.")
    jti: str | None = Field(None, description="The id of an access token.")
    tenant: str | None = Field(None, description="The id of the tenant, if it has one.")
    token_type: str | None = Field(None, description="`Bearer` for an access token, or `refresh_token`.")
    sid: str | None = Field(None, description="The session of the user. Absent: the client acts for itself.")


_REQUEST: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["token"],
                    "properties": {
                        "token": {"type": "string", "description": "An access token or a refresh token."},
                        "token_type_hint": {
                            "type": "string",
                            "description": "`access_token` or `refresh_token`; it changes nothing.",
                        },
                        "client_id": {"type": "string", "description": "Unless sent by HTTP Basic."},
                        "client_secret": {"type": "string", "description": "Unless sent by HTTP Basic."},
                    },
                }
            }
        },
    }
}


def token_status_router(rates: ThrottleRates | None = None) -> APIRouter:
    """Return the routes; ``rates`` limit each caller's attempts, together with those at the token endpoint."""
    router = APIRouter(tags=["oauth"], route_class=PublicRoute)
    handlers = _Handlers(rates or ThrottleRates())
    router.add_api_route(
        REVOCATION_ENDPOINT,
        handlers.revoke_token,
        methods=["POST"],
        summary="Revoke a token as an OAuth client",
        response_model=Revoked,
        responses=ERRORS,
        openapi_extra=_REQUEST,
    )
    router.add_api_route(
        INTROSPECTION_ENDPOINT,
        handlers.introspect_token,
        methods=["POST"],
        summary="Ask whether a token is alive as an OAuth client",
        response_model=IntrospectedToken,
        responses=ERRORS,
        openapi_extra=_REQUEST,
    )
    return router


class _Handlers:
    """The route handlers, with their rates."""

    def __init__(self, rates: ThrottleRates) -> None:
        self._rates = rates

    async def revoke_token(self, request: Request) -> Response:
        """End the session of a refresh token or a user's access token, with all tokens of the session.

        A token that is unknown, dead or another client's gets the same answer, and nothing changes. The access token
        that a client got for itself cannot be revoked: it gets the error `unsupported_token_type`.
        """
        server = _server(kernel_of(request), request, REVOCATION_ENDPOINT)
        return await answered(request, self._rates, server.answer_revocation)

    async def introspect_token(self, request: Request) -> Response:
        """Tell a confidential client whether its access token or refresh token works now, and for whom.

        A token that is unknown, dead or another client's is not active. Neither is a refresh token that was exchanged.
        """
        server = _server(kernel_of(request), request, INTROSPECTION_ENDPOINT)
        return await answered(request, self._rates, server.answer_introspection)


def _server(kernel: Kernel, request: Request, endpoint: str) -> TokenStatusServer:
    parts = parts_of(kernel)

    async def is_live(access: UserAccess) -> bool:
        known = await kernel.directory.access(
            session_id=access.session_id, user_id=access.user_id, tenant_id=access.tenant_id
        )
        if not known.session_live or known.user_status != ACTIVE:
            return False
        return await parts.admit(access.user_id, access.resource, access.tenant_id)

    tokens = IssuedTokens(kernel.database, kernel.verifier, [app.audience for app in kernel.apps.values()])
    return TokenStatusServer(parts, Issued(tokens, is_live, issuer_of(kernel.settings)), endpoint, origin_of(request))
